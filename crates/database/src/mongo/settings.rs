//! How to reach a MongoDB server, as Spring's settings say it.

use std::{fmt, time::Duration};

use anyhow::{Context, anyhow, ensure};
use mongodb::options::{ClientOptions, ConnectionString};
use tokio::time::timeout;

use crate::ConnectError;

/// How long we look for a server that answers.
const SELECTION: Duration = Duration::from_secs(4);
/// How long we wait for one connection.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one question may take; less when the address says so, and never more: a note of positions counts no longer.
const ANSWER: Duration = Duration::from_secs(10);
/// How many connections are open at most when the address does not say it.
const CONNECTIONS: u32 = 64;
/// What Spring calls a database that nobody has named.
const DATABASE: &str = "test";

/// Where a MongoDB database is, and who we are there.
#[derive(Clone, PartialEq, Eq)]
pub struct MongoSettings {
    /// What the server calls us in its log, unless the address says something else.
    pub application: String,
    uri: String,
    database: Option<String>,
}

/// Settings that were understood.
pub(super) struct Understood {
    pub(super) options: ClientOptions,
    pub(super) database: String,
    pub(super) answer: Duration,
}

impl MongoSettings {
    /// Takes an address such as `mongodb://host:27017/name`, as in Spring's `spring.data.mongodb.uri`, and the name of the
    /// database when it is another one than the address names.
    pub fn new(uri: &str, database: Option<&str>) -> Self {
        MongoSettings {
            application: "milena".to_owned(),
            uri: uri.trim().to_owned(),
            database: database.filter(|name| !name.is_empty()).map(str::to_owned),
        }
    }

    /// Where the servers are, for people: without names, passwords and options.
    pub fn address(&self) -> String {
        let (scheme, rest) = self.uri.split_once("://").unwrap_or(("mongodb", &self.uri));
        let rest = rest.split('?').next().unwrap_or_default();
        let rest = rest.rsplit_once('@').map_or(rest, |(_, hosts)| hosts);
        format!("{scheme}://{}", rest.split('/').next().unwrap_or_default())
    }

    /// Reads the address; asks the name service when it is of the kind `mongodb+srv`.
    pub(super) async fn understand(&self) -> Result<Understood, ConnectError> {
        let mut parsed = self.parse().map_err(ConnectError::Permanent)?;
        let answer = socket_timeout(&mut parsed).unwrap_or(ANSWER).min(ANSWER);
        let mut options = timeout(SELECTION, ClientOptions::parse(parsed))
            .await
            .map_err(anyhow::Error::from)
            .and_then(|options| options.map_err(|error| self.hide(&error)))
            .with_context(|| format!("look for the servers of {}", self.address()))
            .map_err(ConnectError::Unavailable)?;
        options.app_name.get_or_insert(self.application.clone());
        options.connect_timeout.get_or_insert(CONNECT);
        options.server_selection_timeout =
            Some(options.server_selection_timeout.map_or(SELECTION, |asked| asked.min(SELECTION)));
        options.max_pool_size.get_or_insert(CONNECTIONS);
        // Another server of the set may not know yet what was committed, and takes no part in transactions.
        options.selection_criteria = None;
        let database = self.database.clone().or(options.default_database.clone());
        Ok(Understood {
            options,
            database: database.unwrap_or_else(|| DATABASE.to_owned()),
            answer,
        })
    }

    fn parse(&self) -> anyhow::Result<ConnectionString> {
        let parsed = ConnectionString::parse(&self.uri)
            .map_err(|error| self.hide(&error))
            .context("the address of MongoDB cannot be understood")?;
        let name = self.database.as_ref().or(parsed.default_database.as_ref());
        if let Some(name) = name {
            let allowed = name.len() < 64 && !name.contains(['/', '\\', '.', '"', '$', ' ', '\0']);
            ensure!(allowed, "MongoDB allows no database of the name {name:?}");
        }
        Ok(parsed)
    }

