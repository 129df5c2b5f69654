//! Sessions of signed-in browsers, kept in the database under a digest of the cookie's token,
//! so that reading the database opens no session. Knows nothing of how one signs in.

use std::{borrow::Cow, time::Duration};

use anyhow::{Context, bail};
use aws_lc_rs::digest::{SHA256, digest};
use chassis::{Outside, Secret, Stop};
use database::{
    Changes, Column, CommitError, DatabaseRef, Direction, Id, IdKind, Kind, Page, Row, Sort, Table,
    Value, Write,
};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Map;
use tracing::{debug, warn};

use crate::{Caller, Profile};

/// How long a session lasts without a request.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How long a session lasts at most.
const LONGEST: SignedDuration = SignedDuration::from_hours(12);
/// How far the recorded last use may lag behind, so that a busy page does not write with every request.
const USE_LAG: SignedDuration = SignedDuration::from_secs(60);
/// How often expired sessions are removed. They open nothing before that either.
const CLEAN_EVERY: Duration = Duration::from_secs(300);
/// How many expired sessions one commit removes.
const CLEAN_BATCH: u32 = 100;
/// How often a change is tried again when another request changed the session at the same moment.
const TRIES: usize = 5;

const TABLE: Table = Table {
    name: Cow::Borrowed("browser_session"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(COLUMNS),
};
const COLUMNS: &[Column] = &[
    Column { name: Cow::Borrowed("data"), kind: Kind::Text, required: true },
    Column { name: Cow::Borrowed("created"), kind: Kind::Instant, required: true },
    Column { name: Cow::Borrowed("last_used"), kind: Kind::Instant, required: true },
    Column { name: Cow::Borrowed("expires"), kind: Kind::Instant, required: true },
];
/// The position of `expires` among the columns.
const EXPIRES: usize = 3;

/// The tables that sessions need.
pub fn tables() -> Vec<Table> {
    vec![TABLE]
}

/// All sessions of one gateway.
pub struct Sessions {
    database: DatabaseRef,
    outside: Outside,
}

/// The session of one browser.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    /// Finds the session in the database; opens nothing.
    pub(crate) id: String,
    /// Who signed in.
    pub(crate) caller: Caller,
    /// What the issuer gave.
    pub(crate) tokens: Tokens,
    /// When the browser signed in.
    pub(crate) created: Timestamp,
    last_used: Timestamp,
    version: i64,
}

/// The tokens that the issuer gave for one sign-in.
#[derive(Debug, Clone)]
pub(crate) struct Tokens {
    /// Speaks for the user to the services.
    pub(crate) access: Secret<String>,
    /// Buys the next access token, perhaps once only.
    pub(crate) refresh: Option<Secret<String>>,
    /// Names the session to the issuer when it ends.
    pub(crate) id: Secret<String>,
    /// When the access token expires; `None` if the issuer did not say.
    pub(crate) expires: Option<Timestamp>,
}

impl Sessions {
    /// Sessions in this database, which has the [`tables`].
    pub fn new(database: DatabaseRef, outside: Outside) -> Self {
        Sessions { database, outside }
    }

    /// Removes expired sessions from time to time, until `stop`.
    ///
    /// # Errors
    /// None: a database that does not answer is asked again the next time.
    pub async fn clean(&self, stop: Stop) -> anyhow::Result<()> {
        loop {
            if let Err(cause) = self.remove_expired().await {
                warn!("expired sessions stay for another {CLEAN_EVERY:?}: {cause:#}");
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(CLEAN_EVERY) => {}
            }
        }
    }

    /// Begins a session and returns the token for the browser's cookie, which is not kept.
    pub(crate) async fn begin(
        &self,
        caller: Caller,
        tokens: Tokens,
    ) -> anyhow::Result<Secret<String>> {
        let token = self.outside.token();
        let now = self.outside.now();
        let session = Session {
            id: session_id(&token),
            caller,
            tokens,
            created: now,
            last_used: now,
            version: 0,
        };
        let insert = Write::Insert {
            table: TABLE,
            id: Id::Text(session.id.clone()),
            values: session.values()?,
        };
        self.database.commit(Changes::new().write(insert)).await.context("keep a new session")?;
        Ok(Secret::new(token))
    }

    /// Finds the session that a cookie's token opens, and records that it was used.
    pub(crate) async fn open(&self, token: &str) -> anyhow::Result<Option<Session>> {
        let Some(session) = self.find(&session_id(token)).await? else { return Ok(None) };
        let now = self.outside.now();
        if now.duration_since(session.last_used) < USE_LAG {
            return Ok(Some(session));
        }
        match self.replace(Session { last_used: now, ..session.clone() }).await {
            // Another request of the same browser was faster, and recorded the same.
            Ok(()) | Err(CommitError::Conflict) => {}
            Err(error) => debug!("the last use of a session was not recorded: {error}"),
        }
        Ok(Some(session))
    }

