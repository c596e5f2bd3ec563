//! Somebody at a browser, as far as HTTP goes: one cookie, no redirects followed.

use std::cell::RefCell;

use ureq::http::Response;
use ureq::{Agent, Body};

use super::page::Page;

/// A person with a session of their own.
pub(crate) struct Person {
    base: String,
    agent: Agent,
    cookie: RefCell<Option<String>>,
    address: Option<String>,
}

/// A second browser of the same person, with the same session.
impl Clone for Person {
    fn clone(&self) -> Self {
        Self {
            base: self.base.clone(),
            agent: agent(),
            cookie: self.cookie.clone(),
            address: self.address.clone(),
        }
    }
}

fn agent() -> Agent {
    Agent::config_builder().max_redirects(0).http_status_as_error(false).build().new_agent()
}

impl Person {
    pub(crate) fn new(base: &str) -> Self {
        Self { base: base.to_owned(), agent: agent(), cookie: RefCell::new(None), address: None }
    }

    /// The same behind a proxy that names this network address.
    #[must_use]
    pub(crate) fn at(self, address: &str) -> Self {
        Self { address: Some(address.to_owned()), ..self }
    }

    /// What every request of theirs has: where it comes from, and the cookie.
    fn own_headers(&self) -> Vec<(&'static str, String)> {
        let cookie = self.cookie.borrow().clone().map(|cookie| ("cookie", cookie));
        let address = self.address.clone().map(|address| ("x-forwarded-for", address));
        cookie.into_iter().chain(address).collect()
    }

    /// The session cookie as `name=value`, if there is one.
    pub(crate) fn cookie(&self) -> Option<String> {
        self.cookie.borrow().clone()
    }

    /// Uses another session.
    pub(crate) fn set_cookie(&self, cookie: Option<String>) {
        self.cookie.replace(cookie);
    }

    /// `GET path`
    pub(crate) fn get(&self, path: &str) -> Page {
        self.get_with(path, &[])
    }

    /// `GET path` with further headers, as htmx sends them.
    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Page {
        let mut request = self.agent.get(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.own_headers() {
            request = request.header(name, value);
        }
        self.answer(path, request.call().unwrap())
    }

    /// `GET` where the last answer leads.
    pub(crate) fn follow(&self, page: &Page) -> Page {
        let location = page.location().unwrap_or_else(|| panic!("no redirect: {}", page.text()));
        self.get(location)
    }

    /// `POST path` with these fields and nothing else: no token either.
    pub(crate) fn post(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        self.post_with(path, fields, &[])
    }

    /// [`Person::post`] with further headers.
    pub(crate) fn post_with(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Page {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        for (name, value) in self.own_headers() {
            request = request.header(name, value);
        }
        let answer = request.send_form(fields.iter().copied()).unwrap();
        self.answer(path, answer)
    }

    /// `POST path` with the session's own CSRF token, for where no page has the form.
    pub(crate) fn post_signed(&self, path: &str, fields: &[(&str, &str)]) -> Page {
        let token = self.token();
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.post(path, &all)
    }

    /// The session's CSRF token, read from a page that everybody may see.
    pub(crate) fn token(&self) -> String {
        let places = self.get("/programs");
        let page = if places.status == 200 { places } else { self.get("/login") };
        page.value_of("input[name=csrf]")
    }

    /// [`Person::submit`] with a number of its own, as from the same page opened once more: a form that's
    /// sent again from one page is answered and not carried out.
    pub(crate) fn submit_again(
        &self,
        page: &Page,
        selector: &str,
        fields: &[(&str, &str)],
    ) -> Page {
        let token = self.token();
        let mut all = vec![("csrf", token.as_str())];
        all.extend_from_slice(fields);
        self.submit(page, selector, &all)
    }

    /// Fills the form that `selector` finds on `page` as the page has it, but for `fields`, and
    /// sends it where it says: real fields, real token.
    pub(crate) fn submit(&self, page: &Page, selector: &str, fields: &[(&str, &str)]) -> Page {
        let form = page.form(selector).with(fields);
        let pairs: Vec<(&str, &str)> =
            form.fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let action = if form.action.is_empty() { page.path.clone() } else { form.action.clone() };
        if form.is_get {
            let query: Vec<String> = pairs
                .iter()
                .map(|(name, value)| format!("{name}={}", vouch::kit::urls::encode(value)))
                .collect();
            let path = action.split('?').next().unwrap_or_default();
            return self.get(&format!("{path}?{}", query.join("&")));
        }
        self.post(&action, &pairs)
    }

    /// `POST path` with these fields and a file: its field, its name, its content.
    pub(crate) fn post_file(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        (field, name, content): (&str, &str, &[u8]),
    ) -> Page {
        const EDGE: &str = "----the-edge-of-a-part";
        let mut body = Vec::new();
        for (name, value) in fields {
            let part = format!(
                "--{EDGE}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
            );
            body.extend_from_slice(part.as_bytes());
        }
        let head = format!(
            "--{EDGE}\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"{name}\"\r\n\
             Content-Type: text/csv\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(format!("\r\n--{EDGE}--\r\n").as_bytes());
        let mut request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("content-type", format!("multipart/form-data; boundary={EDGE}"));
        for (name, value) in self.own_headers() {
            request = request.header(name, value);
        }
        self.answer(path, request.send(&body[..]).unwrap())
    }

    /// Sends raw bytes with headers: webhooks, the API.
    pub(crate) fn send(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Page {
        let mut request = self.agent.post(format!("{}{path}", self.base));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(address) = &self.address {
            request = request.header("x-forwarded-for", address);
        }
        self.answer(path, request.send(body).unwrap())
    }

    fn answer(&self, path: &str, answer: Response<Body>) -> Page {
        for set in answer.headers().get_all("set-cookie") {
            let set = set.to_str().unwrap();
            let pair = set.split(';').next().unwrap_or_default();
            let gone = set.to_lowercase().contains("max-age=0") || pair.ends_with('=');
            self.cookie.replace((!gone).then(|| pair.to_owned()));
        }
        Page::read(path, answer)
    }
}
