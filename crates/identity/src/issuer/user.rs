//! The two users of the development identity provider and what tokens say of them (contract §1.7).

use serde_json::{Map, Value, json};

use super::hash::same;

/// A person who can sign in.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    pub(super) subject: &'static str,
    pub(super) login: &'static str,
    password: &'static str,
    given_name: &'static str,
    family_name: &'static str,
    email: &'static str,
    roles: &'static [&'static str],
}

/// Subjects are those of the tutorial's realm, so that rows that name them keep their owner.
const USERS: [User; 2] = [
    User {
        subject: "4c973896-5761-41fc-8217-07c5d13a004b",
        login: "admin",
        password: "admin",
        given_name: "Admin",
        family_name: "Administrator",
        email: "admin@localhost",
        roles: &["ROLE_ADMIN", "ROLE_USER"],
    },
    User {
        subject: "c4af4e2f-b432-4c3b-8405-cca86cd5b97b",
        login: "user",
        password: "user",
        given_name: "",
        family_name: "User",
        email: "user@localhost",
        roles: &["ROLE_USER"],
    },
];

impl User {
    /// Finds a user by name.
    pub(super) fn named(login: &str) -> Option<&'static User> {
        static TABLE: [User; 2] = USERS;
        TABLE.iter().find(|user| user.login == login)
    }

    /// Finds the user whose name and password these are.
    pub(super) fn with_password(login: &str, password: &str) -> Option<&'static User> {
        let user = User::named(login);
        // An unknown name takes as long as a wrong password.
        let right = same(password, user.map_or("", |user| user.password));
        user.filter(|_| right)
    }

    /// What every token and userinfo answer says of the user.
    pub(super) fn claims(&self) -> Map<String, Value> {
        let name = format!("{} {}", self.given_name, self.family_name);
        let claims = json!({
            "sub": self.subject,
            "email_verified": true,
            "roles": self.roles,
            "groups": self.roles,
            "name": name.trim(),
            "preferred_username": self.login,
            "given_name": self.given_name,
            "family_name": self.family_name,
            "email": self.email,
        });
        match claims {
            Value::Object(claims) => claims,
            _ => Map::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(login: &str, password: &str, expected: Option<&str>) {
        assert_eq!(
            User::with_password(login, password).map(|user| user.login),
            expected,
            "{login}/{password}"
        );
    }

    #[test]
    fn only_the_right_password_finds_a_user() {
        check("admin", "admin", Some("admin"));
        check("user", "user", Some("user"));
        check("admin", "user", None);
        check("admin", "", None);
        check("nobody", "", None);
    }

    #[test]
    fn names_are_those_of_the_tutorial() {
        let claims = User::named("user").unwrap().claims();
        assert_eq!((&claims["name"], &claims["given_name"]), (&json!("User"), &json!("")));
        assert_eq!(
            User::named("admin").unwrap().claims()["roles"],
            json!(["ROLE_ADMIN", "ROLE_USER"])
        );
    }
}
