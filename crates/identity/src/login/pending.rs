//! Sign-ins that have been started and not finished: what the issuer's answer must match.
//! Kept in memory, because a restart within these minutes costs a person one more click.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use aws_lc_rs::{
    constant_time::verify_slices_are_equal,
    digest::{Digest, SHA256, digest},
};
use chassis::Secret;
use jiff::{SignedDuration, Timestamp};

/// How long a person may take to sign in.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// How many sign-ins may be under way; the oldest gives way.
const CAPACITY: usize = 10_000;

/// A sign-in that waits for the issuer's answer.
#[derive(Debug, Clone)]
pub(super) struct Pending {
    /// Comes back inside the ID token.
    pub(super) nonce: String,
    /// Proves to the issuer that who redeems the code is who asked for it (RFC 7636).
    pub(super) code_verifier: Secret<String>,
    /// Where the issuer sends the browser back to.
    pub(super) redirect_uri: String,
    /// Where the person wanted to go.
    pub(super) target: String,
}

/// All sign-ins under way, by their `state`.
#[derive(Default)]
pub(super) struct PendingLogins(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    waiting: HashMap<String, Waiting>,
    order: VecDeque<String>,
}

struct Waiting {
    pending: Pending,
    browser: Digest,
    until: Timestamp,
}

impl PendingLogins {
    /// Keeps a sign-in for the browser that holds this token.
    pub(super) fn keep(&self, state: String, browser: &str, pending: Pending, now: Timestamp) {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while let Some(oldest) = inner.order.front() {
            let is_over = inner.waiting.get(oldest).is_none_or(|waiting| waiting.until <= now);
            if !is_over && inner.order.len() < CAPACITY {
                break;
            }
            if let Some(oldest) = inner.order.pop_front() {
                inner.waiting.remove(&oldest);
            }
        }
        let until = now.saturating_add(LIFETIME).unwrap_or(now);
        inner.order.push_back(state.clone());
        inner.waiting.insert(
            state,
            Waiting { pending, browser: digest(&SHA256, browser.as_bytes()), until },
        );
    }

    /// Takes a sign-in out, if it was started by the browser that holds this token: an answer counts once.
    pub(super) fn take(&self, state: &str, browser: &str, now: Timestamp) -> Option<Pending> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = inner.waiting.get(state)?;
        let presented = digest(&SHA256, browser.as_bytes());
        verify_slices_are_equal(waiting.browser.as_ref(), presented.as_ref()).ok()?;
        let waiting = inner.waiting.remove(state)?;
        (now < waiting.until).then_some(waiting.pending)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending(target: &str) -> Pending {
        Pending {
            nonce: "nonce".into(),
            code_verifier: Secret::new("verifier".into()),
            redirect_uri: "http://localhost/login/oauth2/code/oidc".into(),
            target: target.into(),
        }
    }

    fn minute(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).unwrap()
    }

    #[test]
    fn an_answer_counts_once_and_only_for_its_browser() {
        let logins = PendingLogins::default();
        logins.keep("state".into(), "browser", pending("/"), minute(0));
        assert!(logins.take("state", "another browser", minute(1)).is_none());
        assert!(logins.take("another state", "browser", minute(1)).is_none());
        assert!(logins.take("state", "browser", minute(1)).is_some());
        assert!(logins.take("state", "browser", minute(1)).is_none());
    }

    #[test]
    fn an_answer_may_come_for_ten_minutes() {
        let logins = PendingLogins::default();
        logins.keep("early".into(), "browser", pending("/"), minute(0));
        logins.keep("late".into(), "browser", pending("/"), minute(1));
        assert!(logins.take("early", "browser", minute(10)).is_none());
        assert!(logins.take("late", "browser", minute(10)).is_some());
    }

    #[test]
    fn several_tabs_of_one_browser_sign_in_at_a_time() {
        let logins = PendingLogins::default();
        logins.keep("first".into(), "browser", pending("/a"), minute(0));
        logins.keep("second".into(), "browser", pending("/b"), minute(0));
        assert_eq!(logins.take("first", "browser", minute(1)).unwrap().target, "/a");
        assert_eq!(logins.take("second", "browser", minute(1)).unwrap().target, "/b");
    }

    #[test]
    fn the_oldest_gives_way_when_there_are_too_many() {
        let logins = PendingLogins::default();
        for number in 0..=CAPACITY {
            logins.keep(number.to_string(), "browser", pending("/"), minute(0));
        }
        assert!(logins.take("0", "browser", minute(1)).is_none());
        assert!(logins.take("1", "browser", minute(1)).is_some());
        assert!(logins.take(&CAPACITY.to_string(), "browser", minute(1)).is_some());
    }

    #[test]
    fn what_is_over_makes_room() {
        let logins = PendingLogins::default();
        for number in 0..CAPACITY {
            logins.keep(number.to_string(), "browser", pending("/"), minute(0));
        }
        logins.keep("new".into(), "browser", pending("/"), minute(11));
        assert_eq!(logins.0.lock().unwrap().order.len(), 1);
        assert_eq!(logins.0.lock().unwrap().waiting.len(), 1);
    }
}
