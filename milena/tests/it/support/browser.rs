//! A person at a browser: keeps cookies, follows redirects and links, fills in forms. Runs no script.

use std::sync::{Arc, Mutex};

use reqwest::{Client, Method, Url, header};

use super::{Answer, Home, page::Form};

/// How often a browser lets itself be sent on before it gives up.
const REDIRECTS: usize = 10;
/// What a redirect may carry that must not be seen by others.
const SECRET_PARAMETERS: [&str; 4] = ["code", "state", "nonce", "id_token_hint"];

/// A browser.
pub(crate) struct Browser {
    client: Client,
    home: Arc<Home>,
    cookies: Mutex<Vec<Cookie>>,
}

/// A cookie. As in real browsers, it belongs to a host and a path, whatever the port (RFC 6265 §8.5).
#[derive(Debug, Clone)]
struct Cookie {
    host: String,
    path: String,
    name: String,
    value: String,
}

impl Browser {
    pub(super) fn new(home: Arc<Home>) -> Self {
        Browser { client: super::client(), home, cookies: Mutex::default() }
    }

    /// Opens an address, and shows where it leads.
    pub(crate) async fn open(&self, address: impl AsRef<str>) -> Answer {
        let url = Url::parse(address.as_ref()).unwrap();
        let answer = self.send(Method::GET, &url, None).await;
        self.follow(answer).await
    }

    /// Chooses the link of these words.
    pub(crate) async fn choose(&self, page: &Answer, text: &str) -> Answer {
        self.open(page.link(text)).await
    }

    /// Sends a form, and shows where that leads.
    pub(crate) async fn submit(&self, form: Form) -> Answer {
        let answer = self.send(Method::POST, &form.target, Some(&form.fields)).await;
        self.follow(answer).await
    }

    /// Opens an address that asks to sign in, and signs in as a user whose password is the user's name.
    pub(crate) async fn sign_in(&self, address: &str, user: &str) -> Answer {
        let form = self.open(address).await.form("Sign in");
        self.submit(form.with("username", user).with("password", user)).await
    }

    /// Sends one request with the cookies that belong to it, and is not sent on.
    pub(crate) async fn send(
        &self,
        method: Method,
        url: &Url,
        form: Option<&[(String, String)]>,
    ) -> Answer {
        self.send_as(method, url, form, &[]).await
    }

    /// As a script of a page does: with headers of its own.
    pub(crate) async fn send_as(
        &self,
        method: Method,
        url: &Url,
        form: Option<&[(String, String)]>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request =
            self.client.request(method, url.clone()).header(header::COOKIE, self.cookies_for(url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if !headers.iter().any(|(name, _)| *name == "accept") {
            request = request.header(header::ACCEPT, "text/html,application/xhtml+xml,*/*;q=0.8");
        }
        if let Some(form) = form {
            request = request.form(form);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.keep_cookies(&answer);
        answer
    }

    /// The value of a cookie that the browser would send there.
    pub(crate) fn cookie(&self, url: &Url, name: &str) -> Option<String> {
        let cookies = self.cookies.lock().unwrap();
        cookies
            .iter()
            .find(|cookie| cookie.belongs_to(url) && cookie.name == name)
            .map(|cookie| cookie.value.clone())
    }

    async fn follow(&self, mut answer: Answer) -> Answer {
        for _ in 0..REDIRECTS {
            if !matches!(answer.status.as_u16(), 302 | 303) {
                return answer;
            }
            let url = answer.url.join(answer.header("location")).unwrap();
            for (name, value) in url.query_pairs() {
                match SECRET_PARAMETERS.contains(&name.as_ref()) {
                    true if name == "id_token_hint" => self.home.secrets.add_token(&value),
                    true => self.home.secrets.add(&value),
                    false => {}
                }
            }
            answer = self.send(Method::GET, &url, None).await;
        }
        panic!("no end of redirects: {answer:?}");
    }

    fn cookies_for(&self, url: &Url) -> String {
        let cookies = self.cookies.lock().unwrap();
        let pairs = cookies
            .iter()
            .filter(|cookie| cookie.belongs_to(url))
            .map(|cookie| format!("{}={}", cookie.name, cookie.value));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn keep_cookies(&self, answer: &Answer) {
        let mut cookies = self.cookies.lock().unwrap();
        for line in answer.headers.get_all(header::SET_COOKIE) {
            let mut parts = line.to_str().unwrap().split("; ");
            let (name, value) = parts.next().unwrap().split_once('=').unwrap();
            let mut cookie = Cookie {
                host: answer.url.host_str().unwrap().to_owned(),
                path: "/".to_owned(),
                name: name.to_owned(),
                value: value.to_owned(),
            };
            let mut gone = false;
            for (attribute, value) in parts.filter_map(|part| part.split_once('=')) {
                match attribute {
                    "Path" => cookie.path = value.to_owned(),
                    "Max-Age" => gone = value == "0",
                    _ => {}
                }
            }
            cookies.retain(|other| {
                (&other.host, &other.path, &other.name)
                    != (&cookie.host, &cookie.path, &cookie.name)
            });
            if !gone {
                self.home.secrets.add(&cookie.value);
                cookies.push(cookie);
            }
        }
    }
}

impl Cookie {
    fn belongs_to(&self, url: &Url) -> bool {
        let rest = url.path().strip_prefix(&self.path);
        url.host_str() == Some(&self.host)
            && rest.is_some_and(|rest| {
                self.path.ends_with('/') || rest.is_empty() || rest.starts_with('/')
            })
    }
}
