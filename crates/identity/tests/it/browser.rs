//! A browser and a client for the development identity provider: keeps cookies, fills in forms, follows nothing by itself.

use std::{collections::HashMap, path::Path};

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use chassis::{Outside, Service};
use database::{Durability, Sqlite};
use http_body_util::BodyExt;
use identity::{Issuer, issuer};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Url;
use serde_json::Value;
use tower::ServiceExt;

pub(crate) const REALM: &str = "/realms/jhipster";
pub(crate) const ISSUER: &str = "http://localhost:9080/realms/jhipster";
pub(crate) const REDIRECT: &str = "http://localhost:8081/login/oauth2/code/oidc";
pub(crate) const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub(crate) const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub(crate) struct Browser {
    router: Router,
    cookies: HashMap<String, String>,
    /// The `Origin` that forms are sent with.
    pub(crate) origin: Option<&'static str>,
    pub(crate) host: &'static str,
}

pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) location: Option<Url>,
    pub(crate) policy: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// A parameter of the address that the browser is sent to.
    pub(crate) fn returned(&self, name: &str) -> Option<String> {
        let location = self.location.as_ref()?;
        location.query_pairs().find(|(other, _)| other == name).map(|(_, value)| value.into_owned())
    }

    /// Where the page's form goes.
    pub(crate) fn action(&self) -> String {
        let start = self.body.find("action=\"").unwrap() + 8;
        let length = self.body[start..].find('"').unwrap();
        self.body[start..start + length].replace("&#38;", "&").replace("&amp;", "&")
    }
}

/// The provider with its files in a folder, as after a start.
pub(crate) async fn start(folder: &Path, outside: Outside) -> Router {
    let database =
        Sqlite::open(&folder.join("issuer.db"), &issuer::TABLES, Durability::ProcessCrash)
            .await
            .unwrap();
    let issuer =
        Issuer::open(database, &folder.join("keys"), ISSUER.to_owned(), outside).await.unwrap();
    Service::new("issuer").routes(issuer.routes()).into_router()
}

impl Browser {
    pub(crate) fn new(router: &Router) -> Self {
        Browser {
            router: router.clone(),
            cookies: HashMap::new(),
            origin: None,
            host: "localhost:9080",
        }
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), Body::empty()).await
    }

    pub(crate) async fn submit(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let mut request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(origin) = self.origin {
            request = request.header(header::ORIGIN, origin);
        }
        self.send(request, Body::from(encoded(form))).await
    }

    pub(crate) async fn send(
        &mut self,
        request: axum::http::request::Builder,
        body: Body,
    ) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request =
            request.header(header::HOST, self.host).header(header::COOKIE, cookies.join("; "));
        let response = self.router.clone().oneshot(request.body(body).unwrap()).await.unwrap();
        let text =
            |name| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
        let (location, policy) = (text(header::LOCATION), text(header::CONTENT_SECURITY_POLICY));
        for cookie in response.headers().get_all(header::SET_COOKIE) {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.retain(|other, _| other != name);
            if !value.is_empty() {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        let status = response.status();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        Answer {
            status,
            location: location.map(|location| location.parse().unwrap()),
            policy: policy.unwrap_or_default(),
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// Opens the authorization endpoint with a good request, some of whose parameters are replaced or left out (empty).
    pub(crate) async fn authorize(&mut self, changes: &[(&str, &str)]) -> Answer {
        self.get(&format!("{REALM}/protocol/openid-connect/auth?{}", encoded(&request(changes))))
            .await
    }

    /// Signs in on the page and returns what the form was answered with.
    pub(crate) async fn sign_in(
        &mut self,
        changes: &[(&str, &str)],
        name: &str,
        password: &str,
    ) -> Answer {
        let page = self.authorize(changes).await;
        self.submit(&page.action(), &[("username", name), ("password", password)]).await
    }

    pub(crate) async fn token(&mut self, form: &[(&str, &str)]) -> Answer {
        self.submit(&format!("{REALM}/protocol/openid-connect/token"), form).await
    }

    pub(crate) async fn exchange(&mut self, code: &str, verifier: &str) -> Answer {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", "web_app"),
            ("code", code),
            ("redirect_uri", REDIRECT),
            ("code_verifier", verifier),
        ];
        self.token(&form).await
    }

    pub(crate) async fn refresh(&mut self, refresh_token: &str) -> Answer {
        self.token(&[
            ("grant_type", "refresh_token"),
            ("client_id", "web_app"),
            ("refresh_token", refresh_token),
        ])
        .await
    }

    /// The whole code flow: tokens for a user.
    pub(crate) async fn tokens(&mut self, changes: &[(&str, &str)], name: &str) -> Value {
        let code = self.sign_in(changes, name, name).await.returned("code").unwrap();
        self.exchange(&code, VERIFIER).await.json()
    }

    pub(crate) async fn userinfo(&mut self, access_token: &str) -> Answer {
        let request = Request::builder()
            .method(Method::GET)
            .uri(format!("{REALM}/protocol/openid-connect/userinfo"));
        self.send(
            request.header(header::AUTHORIZATION, format!("Bearer {access_token}")),
            Body::empty(),
        )
        .await
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

/// What a token says, unchecked.
pub(crate) fn said(token: &Value) -> Value {
    let payload = text(token).split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}

fn request<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let good = [
        ("response_type", "code"),
        ("client_id", "web_app"),
        ("redirect_uri", REDIRECT),
        ("scope", "openid profile email"),
        ("state", "s&1"),
        ("nonce", "n1"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    let kept = good.into_iter().filter(|(name, _)| changes.iter().all(|(other, _)| other != name));
    kept.chain(changes.iter().copied()).collect()
}

pub(crate) fn encoded(pairs: &[(&str, &str)]) -> String {
    let encode = |text| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    pairs
        .iter()
        .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
        .collect::<Vec<_>>()
        .join("&")
}
