use std::os::unix::fs::PermissionsExt;

use clap::Parser;
use secrecy::ExposeSecret;

use super::*;

#[derive(Parser)]
struct CommandLine {
    #[command(flatten)]
    settings: Settings,
}

/// A data folder that is removed after the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let name = format!("vouch-config-{name}-{}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn load(&self, arguments: &[&str]) -> Result<Config, ConfigError> {
        let folder = self.0.to_str().unwrap();
        let mut line = vec!["vouch", "--data", folder];
        // An empty value counts as missing, so the environment of the tests has no effect.
        if !arguments.iter().any(|argument| argument.starts_with("--database-url")) {
            line.push("--database-url=");
        }
        line.extend(arguments);
        Config::load(CommandLine::parse_from(line).settings)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn starts_with_nothing_configured() {
    let folder = Folder::new("defaults");
    let config = folder.load(&[]).unwrap();
    assert!(config.database_url.is_none());
    assert_eq!(config.public_url, "http://127.0.0.1:8080");
    assert_eq!(config.log_format, LogFormat::Text);
    let Connections { pages, intake, jobs, wait_factor } = config.connections;
    assert_eq!((pages, intake, jobs, wait_factor), (8, 4, 4, 1));
    assert!(!config.local_stores);
    assert!(folder.0.is_dir());
}

#[test]
fn refuses_bad_values_in_one_line_that_names_the_setting() {
    let folder = Folder::new("bad");
    for (argument, setting) in [
        ("--listen=localhost", "VOUCH_LISTEN"),
        ("--trusted-proxies=proxy.example", "VOUCH_TRUSTED_PROXIES"),
        ("--listen=127.0.0.1:99999", "VOUCH_LISTEN"),
        ("--listen=0.0.0.0:80", "VOUCH_PUBLIC_URL"),
        ("--public-url=vouch.example.com", "VOUCH_PUBLIC_URL"),
        ("--public-url=ftp://vouch.example.com", "VOUCH_PUBLIC_URL"),
        ("--public-url=https://example.com/vouch", "VOUCH_PUBLIC_URL"),
        ("--public-url=https://example.com/?a", "VOUCH_PUBLIC_URL"),
        ("--public-url=https://example.com/#a", "VOUCH_PUBLIC_URL"),
        ("--public-url=https://me:pw@example.com", "VOUCH_PUBLIC_URL"),
        ("--public-url=https://", "VOUCH_PUBLIC_URL"),
        ("--smtp-url=smtp://u:hunter2@mail.example.com", "VOUCH_MAIL_FROM"),
        ("--smtp-url=http://u:hunter2@mail.example.com", "VOUCH_SMTP_URL"),
        ("--secret-key=0123", "VOUCH_SECRET_KEY"),
        ("--metrics-token=hunter2", "VOUCH_METRICS_TOKEN"),
        ("--metrics-token=hunter2 in many words", "VOUCH_METRICS_TOKEN"),
        ("--local-stores=yes", "VOUCH_LOCAL_STORES"),
        ("--log=xml", "VOUCH_LOG"),
        ("--log-filter=a=b=c", "VOUCH_LOG_FILTER"),
        ("--page-connections=0", "VOUCH_PAGE_CONNECTIONS"),
        ("--intake-connections=many", "VOUCH_INTAKE_CONNECTIONS"),
        ("--wait-factor=0", "VOUCH_WAIT_FACTOR"),
        ("--wait-factor=1000", "VOUCH_WAIT_FACTOR"),
        ("--pg-bin=/nowhere", "VOUCH_PG_BIN"),
        ("--database-url=mysql://root:hunter2@db/vouch", "DATABASE_URL"),
        ("--owner-database-url=mysql://root:hunter2@db/vouch", "VOUCH_OWNER_DATABASE_URL"),
        ("--owner-database-url=postgres://root:hunter2@db/vouch", "VOUCH_OWNER_DATABASE_URL"),
    ] {
        let error = folder.load(&[argument]).unwrap_err();
        assert_eq!(error.setting, setting, "{argument}: {error}");
        let line = error.to_string();
        assert!(!line.contains('\n') && !line.contains("hunter2"), "{line}");
    }
}

#[test]
fn the_embedded_server_has_connections_for_both() {
    let folder = Folder::new("connections");
    let both = ["--page-connections=60", "--intake-connections=31"];
    let error = folder.load(&both).unwrap_err();
    assert_eq!(error.setting, "VOUCH_PAGE_CONNECTIONS", "{error}");
    let named = ["--database-url=postgresql://vouch@db/vouch", both[0], both[1]];
    assert!(folder.load(&named).is_ok());
}

#[test]
fn the_public_url_loses_its_slash_and_its_capitals() {
    assert_eq!(
        // copy: a URL
        public_url("https://Vouch.Example.com:8443/"),
        // copy: a URL
        Ok("https://vouch.example.com:8443".to_owned())
    );
}

#[test]
fn local_stores_need_a_public_url_on_this_machine() {
    for near in [
        "http://localhost:8080",
        "http://127.0.0.1",
        "http://127.9.9.9:1",
        "http://[::1]:8080",
        "https://shop.localhost",
    ] {
        assert_eq!(local_stores("1", near), Ok(true), "{near}");
    }
    for far in [
        "https://example.com",
        "http://localhost.example.com",
        "http://127.0.0.1.example.com",
        "http://10.0.0.1:8080",
    ] {
        let error = local_stores("1", far).unwrap_err();
        assert_eq!(error.setting, "VOUCH_LOCAL_STORES", "{far}");
        assert_eq!(local_stores("0", far), Ok(false), "{far}");
    }
}

#[test]
fn the_key_is_made_once_and_for_nobody_else() {
    let folder = Folder::new("key");
    let first = folder.load(&[]).unwrap();
    let file = folder.0.join(SECRET_KEY_FILE);
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let second = folder.load(&[]).unwrap();
    assert_eq!(first.secret_key.expose_secret(), second.secret_key.expose_secret());

    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let error = folder.load(&[]).unwrap_err();
    assert!(error.reason.contains("chmod 600"), "{error}");
}

#[test]
fn secrets_are_never_printed() {
    let folder = Folder::new("secrets");
    let key = "ab".repeat(32);
    let config = folder
        .load(&[
            "--database-url=postgresql://vouch:hunter2@db/vouch",
            "--demo-password=hunter2",
            "--metrics-token=hunter2-and-then-some-more",
            &format!("--secret-key={key}"),
        ])
        .unwrap();
    let printed = format!("{config:?}");
    assert!(!printed.contains("hunter2") && !printed.contains("171, 171"), "{printed}");
}

#[test]
fn a_refused_start_leaves_nothing_behind() {
    let folder = Folder::new("refused");
    folder.load(&["--log=xml"]).unwrap_err();
    assert!(!folder.0.exists());
}

#[test]
fn the_authority_of_a_mail_server_is_read_at_the_start() {
    let folder = Folder::new("authority");
    std::fs::create_dir_all(&folder.0).unwrap();
    let file = folder.0.join("empty.pem");
    std::fs::write(&file, "nothing").unwrap();
    for path in [file.to_str().unwrap(), "/nowhere.pem"] {
        let authority = format!("--smtp-ca={path}");
        let all = ["--smtp-url=smtps://mail.example.com", "--mail-from=a@b.example", &authority];
        assert_eq!(folder.load(&all).unwrap_err().setting, "VOUCH_SMTP_CA");
    }
}
