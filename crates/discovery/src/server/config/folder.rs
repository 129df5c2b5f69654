//! The folder: which of its files count for an application and its profiles, and what they say.

use std::{io::ErrorKind, path::PathBuf};

use anyhow::{Context, anyhow};
use chassis::config::yaml;
use serde_json::Value;
use tokio::{fs::File, io::AsyncReadExt};

use super::properties;

/// The largest file that is read, in bytes.
const FILE_LIMIT: u64 = 1024 * 1024;
/// The kinds of files, the strongest first.
const EXTENSIONS: [&str; 3] = ["properties", "yml", "yaml"];
/// The key by which a document of a file says for which profiles it counts.
const ON_PROFILE: &str = "spring.config.activate.on-profile";

/// A folder of configuration files. It need not exist.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
}

/// One file, or one document of a file with several.
#[derive(Debug, PartialEq)]
pub(super) struct Source {
    pub(super) name: String,
    pub(super) properties: Vec<Property>,
}

/// One value and where it stands.
#[derive(Debug, PartialEq)]
pub(super) struct Property {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) line: usize,
    pub(super) column: usize,
}

impl Folder {
    pub(super) fn new(path: PathBuf) -> Self {
        Folder { path }
    }

    /// What counts for an application, the most specific first: the last profile before the first, files for a profile
    /// before those for all, the application's own before `application`. Names are safe to use in a path.
    pub(super) async fn sources(
        &self,
        app: &str,
        profiles: &[&str],
    ) -> anyhow::Result<Vec<Source>> {
        let apps =
            if app == "application" { vec!["application"] } else { vec![app, "application"] };
        let mut stems: Vec<String> = Vec::new();
        for profile in profiles.iter().rev() {
            stems.extend(apps.iter().map(|app| format!("{app}-{profile}")));
        }
        stems.extend(apps.iter().map(|&app| app.to_owned()));
        let mut sources = Vec::new();
        for file in
            stems.iter().flat_map(|stem| EXTENSIONS.map(|extension| format!("{stem}.{extension}")))
        {
            if let Some(text) = self.read(&file).await? {
                let documents = parse(&file, &text)
                    .map_err(|error| anyhow!("{file} in {}: {error}", self.path.display()))?;
                sources.extend(self.counting(&file, documents, profiles));
            }
        }
        Ok(sources)
    }

    async fn read(&self, file: &str) -> anyhow::Result<Option<String>> {
        let path = self.path.join(file);
        let name = path.display();
        let mut text = String::new();
        let file = match File::open(&path).await {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            opened => opened.with_context(|| format!("open the configuration file {name}"))?,
        };
        let read = file.take(FILE_LIMIT + 1).read_to_string(&mut text).await;
        if read.with_context(|| format!("read the configuration file {name}"))? as u64 > FILE_LIMIT
        {
            return Err(anyhow!(
                "the configuration file {name} is larger than {FILE_LIMIT} bytes; split it"
            ));
        }
        Ok(Some(text))
    }

    /// The documents that count for the profiles; a later one of the same file is stronger.
    fn counting(
        &self,
        file: &str,
        documents: Vec<Vec<Property>>,
        profiles: &[&str],
    ) -> Vec<Source> {
        let folder = self.path.display().to_string();
        let folder = folder.trim_start_matches("./").trim_end_matches('/');
        let several = documents.len() > 1;
        let named = documents.into_iter().enumerate().map(|(number, properties)| {
            let name = if several {
                format!("Config resource 'file [{folder}/{file}]' via location 'file:{folder}/' (document #{number})")
            } else {
                format!("file:{folder}/{file}")
            };
            Source { name, properties }
        });
        let mut sources: Vec<_> = named.filter(|source| source.counts_for(profiles)).collect();
        sources.reverse();
        sources
    }
}

impl Source {
    fn counts_for(&self, profiles: &[&str]) -> bool {
        let condition = self.properties.iter().find(|property| property.key == ON_PROFILE);
        let Some(condition) = condition.and_then(|property| property.value.as_str()) else {
            return true;
        };
        condition.split(',').map(str::trim).any(|name| match name.strip_prefix('!') {
            Some(name) => !profiles.contains(&name),
            None => profiles.contains(&name),
        })
    }
}

fn parse(file: &str, text: &str) -> Result<Vec<Vec<Property>>, String> {
    if file.ends_with(".properties") {
        return Ok(vec![properties::parse(text)]);
    }
    let documents = yaml::documents(text)?;
    Ok(documents.into_iter().map(|entries| entries.into_iter().map(property).collect()).collect())
}

fn property(entry: yaml::Entry) -> Property {
    let value = entry.literal.then(|| serde_json::from_str(&entry.value).ok()).flatten();
    Property {
        key: entry.key,
        value: value.unwrap_or(Value::String(entry.value)),
        line: entry.line,
        column: entry.column,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(files: &[(&str, &str)], app: &str, profiles: &[&str], expected: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let sources = Folder::new(folder.path().into()).sources(app, profiles).await.unwrap();
        let prefix = format!("file:{}/", folder.path().display());
        let names: Vec<_> =
            sources.iter().map(|source| source.name.strip_prefix(&prefix).unwrap_or("?")).collect();
        assert_eq!(names, expected);
    }

    #[tokio::test]
    async fn the_most_specific_comes_first() {
        let names = [
            "application.yml",
            "application.yaml",
            "application.properties",
            "application-one.yml",
            "application-two.yml",
            "library.yml",
            "library-one.yaml",
            "library-two.properties",
            "other.yml",
        ];
        let expected = [
            "library-two.properties",
            "application-two.yml",
            "library-one.yaml",
            "application-one.yml",
            "library.yml",
            "application.properties",
            "application.yml",
            "application.yaml",
        ];
        check(&names.map(|name| (name, "a: 1")), "library", &["one", "two"], &expected).await;
        check(
            &names.map(|name| (name, "a: 1")),
            "application",
            &["one"],
            &[expected[3], expected[5], expected[6], expected[7]],
        )
        .await;
    }

    #[tokio::test]
    async fn a_document_counts_for_its_profiles_only() {
        let on = |condition: &str| format!("{ON_PROFILE}: '{condition}'\na: 1");
        check(&[("application.yml", &on("one, two"))], "library", &["two"], &["application.yml"])
            .await;
        check(&[("application.yml", &on("!one"))], "library", &["two"], &["application.yml"]).await;
        check(&[("application.yml", &on("!one"))], "library", &["one"], &[]).await;
        check(&[("application.yml", &on("one"))], "library", &["two"], &[]).await;
    }

    #[tokio::test]
    async fn a_missing_folder_is_an_empty_one() {
        let sources =
            Folder::new("does-not-exist".into()).sources("library", &["one"]).await.unwrap();
        assert_eq!(sources, []);
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_not_passed_over_in_silence() {
        let check = async |name: &str, text: &[u8], expected: &str| {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
            let error =
                Folder::new(folder.path().into()).sources("library", &["one"]).await.unwrap_err();
            assert!(format!("{error:#}").contains(expected), "{error:#}");
        };
        check("library.yml", b"a: [1\nb: }", "library.yml in").await;
        check("library.yml", &vec![b'#'; 1024 * 1024 + 1], "larger than 1048576 bytes").await;
        check("library.properties", b"a=\xff", "read the configuration file").await;
    }
}
