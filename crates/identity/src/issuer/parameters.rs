//! The parameters of an OAuth request, from a query or a form (RFC 6749 §3.1: empty is absent, none is given twice).

use percent_encoding::{NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};
use serde::Deserialize;

/// The parameters in the order in which they came.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(super) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// The value of a parameter.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, value)| value.as_str())
            .filter(|value| !value.is_empty())
    }

    /// Whether a parameter is given more than once.
    pub(super) fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(other, _)| other == name).count() > 1
    }

    /// A parameter that is given more than once, if there is one.
    pub(super) fn repeated(&self) -> Option<&str> {
        self.0.iter().map(|(name, _)| name.as_str()).find(|name| self.repeats(name))
    }

    /// All parameters as a query.
    pub(super) fn query(&self) -> String {
        let mut query = String::new();
        for (position, (name, value)) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "&" };
            query.push_str(&format!("{separator}{}={}", encoded(name), encoded(value)));
        }
        query
    }

    /// All parameters.
    pub(super) fn pairs(&self) -> &[(String, String)] {
        &self.0
    }
}

/// The scopes of a request that are known here; others are passed over.
pub(super) fn known_scopes(requested: Option<&str>) -> String {
    let known = |scope: &&str| super::SCOPES.contains(scope);
    requested.unwrap_or("profile email").split(' ').filter(known).collect::<Vec<_>>().join(" ")
}

/// Whether a scope is among those of a grant.
pub(super) fn has_scope(scopes: &str, scope: &str) -> bool {
    scopes.split(' ').any(|granted| granted == scope)
}

fn encoded(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, NON_ALPHANUMERIC)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters(
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        )
    }

    #[test]
    fn an_empty_parameter_is_absent() {
        assert_eq!(parameters(&[("state", "")]).get("state"), None);
        assert_eq!(parameters(&[("state", "s")]).get("state"), Some("s"));
    }

    #[test]
    fn finds_what_is_given_twice() {
        assert_eq!(parameters(&[("a", "1"), ("b", "2"), ("b", "2")]).repeated(), Some("b"));
        assert_eq!(parameters(&[("a", "1"), ("b", "2")]).repeated(), None);
    }

    #[test]
    fn grants_known_scopes_only() {
        assert_eq!(known_scopes(Some("openid payments offline_access")), "openid offline_access");
        assert!(has_scope("openid offline_access", "openid"));
        assert!(!has_scope("openid offline_access", "open"));
    }
}
