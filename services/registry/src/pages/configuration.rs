//! What the configuration server tells an application, key by key, with where each value stands and what it overrides; and
//! what would change if another branch were served.

use std::sync::Arc;

use ::pages::{Frame, page, shortened};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;
use discovery::server::config::{Change, ConfigServerError, Effective, Origin, Overridden};
use serde::Deserialize;

use super::{Pages, frame, query::Query, visit::Administrator};

/// How many keys are shown.
const KEYS: usize = 2000;

#[derive(Template)]
#[template(path = "configuration.html")]
struct Page {
    frame: Frame,
    asked: Asked,
    wrong: Option<String>,
    version: Option<String>,
    sources: Vec<String>,
    keys: Vec<Key>,
    total: usize,
    /// What would change with the label that is compared with; none when none is.
    changes: Option<Vec<Changed>>,
}

/// A key, its value, where that stands, and what it counts instead of.
#[derive(Debug, PartialEq, Eq)]
struct Key {
    name: String,
    value: String,
    origin: String,
    overrides: Vec<String>,
}

/// A key whose value would be another one.
#[derive(Debug, PartialEq, Eq)]
struct Changed {
    name: String,
    before: String,
    after: String,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    application: String,
    profile: String,
    label: String,
    /// The branch, tag or commit that might be merged.
    with: String,
}

impl Default for Asked {
    fn default() -> Self {
        let [application, profile] = ["application", "prod"].map(str::to_owned);
        Asked { application, profile, label: String::new(), with: String::new() }
    }
}

impl Asked {
    fn label(&self) -> Option<&str> {
        Some(self.label.trim()).filter(|label| !label.is_empty())
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let mut page_shown = Page {
        frame: frame("Configuration", &visit),
        wrong: None,
        version: None,
        sources: Vec::new(),
        keys: Vec::new(),
        total: 0,
        changes: None,
        asked,
    };
    if let Err(error) = page_shown.fill(&pages).await {
        page_shown.wrong = Some(match error {
            error @ ConfigServerError::NoSuchLabel(_) => shortened(&error.to_string()),
            error => Problem::from(error).detail().to_owned(),
        });
    }
    page(&page_shown)
}

impl Page {
    async fn fill(&mut self, pages: &Pages) -> Result<(), ConfigServerError> {
        let (application, profile) = (self.asked.application.trim(), self.asked.profile.trim());
        let config = &pages.config;
        let told = config.effective(application, profile, self.asked.label()).await?;
        let with = self.asked.with.trim();
        if !with.is_empty() {
            let label = self.asked.label();
            let changes = config.difference(application, profile, label, with).await?;
            self.changes = Some(changes.iter().take(KEYS).map(changed).collect());
        }
        self.version = told.version.as_deref().map(shortened);
        self.total = told.properties.len();
        self.sources = told.sources.iter().map(|name| shortened(name)).collect();
        self.keys = told.properties.iter().take(KEYS).map(key).collect();
        Ok(())
    }
}

fn key(property: &Effective) -> Key {
    Key {
        name: shortened(&property.key),
        value: shortened(&property.value),
        origin: place(&property.origin),
        overrides: property.overrides.iter().map(shown).collect(),
    }
}

fn changed(change: &Change) -> Changed {
    let side = |side: &Option<Overridden>| side.as_ref().map_or_else(|| "–".to_owned(), shown);
    Changed {
        name: shortened(&change.key),
        before: side(&change.before),
        after: side(&change.after),
    }
}

fn shown(overridden: &Overridden) -> String {
    shortened(&format!("{} ({})", overridden.value, place(&overridden.origin)))
}

/// The file, the line and the first letters of the commit; what is no file has no line.
fn place(origin: &Origin) -> String {
    if origin.line == 0 {
        return shortened(&origin.file);
    }
    let commit = origin.commit.as_deref().and_then(|commit| commit.get(..8));
    let commit = commit.map(|commit| format!(" at {commit}")).unwrap_or_default();
    shortened(&format!("{}, line {}{commit}", origin.file, origin.line))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(file: &str, line: usize, commit: Option<&str>) -> Origin {
        let (source, commit) = (format!("file:{file}"), commit.map(str::to_owned));
        Origin { source, file: file.to_owned(), line, column: 1, commit }
    }

    #[test]
    fn a_key_names_its_place_and_what_it_counts_instead_of() {
        let property = Effective {
            key: "a".into(),
            value: "1".into(),
            origin: origin("app.yml", 2, Some("0123456789abcdef")),
            overrides: vec![Overridden { value: "2".into(), origin: origin("all.yml", 7, None) }],
        };
        let expected = Key {
            name: "a".into(),
            value: "1".into(),
            origin: "app.yml, line 2 at 01234567".into(),
            overrides: vec!["2 (all.yml, line 7)".into()],
        };
        assert_eq!(key(&property), expected);
    }

    #[test]
    fn a_key_that_comes_or_goes_has_one_side() {
        let after = Some(Overridden { value: "2".into(), origin: origin("all.yml", 7, None) });
        let change = Change { key: "a".into(), before: None, after };
        let expected =
            Changed { name: "a".into(), before: "–".into(), after: "2 (all.yml, line 7)".into() };
        assert_eq!(changed(&change), expected);
    }
}
