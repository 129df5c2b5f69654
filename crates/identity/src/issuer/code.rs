//! Authorization codes: good for one minute and for one use (RFC 6749 §4.1.2, RFC 7636).

use std::sync::{Mutex, MutexGuard, PoisonError};

use chassis::Outside;
use jiff::{SignedDuration, Timestamp};

use super::{
    hash::{Hash, hash},
    recent::Recent,
    user::User,
};

/// How long a code is good.
const LIFETIME: SignedDuration = SignedDuration::from_secs(60);

/// What a code stands for.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Grant {
    pub(super) user: &'static User,
    pub(super) redirect_uri: String,
    pub(super) challenge: String,
    pub(super) nonce: Option<String>,
    pub(super) scopes: String,
    pub(super) authenticated: Timestamp,
    /// The browser's sign-on that the code came from.
    pub(super) sign_on: Hash,
}

/// What became of an attempt to use a code.
#[derive(Debug, PartialEq)]
pub(super) enum Redeemed {
    /// The first attempt, in time.
    Granted(Grant),
    /// Somebody used the code before, and got this session from it.
    Replayed(String),
    /// There is no such code, or not any more.
    Unknown,
}

/// The codes that are on their way.
pub(super) struct Codes {
    outside: Outside,
    codes: Mutex<Recent<Code>>,
}

struct Code {
    grant: Grant,
    expires: Timestamp,
    session: Option<String>,
    replayed: bool,
}

impl Codes {
    pub(super) fn new(outside: Outside) -> Self {
        Codes { outside, codes: Mutex::new(Recent::new()) }
    }

    /// Makes a code for a grant.
    pub(super) fn make(&self, grant: Grant) -> String {
        let code = self.outside.token();
        let expires = self.outside.now() + LIFETIME;
        self.codes().insert(hash(&code), Code { grant, expires, session: None, replayed: false });
        code
    }

    /// Uses a code up, even if what the caller shows with it turns out to be wrong. `session` is the session that is
    /// about to be opened for it.
    pub(super) fn redeem(&self, code: &str, session: &str) -> Redeemed {
        let mut codes = self.codes();
        let Some(code) = codes.get_mut(&hash(code)) else { return Redeemed::Unknown };
        if let Some(session) = &code.session {
            code.replayed = true;
            return Redeemed::Replayed(session.clone());
        }
        if code.expires < self.outside.now() {
            return Redeemed::Unknown;
        }
        code.session = Some(session.to_owned());
        Redeemed::Granted(code.grant.clone())
    }

    /// Whether a code was tried a second time, which may be while its session was being opened.
    pub(super) fn was_replayed(&self, code: &str) -> bool {
        self.codes().get_mut(&hash(code)).is_none_or(|code| code.replayed)
    }

    fn codes(&self) -> MutexGuard<'_, Recent<Code>> {
        self.codes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant() -> Grant {
        Grant {
            user: User::named("user").unwrap(),
            redirect_uri: String::new(),
            challenge: String::new(),
            nonce: None,
            scopes: String::new(),
            authenticated: Timestamp::UNIX_EPOCH,
            sign_on: [0; 32],
        }
    }

    fn codes(now: &str) -> Codes {
        Codes::new(Outside::fixed(now.parse().unwrap(), 1))
    }

    #[test]
    fn a_code_is_good_once() {
        let codes = codes("2026-01-01T00:00:00Z");
        let code = codes.make(grant());
        assert_eq!(codes.redeem(&code, "first"), Redeemed::Granted(grant()));
        assert!(!codes.was_replayed(&code));
        assert_eq!(codes.redeem(&code, "second"), Redeemed::Replayed("first".to_owned()));
        assert!(codes.was_replayed(&code));
        assert_eq!(codes.redeem("another", "third"), Redeemed::Unknown);
    }

    #[test]
    fn a_code_is_good_for_a_minute() {
        for (later, expected) in [
            ("2026-01-01T00:01:00Z", Redeemed::Granted(grant())),
            ("2026-01-01T00:01:01Z", Redeemed::Unknown),
        ] {
            let mut codes = codes("2026-01-01T00:00:00Z");
            let code = codes.make(grant());
            codes.outside = Outside::fixed(later.parse().unwrap(), 2);
            assert_eq!(codes.redeem(&code, "session"), expected, "{later}");
        }
    }
}
