//! A real Chromium, with and without JavaScript, in light and dark, at any width.
//!
//! Every [`Browser`] has a chromedriver and a profile of its own and ends both when it is dropped.
//! At most one runs at a time: two would fight over the cores and make waits unpredictable.

use super::on_this_machine;
use std::fmt;
use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use actix_web::rt::task::spawn_blocking;
use fantoccini::actions::{InputSource as _, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Map, Value, json};
use tokio::sync::{Semaphore, SemaphorePermit};

static ONE_AT_A_TIME: Semaphore = Semaphore::const_new(1);

/// How long a test waits for something to appear before it fails.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What WCAG 2.2 AA asks, as axe names it, and axe's own advice on top.
const AXE_TAGS: [&str; 6] =
    ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/// The rules of [`AXE_TAGS`] that read colors: nothing else differs in the dark.
const AXE_COLOR_RULES: [&str; 2] = ["color-contrast", "link-in-text-block"];

/// One browser with one window.
pub(crate) struct Browser {
    client: Client,
    driver: Driver,
    session: String,
    base: String,
    javascript: bool,
    _permit: SemaphorePermit<'static>,
}

/// One rule of axe that the page breaks.
#[derive(Debug)]
pub(crate) struct Violation {
    pub rule: String,
    pub help: String,
    pub places: Vec<String>,
}

impl fmt::Display for Violation {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}\n    {}", self.rule, self.help, self.places.join("\n    "))
    }
}

impl Browser {
    /// A browser for the application at `base`, e.g. `http://127.0.0.1:4567`.
    pub(crate) async fn open(base: &str) -> Self {
        Self::start(base, true).await
    }

    /// The same for people whose browser runs no scripts.
    pub(crate) async fn open_without_javascript(base: &str) -> Self {
        Self::start(base, false).await
    }

    async fn start(base: &str, javascript: bool) -> Self {
        let permit = ONE_AT_A_TIME.acquire().await.expect("never closed");
        let driver = Driver::start();
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(driver.capabilities(javascript))
            .connect(&driver.url)
            .await
            .expect("chromium starts");
        let session = client.session_id().await.expect("a session").expect("has an id");
        let base = base.to_owned();
        let browser = Self { client, driver, session, base, javascript, _permit: permit };
        browser.viewport(1280, 800).await;
        browser
    }

    /// For everything that has no method here.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Opens a path of the application.
    pub(crate) async fn goto(&self, path: &str) {
        self.client.goto(&format!("{}{path}", self.base)).await.expect("the page loads");
    }

    /// Path and query of the page that is open.
    pub(crate) async fn path(&self) -> String {
        let url = self.client.current_url().await.expect("a page is open");
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        format!("{}{query}", url.path())
    }

    /// Waits for the first element of `css`.
    pub(crate) async fn find(&self, css: &str) -> Element {
        self.wait_for(Locator::Css(css), css).await
    }

