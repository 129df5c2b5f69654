//! What came back, and how a person reads it: texts, links and forms of a page.

use reqwest::{Response, StatusCode, Url, header::HeaderMap};
use serde_json::Value;

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Where it came from.
    pub(crate) url: Url,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(super) async fn of(response: Response) -> Self {
        let (url, status, headers) =
            (response.url().clone(), response.status(), response.headers().clone());
        Answer { url, status, headers, body: response.text().await.unwrap() }
    }

    /// A header's value; empty without the header.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// Fails unless the request was answered with this status.
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{self:?}");
        self
    }

    /// The words of the page, without its tags.
    pub(crate) fn text(&self) -> String {
        words(&self.body)
    }

    /// Fails unless the page shows this.
    pub(crate) fn shows(&self, expected: &str) {
        let text = self.text();
        assert!(text.contains(expected), "{expected:?} is not in: {text}");
    }

    /// Fails if the page shows this.
    pub(crate) fn hides(&self, unexpected: &str) {
        let text = self.text();
        assert!(!text.contains(unexpected), "{unexpected:?} is in: {text}");
    }

    /// Where the link of these words leads.
    pub(crate) fn link(&self, text: &str) -> Url {
        let links = elements(&self.body, "a");
        let link = links.iter().find(|link| words(link.inner) == text);
        let link = link.unwrap_or_else(|| panic!("no link {text:?} in {}", self.body));
        self.url.join(&link.attribute("href").unwrap()).unwrap()
    }

    /// The form whose button says this, filled in as it came.
    pub(crate) fn form(&self, button: &str) -> Form {
        let forms = elements(&self.body, "form");
        let has_button = |form: &&Element<'_>| {
            elements(form.inner, "button").iter().any(|element| words(element.inner) == button)
        };
        let form = forms
            .iter()
            .find(has_button)
            .unwrap_or_else(|| panic!("no form {button:?} in {}", self.body));
        let target = self.url.join(&form.attribute("action").unwrap_or_default()).unwrap();
        let mut fields = Vec::new();
        for input in elements(form.inner, "input") {
            fields.push((
                input.attribute("name").unwrap(),
                input.attribute("value").unwrap_or_default(),
            ));
        }
        for select in elements(form.inner, "select") {
            let options = elements(select.inner, "option");
            let chosen = options.iter().find(|option| option.has("selected")).or(options.first());
            fields.push((
                select.attribute("name").unwrap(),
                chosen.and_then(|option| option.attribute("value")).unwrap_or_default(),
            ));
        }
        Form { target, fields }
    }
}

/// A form, ready to be sent.
pub(crate) struct Form {
    pub(super) target: Url,
    pub(super) fields: Vec<(String, String)>,
}

impl Form {
    /// Fills in a field that the form has.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        let field = self.fields.iter_mut().find(|(field, _)| field == name);
        field.unwrap_or_else(|| panic!("the form has no field {name}")).1 = value.to_owned();
        self
    }

    /// What a field holds.
    pub(crate) fn value(&self, name: &str) -> &str {
        let field = self.fields.iter().find(|(field, _)| field == name);
        &field.unwrap_or_else(|| panic!("the form has no field {name}")).1
    }
}

/// An element, as it stands in the page.
struct Element<'a> {
    attributes: &'a str,
    inner: &'a str,
}

impl Element<'_> {
    fn attribute(&self, name: &str) -> Option<String> {
        let (_, rest) = self.attributes.split_once(&format!(" {name}=\""))?;
        Some(html_escape::decode_html_entities(rest.split_once('"')?.0).into_owned())
    }

    fn has(&self, name: &str) -> bool {
        self.attributes.split_whitespace().any(|attribute| attribute == name)
    }
}

/// Every element of a kind. Our pages nest none of a kind, and escape every bracket that is not a tag's.
fn elements<'a>(html: &'a str, kind: &str) -> Vec<Element<'a>> {
    let (begin, end) = (format!("<{kind}"), format!("</{kind}>"));
    let mut elements = Vec::new();
    for (at, _) in html.match_indices(&begin) {
        let rest = &html[at + begin.len()..];
        let Some((attributes, inner)) = rest.split_once('>') else { continue };
        if attributes.is_empty() || attributes.starts_with([' ', '\n']) {
            elements.push(Element {
                attributes,
                inner: inner.split_once(&end).map_or("", |(inner, _)| inner),
            });
        }
    }
    elements
}

/// The text without tags and with single blanks.
fn words(html: &str) -> String {
    let mut text = String::new();
    for (at, part) in html.split('<').enumerate() {
        let shown = if at == 0 { part } else { part.split_once('>').map_or("", |(_, text)| text) };
        text.push_str(shown);
        text.push(' ');
    }
    html_escape::decode_html_entities(&text).split_whitespace().collect::<Vec<_>>().join(" ")
}
