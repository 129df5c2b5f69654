//! Why a property has its value: where it stands, what it overrides, and what another label would change.

use std::collections::BTreeMap;

use chassis::config::masked;
use serde::Serialize;

use super::{
    ConfigServer, ConfigServerError,
    flat::{self, Counting},
    question::Question,
    source::{Property, Source},
};

/// What stands for a secret.
const MASK: &str = "******";

/// The properties that count for a question, of one state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Versioned {
    /// The commit, where one repository is behind it.
    pub version: Option<String>,
    /// The names of the sources, as clients know them, the strongest first.
    pub sources: Vec<String>,
    /// In the order of keys.
    pub properties: Vec<Effective>,
}

/// A property that counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Effective {
    /// The dotted key; items of lists end in `[0]` and so on.
    pub key: String,
    /// The value; secrets and what was encrypted are masked.
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
    /// What does not count because of it, the strongest first.
    pub overrides: Vec<Overridden>,
}

/// Where a property stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The name of the source, as clients know it.
    pub source: String,
    /// The path of the file, below the repository's address where there is one.
    pub file: String,
    /// The line, from 1; 0 in what is no file, such as the server's own overrides.
    pub line: usize,
    /// The column, as the line.
    pub column: usize,
    /// The commit, where there are commits.
    pub commit: Option<String>,
}

/// A property that does not count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Overridden {
    /// Its value, masked as in [`Effective`].
    pub value: String,
    /// Where it stands.
    pub origin: Origin,
}

/// A key whose value another label would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The dotted key.
    pub key: String,
    /// What counts now; none when the key would be new.
    pub before: Option<Overridden>,
    /// What would count; none when the key would be gone.
    pub after: Option<Overridden>,
}

impl ConfigServer {
    /// Every property that counts for an application and profiles (both with commas between several), and why.
    ///
    /// # Errors
    /// As the interface itself: names that are none, an unknown label, a file that cannot be read.
    pub async fn effective(
        &self,
        application: &str,
        profiles: &str,
        label: Option<&str>,
    ) -> Result<Versioned, ConfigServerError> {
        let question = Question::new(application, profiles, label)?;
        let answer = self.answer(&question).await?;
        let mut properties: Vec<Effective> = flat::flat(&answer.sources)
            .into_iter()
            .map(|counting| effective(counting, &answer.sources))
            .collect();
        properties.sort_by(|a, b| a.key.cmp(&b.key));
        let sources = answer.sources.iter().map(|source| source.name.clone()).collect();
        Ok(Versioned { version: answer.version, sources, properties })
    }

    /// What would change for an application and profiles if `to` were served instead of `from`: each a branch, a tag or a
    /// commit. Of secrets it tells that they change, not how.
    ///
    /// # Errors
    /// As [`Self::effective`].
    pub async fn difference(
        &self,
        application: &str,
        profiles: &str,
        from: Option<&str>,
        to: &str,
    ) -> Result<Vec<Change>, ConfigServerError> {
        let (from, to) = (
            self.answer(&Question::new(application, profiles, from)?).await?.sources,
            self.answer(&Question::new(application, profiles, Some(to))?).await?.sources,
        );
        let (before, after) = (by_key(&from), by_key(&to));
        let mut keys: Vec<&str> = before.keys().chain(after.keys()).copied().collect();
        keys.sort_unstable();
        keys.dedup();
        let changes = keys.into_iter().filter_map(|key| {
            let (before, after) = (before.get(key), after.get(key));
            let value = |counting: Option<&Counting<'_>>| {
                counting.map(|(_, property)| property.value.clone())
            };
            let changes = value(before) != value(after);
            let shown = |counting: &Counting<'_>| overridden(counting.0, counting.1);
            changes.then(|| Change {
                key: key.to_owned(),
                before: before.map(shown),
                after: after.map(shown),
            })
        });
        Ok(changes.collect())
    }
}

fn by_key(sources: &[Source]) -> BTreeMap<&str, Counting<'_>> {
    flat::flat(sources).into_iter().map(|counting| (counting.1.key.as_str(), counting)).collect()
}

fn effective((source, property): Counting<'_>, sources: &[Source]) -> Effective {
    let weaker = sources.iter().skip_while(|other| !std::ptr::eq(*other, source)).skip(1);
    let same = weaker.flat_map(|source| {
        let same = source.properties.iter().filter(|other| other.key == property.key);
        same.map(move |other| overridden(source, other))
    });
    Effective {
        key: property.key.clone(),
        value: shown(property),
        origin: origin(source, property),
        overrides: same.collect(),
    }
}

fn overridden(source: &Source, property: &Property) -> Overridden {
    Overridden { value: shown(property), origin: origin(source, property) }
}

fn origin(source: &Source, property: &Property) -> Origin {
    Origin {
        source: source.name.clone(),
        file: source.file.clone(),
        line: property.place.0,
        column: property.place.1,
        commit: source.commit.clone(),
    }
}

fn shown(property: &Property) -> String {
    match property.secret {
        true => MASK.to_owned(),
        false => masked(&property.key, &property.value.to_string()),
    }
}
