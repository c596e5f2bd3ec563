//! How long it takes to check a file of ten thousand codes against all codes of the program.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use diesel::prelude::*;
use vouch::kit::db::schema::triggers;

use crate::load::Connection;
use crate::program::Running;
use crate::report;

/// The most rows of a file.
const ROWS: usize = 10_000;
/// So often the file is checked.
const TIMES: usize = 3;
const BOUNDARY: &str = "the-end-of-a-part";

/// Uploads the file and shows what would become of every row; then looks as many rows up by their key,
/// one by one, as the bound.
pub(crate) fn measure(running: &Running) {
    let codes = running.program.some_codes(ROWS / 2);
    let file = file_of(&codes, &running.program.some_emails(100));
    let cookie = running.sign_in();
    let checks = (0..TIMES).map(|_| check(running, &cookie, &file));
    let check = checks.max().unwrap_or_default();
    report::import(check, look_up_each(running, &codes), running.peak_mebibytes());
}

/// Half of the codes are there already.
fn file_of(codes: &[String], emails: &[String]) -> String {
    let mut file = "Email,Code\n".to_owned();
    for n in 0..ROWS {
        let email = &emails[n % emails.len()];
        let code = codes.get(n).cloned().unwrap_or_else(|| format!("BULK-{n}"));
        writeln!(file, "{email},{code}").expect("writing to a string cannot fail");
    }
    file
}

fn check(running: &Running, cookie: &str, file: &str) -> Duration {
    let mut connection = Connection::open(&running.address);
    let head = format!("HTTP/1.1\r\nhost: {}\r\ncookie: {cookie}\r\n", running.address);
    let token = running.token("/triggers/imports/new", cookie);
    let body = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n\
         --{BOUNDARY}\r\ncontent-disposition: form-data; name=\"file\"; filename=\"codes.csv\"\r\n\
         content-type: text/csv\r\n\r\n{file}\r\n--{BOUNDARY}--\r\n"
    );
    let post = format!(
        "POST /triggers/imports {head}content-type: multipart/form-data; boundary={BOUNDARY}\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    );
    let begun = Instant::now();
    let (status, headers, _) = connection.ask_with_headers(post.as_bytes());
    assert_eq!(status, 303, "the file is kept");
    let location = headers.iter().find_map(|header| header.strip_prefix("location: "));
    let path = location.expect("its page is named");
    let (status, page) = connection.ask(format!("GET {path} {head}\r\n").as_bytes());
    let took = begun.elapsed();
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&page));
    took
}

fn look_up_each(running: &Running, codes: &[String]) -> Duration {
    let merchant_id = running.program.merchant_id;
    running.program.within(|conn| {
        let begun = Instant::now();
        for code in codes.iter().cycle().take(ROWS) {
            triggers::table
                .filter(triggers::merchant_id.eq(merchant_id))
                .filter(triggers::kind.eq("coupon_code"))
                .filter(triggers::key.eq(code.to_uppercase()))
                .select(triggers::id)
                .first::<i64>(conn)
                .optional()?;
        }
        Ok(begun.elapsed())
    })
}