    /// What the driver complains of, without the name and the password that the address may hold.
    fn hide(&self, error: &mongodb::error::Error) -> anyhow::Error {
        let mut told = error.kind.to_string();
        let user = self.uri.split_once("://").and_then(|(_, rest)| rest.rsplit_once('@'));
        for secret in user.iter().flat_map(|(user, _)| user.split([':', '@', '/'])) {
            if secret.len() > 2 {
                told = told.replace(secret, "***");
            }
        }
        anyhow!("{told}")
    }
}

impl fmt::Debug for MongoSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MongoSettings")
            .field("application", &self.application)
            .field("address", &self.address())
            .field("database", &self.database)
            .finish()
    }
}

/// Takes the time-out out of an address: the driver refuses one that it cannot keep, and we keep it ourselves.
#[expect(deprecated, reason = "deprecated because the driver does not keep it")]
fn socket_timeout(parsed: &mut ConnectionString) -> Option<Duration> {
    parsed.socket_timeout.take().filter(|time| !time.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(uri: &str, database: Option<&str>, expected: Result<&str, &str>) {
        let understood = MongoSettings::new(uri, database).understand().await;
        match (understood, expected) {
            (Ok(understood), Ok(name)) => assert_eq!(understood.database, name, "{uri}"),
            (Err(ConnectError::Permanent(cause)), Err(part)) => {
                let told = format!("{cause:#}");
                assert!(told.contains(part) && !told.contains("hunter2"), "{uri}: {told}");
            }
            (Ok(_), expected) => panic!("{uri} was understood instead of {expected:?}"),
            (Err(error), expected) => panic!("{uri}: {error:?} instead of {expected:?}"),
        }
    }

    #[tokio::test]
    async fn names_the_database() {
        check("mongodb://localhost", None, Ok("test")).await;
        check("mongodb://localhost:27017/books", None, Ok("books")).await;
        check("mongodb://localhost:27017/books?replicaSet=rs0", Some("others"), Ok("others")).await;
        check("mongodb://localhost/?socketTimeoutMS=2000", Some(""), Ok("test")).await;
    }

    #[tokio::test]
    async fn refuses_what_cannot_work() {
        check("localhost:27017", None, Err("no scheme")).await;
        check("postgres://localhost", None, Err("scheme")).await;
        check("mongodb://", None, Err("cannot be understood")).await;
        check("mongodb://ann:hunter2:x@host:port", None, Err("cannot be understood")).await;
        check("mongodb://host:hunter2@host:99999", None, Err("port")).await;
        check("mongodb://localhost/a.b", None, Err("a.b")).await;
        check("mongodb://localhost", Some("a b"), Err("a b")).await;
    }

    #[tokio::test]
    async fn waits_no_longer_than_a_few_seconds() {
        for (uri, selection, answer) in [
            ("mongodb://localhost", 4, 10),
            ("mongodb://localhost/?serverSelectionTimeoutMS=30000&socketTimeoutMS=3000", 4, 3),
            ("mongodb://localhost/?serverSelectionTimeoutMS=2000&socketTimeoutMS=0", 2, 10),
            ("mongodb://localhost/?socketTimeoutMS=60000", 4, 10),
        ] {
            let understood = MongoSettings::new(uri, None).understand().await.unwrap();
            let selected = understood.options.server_selection_timeout.unwrap();
            assert_eq!((selected.as_secs(), understood.answer.as_secs()), (selection, answer));
            assert!(understood.options.max_pool_size.is_some());
        }
    }

    #[test]
    fn prints_no_password() {
        let settings = MongoSettings::new("mongodb://ann:hun@ter2@one:1,two:2/books?w=1", None);
        assert_eq!(settings.address(), "mongodb://one:1,two:2");
        let printed = format!("{settings:?}");
        assert!(!printed.contains("ann") && !printed.contains("hun"), "{printed}");
    }
}
