//! An answer, read as a person reads it: by what stands where.

use scraper::{ElementRef, Html, Selector};
use ureq::Body;
use ureq::http::{HeaderMap, Response};

/// An answer of the application.
pub(crate) struct Page {
    pub path: String,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

/// A form as it stands on a page.
#[derive(Debug)]
pub(crate) struct Form {
    pub action: String,
    pub is_get: bool,
    pub fields: Vec<(String, String)>,
}

impl Form {
    /// The same with other values; a field that the form does not have cannot be filled in.
    #[must_use]
    pub(crate) fn with(mut self, fields: &[(&str, &str)]) -> Self {
        for (name, _) in fields {
            assert!(
                self.fields.iter().any(|(known, _)| known == name),
                "the form has no field {name}: {:?}",
                self.fields
            );
        }
        self.fields.retain(|(name, _)| fields.iter().all(|(given, _)| given != name));
        self.fields.extend(fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
        self
    }
}

fn selector(css: &str) -> Selector {
    Selector::parse(css).unwrap_or_else(|error| panic!("{css}: {error}"))
}

fn words(element: ElementRef<'_>) -> String {
    element.text().flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ")
}

impl Page {
    pub(super) fn read(path: &str, mut answer: Response<Body>) -> Self {
        Self {
            path: path.to_owned(),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.body_mut().with_config().limit(512 << 20).read_to_vec().unwrap(),
        }
    }

    /// The body as text.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A CSV file after its byte order mark, which spreadsheets need.
    pub(crate) fn csv(&self) -> String {
        let text = self.text();
        text.strip_prefix('\u{feff}').unwrap_or_else(|| panic!("no mark: {text}")).to_owned()
    }

    /// The body as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Where a redirect leads.
    pub(crate) fn location(&self) -> Option<&str> {
        self.header("location")
    }

    fn dom(&self) -> Html {
        Html::parse_document(&self.text())
    }

    /// The words of every element that `css` finds.
    pub(crate) fn all(&self, css: &str) -> Vec<String> {
        self.dom().select(&selector(css)).map(words).collect()
    }

    /// The words of the only element that `css` finds.
    pub(crate) fn one(&self, css: &str) -> String {
        let found = self.all(css);
        assert_eq!(found.len(), 1, "{css} finds {found:?} on {}", self.path);
        found.into_iter().next().unwrap_or_default()
    }

    /// Whether `css` finds anything.
    pub(crate) fn has(&self, css: &str) -> bool {
        self.dom().select(&selector(css)).next().is_some()
    }

    /// Whether the words stand anywhere on the page, as a person reads it.
    pub(crate) fn says(&self, text: &str) -> bool {
        let dom = self.dom();
        words(dom.root_element()).contains(text)
    }

    /// An attribute of the first element that `css` finds.
    pub(crate) fn attribute(&self, css: &str, name: &str) -> Option<String> {
        let dom = self.dom();
        dom.select(&selector(css)).next()?.attr(name).map(str::to_owned)
    }

    /// An attribute of every element that `css` finds, where it has it.
    pub(crate) fn values(&self, css: &str, name: &str) -> Vec<String> {
        let dom = self.dom();
        let css = selector(css);
        let found = dom.select(&css).filter_map(|element| element.attr(name));
        found.map(str::to_owned).collect()
    }

    /// The tone of the message about the last action: good, info, wait or bad.
    pub(crate) fn tone(&self) -> Option<String> {
        let class = self.attribute(".notice[role=status]:not(#viewing)", "class")?;
        class.split_whitespace().find_map(|name| name.strip_prefix("tone-")).map(str::to_owned)
    }

    /// The fields with errors, in the order of the summary.
    pub(crate) fn invalid_fields(&self) -> Vec<String> {
        let links = self.values("#error-summary a", "href");
        links.iter().map(|link| link.trim_start_matches("#f-").to_owned()).collect()
    }

    /// The value of the first field that `css` finds.
    pub(crate) fn value_of(&self, css: &str) -> String {
        self.attribute(css, "value")
            .unwrap_or_else(|| panic!("{css} has no value on {}: {}", self.path, self.text()))
    }

    /// The first form that `css` finds (or that holds what it finds), with its fields as a browser
    /// would send them.
    pub(crate) fn form(&self, css: &str) -> Form {
        let dom = self.dom();
        let found = dom
            .select(&selector(css))
            .next()
            .unwrap_or_else(|| panic!("no form {css} on {}: {}", self.path, self.text()));
        let form = std::iter::once(found)
            .chain(found.ancestors().filter_map(ElementRef::wrap))
            .find(|element| element.value().name() == "form")
            .unwrap_or_else(|| panic!("{css} stands in no form"));
        Form {
            action: form.attr("action").unwrap_or_default().to_owned(),
            is_get: !form.attr("method").unwrap_or("get").eq_ignore_ascii_case("post"),
            fields: form
                .select(&selector("input[name], select[name], textarea[name]"))
                .filter_map(field)
                .collect(),
        }
    }
}

fn field(element: ElementRef<'_>) -> Option<(String, String)> {
    let name = element.attr("name")?.to_owned();
    let value = match element.value().name() {
        "textarea" => element.text().collect(),
        "select" => element
            .select(&selector("option[selected]"))
            .chain(element.select(&selector("option")))
            .next()
            .map(|option| option.attr("value").map_or_else(|| words(option), str::to_owned))
            .unwrap_or_default(),
        _ => {
            let kind = element.attr("type").unwrap_or("text");
            let is_choice = matches!(kind, "checkbox" | "radio");
            if is_choice && element.attr("checked").is_none() {
                return None;
            }
            element.attr("value").unwrap_or(if is_choice { "on" } else { "" }).to_owned()
        }
    };
    Some((name, value))
}
