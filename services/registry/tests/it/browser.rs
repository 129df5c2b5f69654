//! A browser, or a program with a token: keeps cookies, shows what came, follows nothing by itself.

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use reqwest::{
    Method, StatusCode,
    header::{self, HeaderMap},
    redirect::Policy,
};

/// What came.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

/// Somebody who asks.
pub(crate) struct Browser {
    client: reqwest::Client,
    token: Option<String>,
    accept: &'static str,
    /// By host and port, then by name: a stricter jar than browsers have, which forget the port.
    cookies: Mutex<BTreeMap<String, BTreeMap<String, String>>>,
}

impl Browser {
    /// A browser that nobody used before.
    pub(crate) fn fresh() -> Self {
        let client = reqwest::Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(20))
            .build()
            .unwrap();
        Browser { client, token: None, accept: "text/html,*/*;q=0.8", cookies: Mutex::default() }
    }

    /// A caller with a bearer token who reads pages.
    pub(crate) fn with_token(token: &str) -> Self {
        Browser { token: Some(token.to_owned()), ..Browser::fresh() }
    }

    /// A program: it does not ask for pages.
    pub(crate) fn reading_json(self) -> Self {
        Browser { accept: "application/json", ..self }
    }

    pub(crate) async fn get(&self, url: &str) -> Answer {
        self.send(Method::GET, url, None).await
    }

    pub(crate) async fn post(&self, url: &str, form: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, url, Some(form)).await
    }

    pub(crate) async fn send(
        &self,
        method: Method,
        url: &str,
        form: Option<&[(&str, &str)]>,
    ) -> Answer {
        let place = reqwest::Url::parse(url).unwrap();
        let host =
            format!("{}:{}", place.host_str().unwrap(), place.port_or_known_default().unwrap());
        let mut request = self.client.request(method, place).header(header::ACCEPT, self.accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        let cookies = self.cookies(&host);
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies);
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let response = request.send().await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        self.keep_cookies(host, &headers);
        Answer { status, headers, body: response.text().await.unwrap() }
    }

    fn cookies(&self, host: &str) -> String {
        let cookies = self.cookies.lock().unwrap();
        let pairs =
            cookies.get(host).into_iter().flatten().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, host: String, headers: &HeaderMap) {
        let mut cookies = self.cookies.lock().unwrap();
        let kept = cookies.entry(host).or_default();
        for cookie in headers.get_all(header::SET_COOKIE) {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            match attributes.to_lowercase().contains("max-age=0") {
                true => kept.remove(name),
                false => kept.insert(name.to_owned(), value.to_owned()),
            };
        }
    }
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    /// Where the answer leads to.
    pub(crate) fn location(&self) -> &str {
        assert!(self.status.is_redirection(), "{self:?}");
        self.header("location")
    }

    /// The text of the page, without its tags and with single blanks.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        for (at, part) in self.body.split('<').enumerate() {
            let shown = if at == 0 {
                part
            } else {
                part.split_once('>').map(|(_, text)| text).unwrap_or_default()
            };
            text.push_str(shown);
            text.push(' ');
        }
        let text = html_escape::decode_html_entities(&text);
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    /// The value of the first attribute `name` behind the first occurrence of `marker`.
    pub(crate) fn attribute(&self, marker: &str, name: &str) -> String {
        let (_, rest) =
            self.body.split_once(marker).unwrap_or_else(|| panic!("no {marker} in {}", self.body));
        let (_, rest) =
            rest.split_once(&format!("{name}=\"")).unwrap_or_else(|| panic!("no {name} in {rest}"));
        html_escape::decode_html_entities(rest.split_once('"').unwrap().0).into_owned()
    }

    pub(crate) fn shows(&self, expected: &str) {
        let text = self.text();
        assert!(text.contains(expected), "{expected:?} is not in: {text}");
    }

    pub(crate) fn hides(&self, unexpected: &str) {
        let text = self.text();
        assert!(!text.contains(unexpected), "{unexpected:?} is in: {text}");
    }
}
