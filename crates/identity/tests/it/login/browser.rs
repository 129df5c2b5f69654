//! A browser as far as cookies and redirects go, in front of a router.

use std::collections::BTreeMap;

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Method, Request, StatusCode, header},
};
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::HOST;

/// Keeps cookies as a browser does and sends them back.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) router: Router,
    pub(crate) host: &'static str,
    pub(crate) cookies: BTreeMap<String, String>,
}

/// An answer, read to its end.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Browser { router: router.clone(), host: HOST, cookies: BTreeMap::new() }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], "").await
    }

    /// Posts with the token of a page's script.
    pub(crate) async fn post(&mut self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let token = self.cookies.get("XSRF-TOKEN").cloned().unwrap_or_default();
        let headers: Vec<_> =
            headers.iter().copied().chain([("x-xsrf-token", token.as_str())]).collect();
        self.send(Method::POST, path, &headers, "").await
    }

    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut request =
            Request::builder().method(method).uri(path).header(header::HOST, self.host);
        if !self.cookies.is_empty() {
            let pairs: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            request = request.header(header::COOKIE, pairs.join("; "));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let answer = Answer { status, headers, body: String::from_utf8(body.to_vec()).unwrap() };
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        for line in answer.set_cookies() {
            let cookie = cookie::Cookie::parse(line).unwrap();
            let is_gone = cookie.max_age().is_some_and(|age| age.is_zero());
            match is_gone {
                true => self.cookies.remove(cookie.name()),
                false => self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned()),
            };
        }
    }
}

impl Answer {
    pub(crate) fn set_cookies(&self) -> Vec<String> {
        let values = self.headers.get_all(header::SET_COOKIE).iter();
        values.map(|value| value.to_str().unwrap().to_owned()).collect()
    }

    pub(crate) fn location(&self) -> String {
        self.headers
            .get(header::LOCATION)
            .map(|value| value.to_str().unwrap().to_owned())
            .unwrap_or_default()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}
