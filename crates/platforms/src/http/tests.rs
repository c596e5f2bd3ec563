use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::Instant;

use super::*;

/// Answers one call with these bytes and closes. The thread returns the request.
fn answers(bytes: &'static [u8]) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/secret-path", listener.local_addr().unwrap());
    let asked = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut asked = vec![0; 4096];
        let length = stream.read(&mut asked).unwrap();
        // The client may close first if it has read enough.
        let _ = stream.write_all(bytes);
        String::from_utf8_lossy(&asked[..length]).into_owned()
    });
    (url, asked)
}

fn local() -> Http {
    Http::with_timeout(true, Duration::from_millis(400))
}

fn reason(error: CallError) -> Reason {
    let words = error.to_string();
    assert!(!words.contains("127.0.0.1") && !words.contains("secret-path"), "{words}");
    let CallError::Unanswered(reason) = error else { panic!("{error:?}") };
    reason
}

#[test]
fn an_answer_comes_with_status_headers_and_body() {
    let (url, asked) =
        answers(b"HTTP/1.1 422 No\r\nX-Left: 7\r\nContent-Length: 8\r\n\r\n{\"a\": 1}");
    let call = Call::new(Method::Post, url)
        .header("x-token", "t0ken")
        .json(&serde_json::json!({"code": "MAYA10"}));
    let answer = local().send(call).unwrap();
    assert_eq!((answer.status, answer.header("x-left")), (422, Some("7")));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["a"], 1);
    let asked = asked.join().unwrap();
    assert!(asked.starts_with("POST /secret-path HTTP/1.1\r\n"), "{asked}");
    assert!(asked.contains("x-token: t0ken") && asked.contains("content-type: application/json"));
    assert!(asked.contains("user-agent: Vouch/"));
}

#[test]
fn a_redirect_is_an_answer_and_not_followed() {
    let (url, _) = answers(
        b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    );
    let answer = local().send(Call::new(Method::Get, url)).unwrap();
    assert_eq!(answer.status, 302);
}

#[test]
fn what_breaks_off_is_no_answer() {
    let cut: [&[u8]; 3] = [
        b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"a\":",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{\"a\":\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
    ];
    for bytes in cut {
        let (url, _) = answers(bytes);
        let said = reason(local().send(Call::new(Method::Get, url)).unwrap_err());
        assert_eq!(said, Reason::Interrupted);
    }
}

#[test]
fn a_web_page_in_place_of_json_is_named_so() {
    let (url, _) = answers(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\n\r\n<html></html>");
    let answer = local().send(Call::new(Method::Get, url)).unwrap();
    let said = reason(answer.json::<serde_json::Value>().unwrap_err());
    assert_eq!(said, Reason::NotJson { status: 200, is_web_page: true });
}

#[test]
fn an_endless_answer_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n");
        while stream.write_all(&[b' '; 65_536]).is_ok() {}
    });
    let http = Http::with_timeout(true, Duration::from_secs(10));
    let said = reason(http.send(Call::new(Method::Get, url)).unwrap_err());
    assert_eq!(said, Reason::ResponseTooLarge);
}

#[test]
fn a_store_that_dawdles_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
        // A slow trickle of bytes keeps the connection open, but the call still times out.
        while stream.write_all(b" ").is_ok() {
            thread::sleep(Duration::from_millis(50));
        }
    });
    let begun = Instant::now();
    let said = reason(local().send(Call::new(Method::Get, url)).unwrap_err());
    assert_eq!(said, Reason::Timeout);
    assert!(begun.elapsed() < Duration::from_secs(3));
}

#[test]
fn nobody_at_the_address_is_said() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = local().send(Call::new(Method::Get, format!("http://{free}/"))).unwrap_err();
    assert_eq!(reason(error), Reason::ConnectionRefused);
}

#[test]
fn without_local_stores_only_https_and_public_addresses_are_called() {
    let http = Http::with_timeout(false, Duration::from_secs(2));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    listener.set_nonblocking(true).unwrap();
    // Names such as `localhost` count by the address they resolve to.
    for host in ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "169.254.169.254", "0x7f.1"] {
        let call = Call::new(Method::Get, format!("https://{host}:{port}/"));
        assert_eq!(reason(http.send(call).unwrap_err()), Reason::PrivateNetwork, "{host}");
    }
    let plain = Call::new(Method::Get, format!("http://localhost:{port}/"));
    assert_eq!(reason(http.send(plain).unwrap_err()), Reason::NotHttps);
    assert!(listener.accept().is_err(), "nobody was called");
}

#[test]
fn special_addresses_are_not_public() {
    let public = [
        "23.227.38.74",
        "100.63.0.1",
        "172.32.0.1",
        "192.0.1.1",
        "2620:127:f00f::1",
        "64:ff9b::17e3:264a",
        "::ffff:23.227.38.74",
    ];
    let special = [
        "0.0.0.0",
        "10.1.2.3",
        "100.64.0.1",
        "127.8.8.8",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.168.1.1",
        "192.0.0.8",
        "192.0.2.1",
        "198.18.0.1",
        "203.0.113.9",
        "224.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "64:ff9b::a00:1",
        "2001:db8::1",
        "2001::1",
        "2002:7f00:1::1",
    ];
    for ip in public {
        assert!(is_public(ip.parse().unwrap()), "{ip}");
    }
    for ip in special {
        assert!(!is_public(ip.parse().unwrap()), "{ip}");
    }
}

#[test]
fn a_clock_differs_only_by_what_a_slow_answer_does_not_explain() {
    let at = |second: i64| DateTime::from_timestamp(1_790_000_000 + second, 0).unwrap();
    for (dated, asked, answered, behind) in [
        (0, 0, 0, 0),
        // Within the duration of the call, or within the same second.
        (5, 0, 9, 0),
        (0, 1, 1, 0),
        (0, 600, 601, 599),
        (0, 600, 660, 599),
        (600, 0, 1, -599),
        (600, 0, 60, -540),
    ] {
        assert_eq!(behind_seconds(at(dated), at(asked), at(answered)), behind, "{dated} {asked}");
    }
}
