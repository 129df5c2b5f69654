//! Single sign-on: which browser belongs to whom, so that a second sign-in needs no password.

use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, header};
use chassis::Outside;
use cookie::{Cookie, SameSite};
use jiff::{SignedDuration, Timestamp};

use super::{
    hash::{Hash, hash},
    recent::Recent,
    user::User,
};

/// The cookie that a browser keeps.
const COOKIE: &str = "MILENA_SIGN_ON";
/// How long a sign-on holds without being used, and at most (contract §1.7).
pub(super) const IDLE: SignedDuration = SignedDuration::from_secs(1800);
pub(super) const LONGEST: SignedDuration = SignedDuration::from_secs(36_000);
/// How many sessions of one sign-on are remembered, so that signing out ends them.
const MOST_SESSIONS: usize = 100;

/// A browser in which somebody has signed in.
#[derive(Debug, Clone)]
pub(super) struct SignOn {
    pub(super) name: Hash,
    pub(super) user: &'static User,
    pub(super) authenticated: Timestamp,
    used: Timestamp,
    sessions: Vec<String>,
}

/// All browsers in which somebody has signed in. Forgotten when the program ends.
pub(super) struct SignOns {
    outside: Outside,
    path: String,
    sign_ons: Mutex<Recent<SignOn>>,
}

impl SignOns {
    /// Nobody yet; cookies go to `path` and below.
    pub(super) fn new(outside: Outside, path: &str) -> Self {
        let path = if path.is_empty() { "/" } else { path };
        SignOns { outside, path: path.to_owned(), sign_ons: Mutex::new(Recent::new()) }
    }

    /// Remembers that the user has just shown the password, and returns the `Set-Cookie` value for it.
    pub(super) fn begin(&self, user: &'static User) -> (SignOn, String) {
        let (token, now) = (self.outside.token(), self.outside.now());
        let sign_on = SignOn {
            name: hash(&token),
            user,
            authenticated: now,
            used: now,
            sessions: Vec::new(),
        };
        self.sign_ons().insert(sign_on.name, sign_on.clone());
        let cookie = Cookie::build((COOKIE, token))
            .path(self.path.clone())
            .http_only(true)
            .same_site(SameSite::Lax);
        (sign_on, cookie.build().to_string())
    }

    /// Finds the sign-on of the browser that sent these headers.
    pub(super) fn find(&self, headers: &HeaderMap) -> Option<SignOn> {
        let name = named(headers)?;
        let now = self.outside.now();
        let mut sign_ons = self.sign_ons();
        let sign_on = sign_ons.get_mut(&name)?;
        if now > sign_on.used + IDLE || now > sign_on.authenticated + LONGEST {
            sign_ons.remove(&name);
            return None;
        }
        sign_on.used = now;
        Some(sign_on.clone())
    }

    /// Adds a session to the sign-on that it came from. `false` when the sign-on has ended.
    pub(super) fn attach(&self, name: &Hash, session: &str) -> bool {
        let mut sign_ons = self.sign_ons();
        let Some(sign_on) = sign_ons.get_mut(name) else { return false };
        if sign_on.sessions.len() >= MOST_SESSIONS {
            sign_on.sessions.remove(0);
        }
        sign_on.sessions.push(session.to_owned());
        true
    }

    /// Ends a sign-on and returns the sessions that came from it.
    pub(super) fn end(&self, name: &Hash) -> Vec<String> {
        self.sign_ons().remove(name).map(|sign_on| sign_on.sessions).unwrap_or_default()
    }

    /// The `Set-Cookie` value that makes a browser forget its sign-on.
    pub(super) fn forget(&self) -> String {
        let mut cookie =
            Cookie::build((COOKIE, "")).path(self.path.clone()).http_only(true).build();
        cookie.make_removal();
        cookie.to_string()
    }

    fn sign_ons(&self) -> MutexGuard<'_, Recent<SignOn>> {
        self.sign_ons.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn named(headers: &HeaderMap) -> Option<Hash> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    let mut cookies = lines.flat_map(Cookie::split_parse).filter_map(Result::ok);
    cookies.find(|cookie| cookie.name() == COOKIE).map(|cookie| hash(cookie.value()))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(set_cookie: &str) -> HeaderMap {
        let pair = set_cookie.split(';').next().unwrap();
        HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_str(pair).unwrap())])
    }

    fn at(time: &str) -> Outside {
        Outside::fixed(time.parse().unwrap(), 1)
    }

    #[test]
    fn a_browser_is_known_until_it_has_been_idle_for_too_long() {
        for (later, known) in [("2026-01-01T00:30:00Z", true), ("2026-01-01T00:30:01Z", false)] {
            let mut sign_ons = SignOns::new(at("2026-01-01T00:00:00Z"), "/realms/jhipster");
            let (_, cookie) = sign_ons.begin(User::named("user").unwrap());
            sign_ons.outside = at(later);
            assert_eq!(sign_ons.find(&headers(&cookie)).is_some(), known, "{later}");
        }
    }

    #[test]
    fn the_cookie_stays_with_the_server() {
        let sign_ons = SignOns::new(at("2026-01-01T00:00:00Z"), "/realms/jhipster");
        let (_, cookie) = sign_ons.begin(User::named("user").unwrap());
        assert!(cookie.ends_with("; HttpOnly; SameSite=Lax; Path=/realms/jhipster"), "{cookie}");
    }

    #[test]
    fn an_ended_sign_on_takes_no_more_sessions() {
        let sign_ons = SignOns::new(at("2026-01-01T00:00:00Z"), "");
        let (sign_on, _) = sign_ons.begin(User::named("user").unwrap());
        assert!(sign_ons.attach(&sign_on.name, "first"));
        assert_eq!(sign_ons.end(&sign_on.name), ["first"]);
        assert!(!sign_ons.attach(&sign_on.name, "second"));
    }
}
