//! Where the registry is and who asks.

use std::fmt;

use chassis::Secret;
use percent_encoding::percent_decode_str;
use reqwest::Url;

/// A registry's address with the credentials that it asks for. Prints without them.
#[derive(Clone)]
pub struct Address {
    base: Url,
    user: String,
    password: Secret<String>,
}

/// The text is not a registry's address. The message does not repeat the text, which may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a registry's address ({0}); it looks like http://user:password@host:8761/eureka")]
pub struct AddressError(&'static str);

impl Address {
    /// Reads an address such as `http://admin:secret@127.0.0.1:8761/eureka`, a slash at its end or not.
    ///
    /// # Errors
    /// When it is no URL of the kind that a registry has.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let mut base = Url::parse(text.trim()).map_err(|_| AddressError("it is not a URL"))?;
        if !matches!(base.scheme(), "http" | "https") {
            return Err(AddressError("it starts with neither http:// nor https://"));
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(AddressError("it has a query or a fragment"));
        }
        let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let user = decoded(base.username());
        let password = Secret::new(decoded(base.password().unwrap_or_default()));
        // Neither can fail for the two schemes that pass above.
        let stripped = base.set_username("").and_then(|()| base.set_password(None));
        stripped.map_err(|()| AddressError("it cannot hold credentials"))?;
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Address { base, user, password })
    }

    /// The same address, asked by this user.
    pub fn asked_by(self, user: &str, password: Secret<String>) -> Self {
        Address { user: user.to_owned(), password, ..self }
    }

    /// The host and the port, a name or a numeric address.
    pub fn host_and_port(&self) -> Option<(&str, u16)> {
        Some((self.base.host_str()?, self.base.port_or_known_default()?))
    }

    /// The URL of something that the registry serves.
    pub(crate) fn url(&self, segments: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Cannot fail: only URLs without a host have no path segments.
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().extend(segments);
        }
        url
    }

    pub(crate) fn user(&self) -> &str {
        &self.user
    }

    pub(crate) fn password(&self) -> &str {
        self.password.expose()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.base.as_str())
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({})", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn takes_the_credentials_out_of_the_url() {
        for text in [
            "http://admin:p%40w@127.0.0.1:8761/eureka",
            "http://admin:p%40w@127.0.0.1:8761/eureka/",
        ] {
            let address = Address::parse(text).unwrap();
            assert_eq!((address.user(), address.password()), ("admin", "p@w"));
            assert_eq!(address.to_string(), "http://127.0.0.1:8761/eureka");
            assert_eq!(format!("{address:?}"), "Address(http://127.0.0.1:8761/eureka)");
        }
    }

    #[test]
    fn no_name_leaves_its_place_in_the_path() {
        let address = Address::parse("http://127.0.0.1:8761").unwrap();
        assert_eq!(
            address.url(&["apps", "A/B", "a:1?x"]).as_str(),
            "http://127.0.0.1:8761/apps/A%2FB/a:1%3Fx"
        );
    }

    #[test]
    fn says_what_is_wrong_without_the_password() {
        for text in [
            "",
            "hunter2",
            "ftp://a:hunter2@host/",
            "http://a:hunter2@host/?x",
            "http://a:hunter2@host:99999/",
        ] {
            let message = Address::parse(text).unwrap_err().to_string();
            assert!(!message.contains("hunter2"), "{message}");
            assert!(message.contains("http://user:password@host:8761/eureka"), "{message}");
        }
    }
}
