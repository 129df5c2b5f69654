//! When a token holds: from `nbf` to `exp`, give or take what clocks may differ (RFC 7519 §4.1.4–6).

use jiff::Timestamp;
use serde_json::Value;

use super::{Claims, TokenError, UNREADABLE, invalid, require};

/// How far the clocks of issuer and service may differ, in seconds.
pub(super) const SKEW: f64 = 60.0;

/// The times of a token, in seconds since 1970; one that is not there sets no bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Times {
    begins: Option<f64>,
    expires: Option<f64>,
}

impl Times {
    /// Reads the times of a token and checks that they fit together.
    pub(super) fn of(claims: &Claims) -> Result<Times, TokenError> {
        let times = Times { begins: seconds(claims, "nbf")?, expires: seconds(claims, "exp")? };
        if let (Some(issued), Some(expires)) = (seconds(claims, "iat")?, times.expires) {
            require(expires > issued, "expiresAt must be after issuedAt")?;
        }
        Ok(times)
    }

    /// Checks that the token holds now.
    pub(super) fn check(self, now: f64) -> Result<(), TokenError> {
        if let Some(expires) = self.expires.filter(|expires| expires + SKEW < now) {
            return Err(invalid(&format!("Jwt expired at {}", instant(expires))));
        }
        if let Some(begins) = self.begins.filter(|begins| begins - SKEW > now) {
            return Err(invalid(&format!("Jwt used before {}", instant(begins))));
        }
        Ok(())
    }
}

/// Reads a time in seconds since 1970, which may have a fraction. A time that is not a number spoils the token.
pub(super) fn seconds(claims: &Claims, name: &str) -> Result<Option<f64>, TokenError> {
    match claims.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value.as_f64().map(Some).ok_or_else(|| invalid(UNREADABLE)),
    }
}

/// Writes a time as the Java services do; one that no calendar knows stays a number.
fn instant(seconds: f64) -> String {
    Timestamp::from_second(seconds as i64)
        .map_or_else(|_| seconds.to_string(), |instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: f64 = 1_800_000_000.0;

    fn check(claims: Value, expected: Result<(), &str>) {
        let outcome = Times::of(claims.as_object().unwrap())
            .and_then(|times| times.check(NOW))
            .map_err(|error| error.to_string());
        assert_eq!(outcome, expected.map_err(str::to_owned), "{claims}");
    }

    #[test]
    fn a_token_holds_between_its_times_give_or_take_a_minute() {
        check(json!({}), Ok(()));
        check(json!({ "exp": NOW - 60.0 }), Ok(()));
        check(json!({ "exp": NOW - 60.5 }), Err("Jwt expired at 2027-01-15T07:58:59Z"));
        check(json!({ "nbf": NOW + 60.0 }), Ok(()));
        check(json!({ "nbf": NOW + 61.0 }), Err("Jwt used before 2027-01-15T08:01:01Z"));
        check(json!({ "iat": NOW, "exp": NOW - 1.0 }), Err("expiresAt must be after issuedAt"));
    }

    #[test]
    fn a_time_that_is_no_number_spoils_the_token() {
        check(json!({ "exp": "tomorrow" }), Err(UNREADABLE));
        check(json!({ "nbf": [1] }), Err(UNREADABLE));
        check(json!({ "exp": 1e300 }), Ok(()));
        check(json!({ "exp": -1e300 }), Err(&format!("Jwt expired at {}", -1e300)));
    }
}
