use super::*;

#[test]
fn settings_and_the_machine() {
    try_states(&[
        State { name: "as-it-is", provoke: |_| {}, found: &[] },
        State {
            name: "setting",
            provoke: |examined| examined.set("VOUCH_LOG", "xml"),
            found: &[("configuration", PROBLEM)],
        },
        State {
            name: "plain-http",
            provoke: |examined| examined.set("VOUCH_PUBLIC_URL", "http://vouch.example"),
            found: &[("configuration", PROBLEM)],
        },
        State {
            name: "folder-open",
            provoke: |examined| {
                let open = fs::Permissions::from_mode(0o777);
                fs::set_permissions(&examined.here.folder, open).unwrap();
            },
            found: &[("data_folder", PROBLEM)],
        },
        State {
            name: "port-taken",
            provoke: |examined| {
                let taken = TcpListener::bind("127.0.0.1:0").unwrap();
                examined.set("VOUCH_LISTEN", taken.local_addr().unwrap().to_string());
                examined.set("VOUCH_PUBLIC_URL", "http://localhost:8080");
                // Closed by its backlog's end: it answers no one.
                taken.set_nonblocking(true).unwrap();
                examined.listener = Some(taken);
            },
            found: &[("port", PROBLEM)],
        },
        State {
            name: "foreign-address",
            provoke: |examined| {
                examined.set("VOUCH_LISTEN", "203.0.113.9:8080");
                examined.set("VOUCH_PUBLIC_URL", "https://vouch.example");
            },
            found: &[("port", PROBLEM)],
        },
        State {
            name: "smtp-down",
            provoke: |examined| {
                examined.set("VOUCH_SMTP_URL", "smtp://vouch:hunter2@127.0.0.1:1");
                examined.set("VOUCH_MAIL_FROM", "vouch@vouch.example");
            },
            found: &[("smtp", PROBLEM)],
        },
    ]);
}

#[test]
fn the_secret_key() {
    try_states(&[
        State {
            name: "key-readable",
            provoke: |examined| examined.keep_key(&hex::encode(SECRET_KEY), 0o644),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-unreadable",
            provoke: |examined| {
                examined.unset("VOUCH_SECRET_KEY");
                let file = examined.here.folder.join("secret.key");
                fs::create_dir(&file).unwrap();
                fs::set_permissions(&file, fs::Permissions::from_mode(0o700)).unwrap();
            },
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-cut",
            provoke: |examined| examined.keep_key("0707", 0o600),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-no-key",
            provoke: |examined| examined.set("VOUCH_SECRET_KEY", "password"),
            found: &[("secret_key", PROBLEM)],
        },
        State {
            name: "key-missing",
            provoke: |examined| examined.unset("VOUCH_SECRET_KEY"),
            found: &[
                ("secret_key", PROBLEM),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "key-wrong",
            provoke: |examined| examined.set("VOUCH_SECRET_KEY", "ab".repeat(32)),
            found: &[
                ("secret_key", PROBLEM),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "rotation-left",
            provoke: |examined| {
                examined.keep_key(&hex::encode(SECRET_KEY), 0o600);
                let next = examined.here.folder.join("secret.key.next");
                fs::write(next, "cd".repeat(32)).unwrap();
            },
            found: &[("key_rotation", WARNING)],
        },
        State {
            name: "rotation-broken-off",
            provoke: |examined| {
                examined.keep_key(&"ab".repeat(32), 0o600);
                let next = examined.here.folder.join("secret.key.next");
                fs::write(next, hex::encode(SECRET_KEY)).unwrap();
                // What a start with the key has recorded.
                let fingerprint = hex::encode(vouch::app::instance::key::fingerprint(
                    &secrecy::SecretBox::new(Box::new(SECRET_KEY)),
                ));
                examined.sql(&format!(
                    "INSERT INTO instance_key (fingerprint, recorded_at) VALUES ('\\x{fingerprint}', now())"
                ));
            },
            found: &[
                ("secret_key", PROBLEM),
                ("key_rotation", WARNING),
                ("store_secrets", PROBLEM),
                ("two_factor_secrets", PROBLEM),
            ],
        },
        State {
            name: "two-factor",
            provoke: |examined| {
                examined.sql(
                    "UPDATE users SET two_factor_secret = '\\x01', two_factor_at = now() \
                     WHERE id = (SELECT min(id) FROM users)",
                );
            },
            found: &[("two_factor_secrets", PROBLEM)],
        },
        State {
            name: "store-secret",
            provoke: |examined| examined.sql("UPDATE stores SET webhook_secret = '\\x01'"),
            found: &[("store_secrets", PROBLEM)],
        },
    ]);
}

#[test]
fn a_mail_server_that_refuses_the_password_is_told_from_one_that_does_not() {
    let mut examined = Examined::new("smtp-password");
    let server = MailServer::start();
    let smtp = server.settings_with_login();
    examined.set("VOUCH_SMTP_URL", format!("smtp://vouch:hunter2@{}:{}", smtp.host, smtp.port));
    examined.set("VOUCH_MAIL_FROM", "vouch@vouch.example");
    server.refuse_logins(true);
    examined.mail_server = Some(server);
    let (code, document) = examined.run();
    assert_eq!(found(&document), [("smtp".to_owned(), PROBLEM.to_owned())].into(), "{document:#}");
    assert_eq!(code, Some(1));
}