    /// Waits for `css` and clicks it.
    pub(crate) async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap_or_else(|error| panic!("click {css}: {error}"));
    }

    /// Clicks the link or button that says exactly `words`.
    pub(crate) async fn press(&self, words: &str) {
        let path =
            format!("//*[self::a or self::button or self::summary][normalize-space(.)={words:?}]");
        let element = self.wait_for(Locator::XPath(&path), words).await;
        element.click().await.unwrap_or_else(|error| panic!("press {words:?}: {error}"));
    }

    /// Replaces what stands in the field `css`.
    pub(crate) async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.expect("the field can be cleared");
        field.send_keys(text).await.expect("the field takes keys");
    }

    /// Chooses the option of the select `css` whose value is `value`.
    pub(crate) async fn select(&self, css: &str, value: &str) {
        self.find(css).await.select_by_value(value).await.expect("there is such an option");
    }

    /// Clicks the link of the main menu that says `words`, with the mouse: wide windows show the
    /// menu by styles while its `details` is closed, and WebDriver takes all in it for hidden.
    pub(crate) async fn menu(&self, words: &str) {
        let path = format!("//nav[@aria-label='Main']//a[normalize-space(.)={words:?}]");
        let element = self.wait_for(Locator::XPath(&path), words).await;
        let over = PointerAction::MoveToElement { element, duration: None, x: 0.0, y: 0.0 };
        let mouse = MouseActions::new("mouse".to_owned())
            .then(over)
            .then(PointerAction::Down { button: MOUSE_BUTTON_LEFT })
            .then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        self.client.perform_actions(mouse).await.expect("the mouse can be moved");
    }

    /// Clicks an option of a list that comes anew after each letter, so that the first one takes
    /// hold of can be gone.
    pub(crate) async fn choose(&self, option: &str) {
        for _ in 0..20 {
            if self.find(option).await.click().await.is_ok() {
                return;
            }
        }
        panic!("{option} cannot be clicked");
    }

    /// The visible text of the first `css`.
    pub(crate) async fn text(&self, css: &str) -> String {
        self.find(css).await.text().await.expect("an element has text")
    }

    /// Waits until the page holds `words` somewhere.
    pub(crate) async fn sees(&self, words: &str) {
        let path = format!("//body//*[contains(normalize-space(.), {words:?})]");
        self.wait_for(Locator::XPath(&path), words).await;
    }

    /// Waits until the elements of `css` say exactly `words`, one each, in this order.
    pub(crate) async fn shows(&self, css: &str, words: &[&str]) {
        let deadline = Instant::now() + on_this_machine(TIMEOUT);
        loop {
            let shown = self.texts(css).await;
            // Elements go away while a list comes anew.
            if shown.as_ref().is_ok_and(|shown| shown == words) {
                return;
            }
            if Instant::now() > deadline {
                let kept = self.screenshot("not-shown").await;
                let path = self.path().await;
                panic!("{css} on {path}: {shown:?}, not {words:?}; see {}", kept.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn texts(&self, css: &str) -> Result<Vec<String>, CmdError> {
        let mut texts = Vec::new();
        for element in self.client.find_all(Locator::Css(css)).await? {
            texts.push(element.text().await?.trim().to_owned());
        }
        Ok(texts)
    }

    /// An attribute of the first `css`.
    pub(crate) async fn attribute(&self, css: &str, name: &str) -> String {
        let value = self.find(css).await.attr(name).await.expect("an element has attributes");
        value.unwrap_or_else(|| panic!("{css} has no {name}"))
    }

    /// Waits until the first `css` says `words` somewhere. An earlier message may still be shown.
    pub(crate) async fn says(&self, css: &str, words: &str) {
        let deadline = Instant::now() + on_this_machine(TIMEOUT);
        loop {
            let shown = self.texts(css).await;
            if shown.as_ref().is_ok_and(|shown| shown.first().is_some_and(|s| s.contains(words))) {
                return;
            }
            if Instant::now() > deadline {
                let kept = self.screenshot("not-said").await;
                panic!("{css}: {shown:?}, without {words:?}; see {}", kept.display());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn wait_for(&self, locator: Locator<'_>, what: &str) -> Element {
        let element = self.appears(locator, what).await;
        if !self.javascript || self.is_loaded().await {
            return element;
        }
        // Before its scripts have run, a page doesn't notice what is typed into it.
        let deadline = Instant::now() + on_this_machine(TIMEOUT);
        while !self.is_loaded().await && Instant::now() < deadline {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.appears(locator, what).await
    }

    async fn is_loaded(&self) -> bool {
        let state = self.client.execute("return document.readyState;", Vec::new()).await;
        state.is_ok_and(|state| state == json!("complete"))
    }

    async fn appears(&self, locator: Locator<'_>, what: &str) -> Element {
        match self.client.wait().at_most(on_this_machine(TIMEOUT)).for_element(locator).await {
            Ok(element) => element,
            Err(error) => {
                let kept = self.screenshot("not-found").await;
                let path = self.path().await;
                panic!("{what:?} does not appear on {path} ({error}); see {}", kept.display());
            }
        }
    }

    /// The inner size of the window, in CSS pixels. Chromium's own windows end at 500 pixels.
    pub(crate) async fn viewport(&self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size).await;
    }

    /// `prefers-color-scheme`.
    pub(crate) async fn dark(&self, dark: bool) {
        let value = if dark { "dark" } else { "light" };
        let features = json!([{ "name": "prefers-color-scheme", "value": value }]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features })).await;
    }

    /// Keeps the whole page as `target/screens/NAME.png`.
    pub(crate) async fn screenshot(&self, name: &str) -> PathBuf {
        let whole = json!({ "captureBeyondViewport": true });
        let shot = self.devtools("Page.captureScreenshot", whole).await;
        let bytes = base64::Engine::decode(
            &base64::engine::general_purpose::STANDARD,
            shot["data"].as_str().expect("a picture"),
        )
        .expect("base64");
        let folder = root().join("target/screens");
        std::fs::create_dir_all(&folder).expect("a folder for screenshots");
        let path = folder.join(format!("{name}.png"));
        std::fs::write(&path, bytes).expect("the picture can be kept");
        path
    }

    /// What axe finds wrong with the page as it stands, in the state it is in.
    pub(crate) async fn axe(&self) -> Vec<Violation> {
        self.axe_with(json!({ "type": "tag", "values": AXE_TAGS })).await
    }

    async fn axe_with(&self, rules: Value) -> Vec<Violation> {
        let has_axe = self.client.execute("return !!window.axe;", Vec::new()).await;
        if has_axe.expect("the page has a script engine") != json!(true) {
            self.load_axe().await;
        }
        let found = self
            .client
            .execute_async(
                "const [rules, done] = arguments;
                 axe.run(document, { runOnly: rules, resultTypes: ['violations'] })
                    .then(found => done(found.violations), error => done(String(error)));",
                vec![rules],
            )
            .await
            .expect("axe runs");
        let rules = found.as_array().unwrap_or_else(|| panic!("axe failed: {found}"));
        rules.iter().map(violation).collect()
    }

    async fn load_axe(&self) {
        let path = root().join("node_modules/axe-core/axe.min.js");
        let source = std::fs::read_to_string(&path).unwrap_or_else(|_| {
            let path = path.display();
            panic!("{path} is missing: run script/test, or npm install --no-save axe-core")
        });
        self.client.execute(&source, Vec::new()).await.expect("axe loads");
    }

    /// The elements that stick out at the right, if the page can be scrolled sideways.
    pub(crate) async fn overflow(&self) -> Vec<String> {
        let found = self
            .client
            .execute(
                "const page = document.documentElement;
                 if (page.scrollWidth <= page.clientWidth) return [];
                 return ['The page is ' + page.scrollWidth + ' pixels wide.',
                   ...[...document.body.querySelectorAll('*')]
                   .filter(part => part.getBoundingClientRect().right > page.clientWidth + 0.5)
                   .slice(0, 5).map(part => part.outerHTML.slice(0, 160))];",
                Vec::new(),
            )
            .await
            .expect("the page can be measured");
        strings(&found)
    }

    /// Checks the page as anybody may meet it: light and dark, at 1280, 1000 and 320 pixels.
    /// A screenshot named after `name` is kept of what fails.
    pub(crate) async fn check_page(&self, name: &str) {
        for (width, height) in [(1280, 800), (1000, 700), (320, 640)] {
            self.viewport(width, height).await;
            for dark in [false, true] {
                self.dark(dark).await;
                let broken = match dark {
                    true => {
                        self.axe_with(json!({ "type": "rule", "values": AXE_COLOR_RULES })).await
                    }
                    false => self.axe().await,
                };
                let overflow = self.overflow().await;
                if broken.is_empty() && overflow.is_empty() {
                    continue;
                }
                let scheme = if dark { "dark" } else { "light" };
                let kept = self.screenshot(&format!("{name}-{width}-{scheme}")).await;
                let broken: Vec<_> = broken.iter().map(ToString::to_string).collect();
                panic!(
                    "{name} at {width} px, {scheme}: see {}\n  {}\n  sticks out: {overflow:#?}",
                    kept.display(),
                    broken.join("\n  "),
                );
            }
        }
        self.viewport(1280, 800).await;
        self.dark(false).await;
    }

    /// Sends a command of the Chrome DevTools protocol, for what WebDriver has no word for.
    async fn devtools(&self, command: &str, params: Value) -> Value {
        let url = format!("{}/session/{}/goog/cdp/execute", self.driver.url, self.session);
        let body = json!({ "cmd": command, "params": params });
        spawn_blocking(move || {
            let mut answer = ureq::post(&url).send_json(&body).expect("chromedriver answers");
            let body = answer.body_mut().with_config().limit(64 << 20);
            let answer: Value = body.read_json().expect("in JSON");
            answer["value"].clone()
        })
        .await
        .expect("the call ends")
    }
}

fn violation(found: &Value) -> Violation {
    let text = |value: &Value| value.as_str().unwrap_or_default().replace('\n', " ");
    let nodes = found["nodes"].as_array().map(Vec::as_slice).unwrap_or_default();
    let place = |node: &Value| format!("{} {}", text(&node["html"]), text(&node["failureSummary"]));
    Violation {
        rule: text(&found["id"]),
        help: text(&found["help"]),
        places: nodes.iter().map(place).collect(),
    }
}

fn strings(list: &Value) -> Vec<String> {
    let items = list.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A running chromedriver, with the folder of its browser's profile.
struct Driver {
    process: Child,
    url: String,
    profile: PathBuf,
}

impl Driver {
    /// On a machine with much to do, chromedriver now and then ends before it has begun.
    fn start() -> Self {
        let started = (0..3).find_map(|_| Self::try_to_start());
        started.expect("chromedriver says its port")
    }

    fn try_to_start() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let profile =
            std::env::temp_dir().join(format!("vouch-browser-{}-{number}", std::process::id()));
        let mut process = Command::new("chromedriver")
            .arg("--port=0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // A group of its own, so that the browser ends with it.
            .process_group(0)
            .spawn()
            .expect("chromedriver is missing: run script/test, or install chromium-driver");
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            let (_, port) = line.split_once("successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let Some(port) = port else {
            let _ = process.wait();
            return None;
        };
        // The pipe stays open and is emptied, or chromedriver dies of its next word.
        std::thread::spawn(move || lines.for_each(drop));
        Some(Self { process, url: format!("http://127.0.0.1:{port}"), profile })
    }

    fn capabilities(&self, javascript: bool) -> Map<String, Value> {
        let mut prefs = json!({});
        if !javascript {
            prefs["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let mut args = vec![format!("--user-data-dir={}", self.profile.display())];
        args.extend(FLAGS.map(str::to_owned));
        let options = json!({ "args": args, "prefs": prefs });
        Map::from_iter([("goog:chromeOptions".to_owned(), options)])
    }
}

/// What lets Chromium run as root, in a container, and quietly.
const FLAGS: [&str; 12] = [
    "--headless",
    "--hide-scrollbars",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-prefers-reduced-motion",
    "--lang=en-GB",
];

impl Drop for Driver {
    fn drop(&mut self) {
        let group = i32::try_from(self.process.id()).expect("process ids are small");
        // SAFETY: kill has no preconditions; the group is that of our own child, not yet reaped.
        unsafe { libc::kill(-group, libc::SIGKILL) };
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}
