//! What a caller asks for. Names become names of files and folders, so nothing that could lead elsewhere passes.

use super::ConfigServerError;

/// The longest application name, profile or label, in bytes.
const NAME_LIMIT: usize = 128;
/// The most applications, and the most profiles, that one request may name.
const NAMES_LIMIT: usize = 16;
/// The application whose files are everybody's.
const EVERYBODY: &str = "application";

/// Which configuration: whose, for which profiles, of which label.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Question {
    /// As asked: one application, or several with commas between them.
    pub(super) application: String,
    /// As asked, for the answer gives them back in one piece.
    pub(super) profiles: String,
    pub(super) label: Option<String>,
    pub(super) apps: Vec<String>,
    pub(super) active: Vec<String>,
}

impl Question {
    /// Takes a question from a path. A slash inside of a name is written `(_)` there.
    ///
    /// # Errors
    /// [`ConfigServerError::Invalid`] for names that are no plain names.
    pub(super) fn new(
        application: &str,
        profiles: &str,
        label: Option<&str>,
    ) -> Result<Self, ConfigServerError> {
        let (apps, active) = (names(application)?, names(profiles)?);
        let label = label.map(|label| label.replace("(_)", "/")).filter(|label| !label.is_empty());
        if let Some(label) = &label
            && !is_label(label)
        {
            return Err(ConfigServerError::Invalid(format!(
                "A label is printable, at most {NAME_LIMIT} bytes long, and without '..', '#' and '%'"
            )));
        }
        Ok(Question {
            application: application.to_owned(),
            profiles: profiles.to_owned(),
            label,
            apps,
            active,
        })
    }

    /// The names of files that count, the weakest first.
    pub(super) fn stems(&self) -> Vec<String> {
        let mut stems = self.apps.clone();
        // The original's rule, which looks at the beginning only.
        if !self.application.starts_with(EVERYBODY) {
            stems.insert(0, EVERYBODY.to_owned());
        }
        stems
    }

    /// A pattern of a place, such as `{application}/{profile}`, for each profile and application. Nothing when it needs a
    /// label that is none or cannot be a path.
    pub(super) fn places(&self, pattern: &str, label: Option<&str>) -> Vec<String> {
        let label = label.and_then(label_as_path);
        if pattern.contains("{label}") && label.is_none() {
            return Vec::new();
        }
        let pattern = pattern.replace("{label}", label.unwrap_or_default());
        let mut places = Vec::new();
        for profile in &self.active {
            for app in &self.apps {
                let place = pattern.replace("{profile}", profile).replace("{application}", app);
                if !places.contains(&place) {
                    places.push(place);
                }
            }
        }
        places
    }
}

/// A label that can be a path below a folder.
pub(super) fn label_as_path(label: &str) -> Option<&str> {
    label.split('/').all(is_name).then_some(label)
}

fn names(text: &str) -> Result<Vec<String>, ConfigServerError> {
    let names: Vec<&str> = text.split(',').map(str::trim).collect();
    if names.len() > NAMES_LIMIT || !names.iter().all(|name| is_name(name)) {
        return Err(ConfigServerError::Invalid(format!(
            "At most {NAMES_LIMIT} applications and profiles are named by letters, digits, '_', '.' and '-', without '..' and not beginning with '.'"
        )));
    }
    Ok(names.into_iter().map(str::to_owned).collect())
}

fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    (1..=NAME_LIMIT).contains(&text.len())
        && text.chars().all(allowed)
        && !text.contains("..")
        && !text.starts_with('.')
}

fn is_label(text: &str) -> bool {
    text.len() <= NAME_LIMIT
        && !text.contains("..")
        && !text.contains(['#', '%', '\\'])
        && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_leads_out_of_the_folder() {
        let check = |name: &str, expected: bool| assert_eq!(is_name(name), expected, "{name:?}");
        check("library-2.b_C", true);
        check("", false);
        check("..", false);
        check("a..b", false);
        check(".git", false);
        check("a/b", false);
        check("a\\b", false);
        check("a\0", false);
        check("\u{e4}", false);
        check(&"a".repeat(129), false);
    }

    #[test]
    fn a_label_is_not_taken_for_more_than_a_name() {
        let label = |label: &str| Question::new("a", "b", Some(label)).map(|q| q.label);
        assert_eq!(label("feature(_)x").unwrap().as_deref(), Some("feature/x"));
        for wrong in ["..(_)x", "a#b", "a%2fb", "a\\b", "a\nb", "a..b"] {
            assert!(label(wrong).is_err(), "{wrong}");
        }
        assert_eq!(label_as_path("feature/x"), Some("feature/x"));
        for wrong in ["/x", "x/", "x//y", "a/.git", "-a b"] {
            assert_eq!(label_as_path(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn patterns_are_filled_in_for_each() {
        let question = Question::new("a,b", "p,q", Some("l")).unwrap();
        let places = |pattern: &str| question.places(pattern, question.label.as_deref());
        assert_eq!(places("x"), ["x"]);
        assert_eq!(places("{application}/{label}"), ["a/l", "b/l"]);
        assert_eq!(places("{profile}-{application}"), ["p-a", "p-b", "q-a", "q-b"]);
        assert!(question.places("{label}", None).is_empty());
    }
}