    /// Finds a session that has not expired.
    pub(crate) async fn find(&self, id: &str) -> anyhow::Result<Option<Session>> {
        let row =
            self.database.get(&TABLE, &Id::Text(id.to_owned())).await.context("read a session")?;
        let now = self.outside.now();
        match row.map(Session::from_row).transpose() {
            Ok(session) => Ok(session.filter(|session| now < session.expires())),
            Err(cause) => {
                warn!(
                    "a session that another version wrote cannot be read, its user must sign in again: {cause:#}"
                );
                Ok(None)
            }
        }
    }

    /// Gives a session new tokens; `None` when it has ended in the meantime.
    pub(crate) async fn renew(&self, id: &str, tokens: Tokens) -> anyhow::Result<Option<Session>> {
        for _ in 0..TRIES {
            let Some(session) = self.find(id).await? else { return Ok(None) };
            let renewed = Session { tokens: tokens.clone(), ..session };
            match self.replace(renewed.clone()).await {
                Ok(()) => return Ok(Some(renewed)),
                Err(CommitError::Conflict) => {}
                Err(error) => return Err(error).context("keep the new tokens of a session"),
            }
        }
        bail!("keep the new tokens of a session: it was changed at the same moment {TRIES} times")
    }

    /// Ends a session, if it is there.
    pub(crate) async fn end(&self, id: &str) -> anyhow::Result<()> {
        self.database
            .commit(Changes::new().write(deletion(Id::Text(id.to_owned()))))
            .await
            .context("end a session")
    }

    async fn replace(&self, session: Session) -> Result<(), CommitError> {
        let values = session.values().map_err(CommitError::Unavailable)?;
        let id = Id::Text(session.id);
        self.database
            .commit(Changes::new().write(Write::Replace {
                table: TABLE,
                id,
                version: session.version,
                values,
            }))
            .await
    }

    async fn remove_expired(&self) -> anyhow::Result<()> {
        let now = self.outside.now();
        let sort = vec![Sort { column: Some(EXPIRES), direction: Direction::Ascending }];
        let page = Page { offset: 0, limit: CLEAN_BATCH, sort, filter: Vec::new() };
        loop {
            let rows =
                self.database.list(&TABLE, &page).await.context("look for expired sessions")?.rows;
            let expired = |row: &Row| matches!(row.values.get(EXPIRES), Some(Value::Instant(expires)) if *expires <= now);
            let writes: Vec<Write> =
                rows.into_iter().filter(expired).map(|row| deletion(row.id)).collect();
            if writes.is_empty() {
                return Ok(());
            }
            self.database
                .commit(Changes { writes, ..Changes::new() })
                .await
                .context("remove expired sessions")?;
        }
    }
}

fn deletion(id: Id) -> Write {
    Write::Delete { table: TABLE, id, version: None }
}

/// The id under which the session of a cookie's token is kept: its SHA-256 in hexadecimal.
fn session_id(token: &str) -> String {
    digest(&SHA256, token.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// What the column `data` holds. Has no `Debug`, so that it cannot be printed.
#[derive(Serialize, Deserialize)]
struct Data {
    subject: String,
    login: String,
    authorities: Vec<String>,
    claims: Map<String, serde_json::Value>,
    access_token: String,
    refresh_token: Option<String>,
    id_token: String,
    access_expires: Option<Timestamp>,
}

impl Session {
    fn expires(&self) -> Timestamp {
        let idle = self.last_used.saturating_add(IDLE).unwrap_or(self.last_used);
        let longest = self.created.saturating_add(LONGEST).unwrap_or(self.created);
        idle.min(longest)
    }

    fn values(&self) -> anyhow::Result<Vec<Value>> {
        let Session { caller, tokens, .. } = self.clone();
        let data = Data {
            subject: caller.subject.clone(),
            login: caller.login.clone(),
            authorities: caller.authorities.clone(),
            claims: caller.claims.clone(),
            access_token: tokens.access.expose().clone(),
            refresh_token: tokens.refresh.map(|token| token.expose().clone()),
            id_token: tokens.id.expose().clone(),
            access_expires: tokens.expires,
        };
        let data = serde_json::to_string(&data).context("write a session as JSON")?;
        let instants = [self.created, self.last_used, self.expires()];
        Ok(std::iter::once(Value::Text(data)).chain(instants.map(Value::Instant)).collect())
    }

    fn from_row(row: Row) -> anyhow::Result<Session> {
        let (
            Id::Text(id),
            [Value::Text(data), Value::Instant(created), Value::Instant(last_used), _],
        ) = (row.id, row.values.as_slice())
        else {
            bail!("a column has an unexpected type");
        };
        // The parser's message could quote a token, so only its position is told.
        let data: Data = serde_json::from_str(data).map_err(|error| {
            anyhow::anyhow!("the data is not as expected at column {}", error.column())
        })?;
        let caller = Caller::from(Profile {
            subject: data.subject,
            login: data.login,
            authorities: data.authorities,
            claims: data.claims,
        });
        let tokens = Tokens {
            access: Secret::new(data.access_token),
            refresh: data.refresh_token.map(Secret::new),
            id: Secret::new(data.id_token),
            expires: data.access_expires,
        };
        Ok(Session {
            id,
            caller,
            tokens,
            created: *created,
            last_used: *last_used,
            version: row.version,
        })
    }
}
