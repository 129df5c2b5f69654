//! The callers of the recorded cases: the usual ones by name, and those whose token a case describes.

use chassis::Outside;
use serde_json::{Map, Value, json};

use super::known::Known;
use crate::support::{
    Running,
    tokens::{Stranger, by_password, claims, issuer_key, minted, signed_again, tampered},
};

/// Everybody who calls, and the issuer that all of them trust.
pub(crate) struct Callers<'a> {
    system: &'a Running,
    named: Vec<(&'static str, String)>,
    /// Whose key is not the issuer's.
    stranger: Stranger,
}

impl<'a> Callers<'a> {
    /// Signs everybody in.
    pub(crate) async fn of(system: &'a Running) -> Self {
        let (home, issuer) = (system.home(), &system.at.issuer);
        let stranger = Stranger::start(None).await;
        let admin = by_password(&home.secrets, issuer, "admin").await;
        let user = by_password(&home.secrets, issuer, "user").await;
        let now = Outside::system().now().as_second();
        let without = |names: &'static [&'static str]| {
            signed_again(home, &user, |all| names.iter().for_each(|name| drop(all.remove(*name))))
        };
        let expired = signed_again(home, &admin, |all| {
            all.insert("iat".to_owned(), json!(now - 7200));
            all.insert("exp".to_owned(), json!(now - 3600));
        });
        let named = vec![
            ("norole", without(&["roles", "groups"])),
            ("noaud", without(&["aud", "roles", "groups"])),
            ("expired", expired),
            ("foreign", stranger.token(&home.secrets).await),
            ("tampered", tampered(&admin, |all| drop(all.insert("sub".to_owned(), json!("x"))))),
            ("garbage", "not-a-token".to_owned()),
            ("admin", admin),
            ("user", user),
        ];
        for (_, token) in &named {
            home.secrets.add_token(token);
        }
        Callers { system, named, stranger }
    }

    /// Makes the usual callers known as `{token:name}`.
    pub(crate) fn introduce(&self, known: &mut Known) {
        for (name, token) in &self.named {
            known.keep(&format!("token:{name}"), token.clone());
        }
    }

    /// A token as a case describes it: header and claims over the usual ones, `<none>` for no claim, `{"now": n}` for a
    /// time n seconds from now.
    pub(super) fn mint(&self, described: &Value) -> String {
        let (_, admin) = self.named.iter().find(|(name, _)| *name == "admin").unwrap();
        let now = Outside::system().now().as_second();
        let kid = jsonwebtoken::decode_header(admin).unwrap().kid;
        let mut header = json!({ "alg": "RS256", "typ": "JWT", "kid": kid });
        let mut claims = json!({
            "iss": claims(admin)["iss"], "sub": "u1", "aud": "account", "iat": now, "exp": now + 3600,
            "preferred_username": "minted", "roles": ["ROLE_USER", "ROLE_ADMIN"],
        });
        change(&mut header, described["header"].as_object(), now);
        change(&mut claims, described["claims"].as_object(), now);
        let key = match described["other_key"] == true {
            true => self.stranger.key(),
            false => issuer_key(self.system.home()),
        };
        let token = minted(&header, &claims, &key);
        self.system.home().secrets.add_token(&token);
        token
    }

    /// Nobody calls any more.
    pub(crate) async fn leave(self) {
        self.stranger.stop().await;
    }
}

fn change(values: &mut Value, changes: Option<&Map<String, Value>>, now: i64) {
    let values = values.as_object_mut().unwrap();
    for (name, change) in changes.into_iter().flatten() {
        let seconds = change["now"].as_f64();
        match (change.as_str(), seconds) {
            (Some("<none>"), _) => drop(values.shift_remove(name)),
            // A whole number stays one: only the case of a fraction is about a fraction.
            (_, Some(seconds)) if seconds.fract() == 0.0 => {
                values.insert(name.clone(), json!(now + seconds as i64));
            }
            (_, Some(seconds)) => drop(values.insert(name.clone(), json!(now as f64 + seconds))),
            _ => drop(values.insert(name.clone(), change.clone())),
        }
    }
}
