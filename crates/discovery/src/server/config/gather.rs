//! Which files count for a question, and in which order: Spring Boot's rules for configuration data.

use std::sync::Arc;

use super::{
    backend::Tree,
    question::Question,
    source::{Document, EXTENSIONS, Source},
};

/// The keys that make further profiles active, in files that are for no profile.
const INCLUDE: &str = "spring.profiles.include";
const GROUP: &str = "spring.profiles.group.";
/// The most profiles that can become active.
const PROFILES: usize = 64;

/// A folder to look into.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Location {
    /// Where it is in its tree.
    pub(super) path: String,
    pub(super) naming: Naming,
}

/// How the sources of a folder are named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Naming {
    /// As the original's native back end does: by the cleaned path, and the location as it was given.
    Folder { clean: String, via: String },
    /// As its git back end does, by the repository's address.
    Repository { address: String, commit: String },
}

/// What counts, the most specific first: files for a profile before those for all, a later profile before an earlier one,
/// a later location before an earlier one, the application's own files before everybody's.
///
/// # Errors
/// When a file cannot be read.
pub(super) fn sources(
    tree: &Tree<'_>,
    locations: &[Location],
    question: &Question,
) -> anyhow::Result<Vec<Source>> {
    let stems = question.stems();
    let general = read(tree, locations, &stems, None)?;
    let active = with_more(&question.active, &general);
    let mut all = general;
    for profile in &active {
        all.extend(read(tree, locations, &stems, Some(profile))?);
    }
    let mut sources = Vec::new();
    for file in &all {
        let several = file.documents.len() > 1;
        for (number, document) in file.documents.iter().enumerate() {
            if document.counts_for(&active) {
                sources.push(file.source(document, several.then_some(number)));
            }
        }
    }
    sources.reverse();
    Ok(sources)
}

/// A file that is there.
struct File<'a> {
    location: &'a Location,
    name: String,
    documents: Arc<Vec<Document>>,
}

impl File<'_> {
    fn source(&self, document: &Document, number: Option<usize>) -> Source {
        let name = &self.name;
        let (source, file, commit) = match &self.location.naming {
            Naming::Folder { clean, via } => {
                let path = format!("{clean}{name}");
                let source = match number {
                    None => format!("file:{path}"),
                    Some(number) => format!(
                        "Config resource 'file [{path}]' via location '{via}' (document #{number})"
                    ),
                };
                (source, path, None)
            }
            Naming::Repository { address, commit } => {
                let path = match self.location.path.as_str() {
                    "" => format!("{address}/{name}"),
                    folder => format!("{address}/{folder}/{name}"),
                };
                let number = number.map(|number| format!(" (document #{number})"));
                let source = format!("{path}{}", number.unwrap_or_default());
                (source, path, Some(commit.clone()))
            }
        };
        Source { name: source, file, commit, properties: document.properties.clone() }
    }
}

/// The files of all locations for one profile, or for none; the weakest first.
fn read<'a>(
    tree: &Tree<'_>,
    locations: &'a [Location],
    stems: &[String],
    profile: Option<&str>,
) -> anyhow::Result<Vec<File<'a>>> {
    let mut files = Vec::new();
    for location in locations {
        for stem in stems {
            for extension in EXTENSIONS.iter().rev() {
                let name = match profile {
                    Some(profile) => format!("{stem}-{profile}.{extension}"),
                    None => format!("{stem}.{extension}"),
                };
                if let Some(documents) = tree.documents(&location.path, &name)? {
                    files.push(File { location, name, documents });
                }
            }
        }
    }
    Ok(files)
}

/// The profiles asked for, those that files include, and the members of groups.
fn with_more(asked: &[String], files: &[File<'_>]) -> Vec<String> {
    let always = files.iter().flat_map(|file| file.documents.iter());
    let properties = || {
        let always = always.clone().filter(|document| document.conditions.is_empty());
        always.flat_map(|document| document.properties.iter())
    };
    let listed = |key: &str| {
        let is_item = |name: &str| {
            name.strip_prefix(key).is_some_and(|rest| rest.is_empty() || rest.starts_with('['))
        };
        let found = properties().filter(|property| is_item(&property.key));
        let names = found.flat_map(|property| {
            let text = property.value.to_string();
            text.split(',').map(|name| name.trim().to_owned()).collect::<Vec<_>>()
        });
        names.filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let mut active: Vec<String> = Vec::new();
    let mut waiting: Vec<String> = asked.iter().cloned().chain(listed(INCLUDE)).rev().collect();
    while let Some(name) = waiting.pop() {
        if active.contains(&name) || active.len() == PROFILES {
            continue;
        }
        waiting.extend(listed(&format!("{GROUP}{name}")).into_iter().rev());
        active.push(name);
    }
    active
}
