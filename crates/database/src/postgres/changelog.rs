//! Change sets as Liquibase keeps them, so that a Java service finds done what we did, and we what it did.

mod executed;
mod run;

use std::borrow::Cow;

pub use executed::Executed;
pub(super) use executed::executed;
pub(super) use run::run;

/// What makes the tables of a service, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChangeLog {
    /// The change sets that apply here; each is run once.
    pub change_sets: Cow<'static, [ChangeSet]>,
}

/// One step of a change log. Author, id and file together name it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// Its id.
    pub id: Cow<'static, str>,
    /// Who wrote it.
    pub author: Cow<'static, str>,
    /// The file of the Java service that it stands in, as Liquibase notes it.
    pub file: Cow<'static, str>,
    /// Liquibase's checksum of it.
    pub checksum: Cow<'static, str>,
    /// Liquibase's description of what it does.
    pub description: Cow<'static, str>,
    /// The contexts in which Liquibase runs it; empty means all.
    pub contexts: Cow<'static, str>,
    /// What it does: statements, separated by semicolons.
    pub sql: Cow<'static, str>,
}

impl ChangeSet {
    fn name(&self) -> String {
        format!("{}::{}::{}", self.file, self.id, self.author)
    }

    fn is(&self, done: &Executed) -> bool {
        self.id == done.id
            && self.author == done.author
            && plain(&self.file) == plain(&done.change_log)
    }

    /// Checksums of different versions (what stands before the colon) cannot be compared; a cleared one is to be ignored.
    fn differs_from(&self, done: &Executed) -> bool {
        let version =
            |checksum: &str| checksum.split_once(':').map(|(version, _)| version.to_owned());
        done.checksum.as_deref().is_some_and(|checksum| {
            version(checksum) == version(&self.checksum) && checksum != self.checksum
        })
    }
}

/// A file's name without what Liquibase ignores.
fn plain(file: &str) -> &str {
    file.strip_prefix("classpath:").unwrap_or(file).trim_start_matches('/')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn done(file: &str, checksum: Option<&str>) -> Executed {
        Executed {
            author: "ann".to_owned(),
            change_log: file.to_owned(),
            comments: String::new(),
            contexts: Vec::new(),
            date_executed: "2026-11-24T01:46:51.391455Z".parse().unwrap(),
            deployment_id: None,
            description: String::new(),
            exec_type: "EXECUTED".to_owned(),
            id: "1".to_owned(),
            labels: Vec::new(),
            checksum: checksum.map(str::to_owned),
            order_executed: 1,
            tag: None,
        }
    }

    const SET: ChangeSet = ChangeSet {
        id: Cow::Borrowed("1"),
        author: Cow::Borrowed("ann"),
        file: Cow::Borrowed("changes/books.xml"),
        checksum: Cow::Borrowed("8:aa"),
        description: Cow::Borrowed(""),
        contexts: Cow::Borrowed(""),
        sql: Cow::Borrowed(""),
    };

    #[test]
    fn knows_a_change_set_by_author_id_and_file() {
        for (file, known) in [
            ("changes/books.xml", true),
            ("classpath:changes/books.xml", true),
            ("classpath:/changes/books.xml", true),
            ("books.xml", false),
        ] {
            assert_eq!(SET.is(&done(file, None)), known, "{file}");
        }
        let other = |author: &str, id: &str| Executed {
            author: author.to_owned(),
            id: id.to_owned(),
            ..done("changes/books.xml", None)
        };
        assert!(!SET.is(&other("bob", "1")) && !SET.is(&other("ann", "2")));
    }

    #[test]
    fn compares_checksums_of_one_version_only() {
        for (checksum, differs) in
            [(Some("8:aa"), false), (Some("8:bb"), true), (Some("9:cc"), false), (None, false)]
        {
            assert_eq!(SET.differs_from(&done("", checksum)), differs, "{checksum:?}");
        }
    }

    #[test]
    fn writes_a_change_set_as_spring_does() {
        let mut set = done("changes/books.xml", Some("8:aa"));
        set.contexts = vec!["prod".to_owned()];
        let json = serde_json::to_string(&set).unwrap();
        assert_eq!(
            json,
            "{\"author\":\"ann\",\"changeLog\":\"changes/books.xml\",\"comments\":\"\",\"contexts\":[\"prod\"],\
             \"dateExecuted\":\"2026-11-24T01:46:51.391Z\",\"deploymentId\":null,\"description\":\"\",\
             \"execType\":\"EXECUTED\",\"id\":\"1\",\"labels\":[],\"checksum\":\"8:aa\",\"orderExecuted\":1,\"tag\":null}"
        );
        set.date_executed = "2026-11-24T01:46:51.000455Z".parse().unwrap();
        assert!(serde_json::to_string(&set).unwrap().contains("\"2026-11-24T01:46:51Z\""));
    }
}
