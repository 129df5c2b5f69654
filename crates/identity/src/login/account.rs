//! The account of who is signed in, made from the claims as the Java gateway makes it (contract §5.4).

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::Caller;

/// What `GET /api/account` answers; the members in the order of the Java gateway's.
#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Account {
    id: String,
    login: String,
    first_name: Option<String>,
    last_name: Option<String>,
    email: String,
    image_url: Option<String>,
    activated: bool,
    lang_key: String,
    created_by: String,
    created_date: Timestamp,
    last_modified_by: String,
    last_modified_date: Timestamp,
    authorities: Vec<String>,
}

impl Account {
    /// The account of a caller who is known since then. A claim of an unexpected type counts as missing.
    pub(super) fn of(caller: &Caller, since: Timestamp) -> Account {
        let claims = &caller.claims;
        let subject = caller.subject.clone();
        let name = text(claims, "preferred_username").map(|name| name.to_lowercase());
        let (id, fallback) = match text(claims, "uid") {
            Some(uid) => (uid, subject.clone()),
            None => (subject.clone(), subject.clone()),
        };
        let login = name.clone().unwrap_or_else(|| fallback.to_lowercase());
        Account {
            id,
            first_name: text(claims, "given_name").or_else(|| text(claims, "name")),
            last_name: text(claims, "family_name"),
            email: email(claims, name, subject),
            image_url: text(claims, "picture"),
            activated: claims.get("email_verified").and_then(Value::as_bool).unwrap_or(true),
            lang_key: language(claims),
            created_by: login.clone(),
            created_date: since,
            last_modified_by: login.clone(),
            last_modified_date: since,
            authorities: caller.authorities.clone(),
            login,
        }
    }
}

fn text(claims: &Map<String, Value>, name: &str) -> Option<String> {
    claims.get(name).and_then(Value::as_str).map(str::to_owned)
}

/// The address, or what stands for it: Auth0's subjects have a bar and their user names are addresses.
fn email(claims: &Map<String, Value>, name: Option<String>, subject: String) -> String {
    if let Some(email) = text(claims, "email") {
        return email.to_lowercase();
    }
    match name {
        Some(name) if subject.contains('|') && name.contains('@') => name,
        _ => subject,
    }
}

fn language(claims: &Map<String, Value>) -> String {
    let locale = || {
        let locale = text(claims, "locale")?;
        locale.split(['_', '-']).next().map(str::to_lowercase)
    };
    text(claims, "langKey").or_else(locale).unwrap_or_else(|| "en".to_owned())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Profile;

    fn account(claims: Value) -> Value {
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        let caller = Caller::from(Profile {
            subject: "4c97".into(),
            login: "unused".into(),
            authorities: vec!["ROLE_USER".into(), "ROLE_ADMIN".into()],
            claims,
        });
        let since = "2026-11-24T01:55:34.701450170Z".parse().unwrap();
        serde_json::to_value(Account::of(&caller, since)).unwrap()
    }

    fn check(claims: Value, expected: Value) {
        let account = account(claims);
        for (name, value) in expected.as_object().unwrap() {
            assert_eq!(account.get(name), Some(value), "{name}");
        }
    }

    #[test]
    fn the_account_is_written_as_the_java_gateway_writes_it() {
        let claims = json!({
            "sub": "4c97", "preferred_username": "admin", "given_name": "Admin", "family_name": "Administrator",
            "email": "Admin@localhost", "email_verified": true
        });
        assert_eq!(
            account(claims).to_string(),
            r#"{"id":"4c97","login":"admin","firstName":"Admin","lastName":"Administrator","email":"admin@localhost","imageUrl":null,"activated":true,"langKey":"en","createdBy":"admin","createdDate":"2026-11-24T01:55:34.70145017Z","lastModifiedBy":"admin","lastModifiedDate":"2026-11-24T01:55:34.70145017Z","authorities":["ROLE_USER","ROLE_ADMIN"]}"#
        );
    }

    #[test]
    fn a_subject_stands_for_what_is_missing() {
        check(
            json!({}),
            json!({ "id": "4c97", "login": "4c97", "firstName": null, "lastName": null, "email": "4c97", "activated": true }),
        );
        check(json!({ "uid": "u1" }), json!({ "id": "u1", "login": "4c97" }));
        check(
            json!({ "uid": "u1", "preferred_username": "Jane" }),
            json!({ "id": "u1", "login": "jane" }),
        );
        check(json!({ "name": "Jane Doe" }), json!({ "firstName": "Jane Doe", "lastName": null }));
        check(json!({ "email_verified": false }), json!({ "activated": false }));
        check(
            json!({ "picture": "https://example.org/a.png" }),
            json!({ "imageUrl": "https://example.org/a.png" }),
        );
    }

    #[test]
    fn the_language_is_the_first_part_of_the_locale() {
        check(json!({ "locale": "de_AT" }), json!({ "langKey": "de" }));
        check(json!({ "locale": "PT-br" }), json!({ "langKey": "pt" }));
        check(json!({ "locale": "fr", "langKey": "it" }), json!({ "langKey": "it" }));
        check(json!({ "locale": 7 }), json!({ "langKey": "en" }));
    }

    #[test]
    fn the_user_name_is_the_address_where_the_issuer_says_so() {
        let claims = json!({ "preferred_username": "Jane@example.org" });
        check(claims.clone(), json!({ "email": "4c97" }));
        let Value::Object(claims) = claims else { panic!("claims are an object") };
        assert_eq!(
            email(&claims, Some("jane@example.org".into()), "auth0|7".into()),
            "jane@example.org"
        );
    }
}
