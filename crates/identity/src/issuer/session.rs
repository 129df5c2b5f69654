//! Sessions of clients: what a refresh token continues. Kept in the database, so that they survive a restart.
//!
//! A refresh token has two halves. The first names the session: the session's id is its hash, so that whoever reads
//! the id in a token cannot name the session. The second changes with every use; only its hash is kept.

mod row;

use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, anyhow};
use chassis::Outside;
use database::{Changes, CommitError, DatabaseRef, Direction, Id, Page, Row, Sort, Value, Write};
use jiff::{SignedDuration, Timestamp};

use super::{
    hash::{hash_text, same},
    parameters::has_scope,
    sign_on::{IDLE, LONGEST},
    user::User,
};
pub(super) use row::TABLE;

/// How long an offline session holds without being used (contract §1.7).
const OFFLINE_IDLE: SignedDuration = SignedDuration::from_secs(2_592_000);
/// After how many new sessions the expired ones are cleaned out, and how many at a time.
const CLEAN_EVERY: u32 = 256;
const CLEAN_AT_ONCE: u32 = 1000;
/// How many sessions are kept; beyond that, those that expire first must go.
const MOST_SESSIONS: u64 = 100_000;

/// What a client may do for a user, until it ends.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Session {
    pub(super) id: String,
    pub(super) user: &'static User,
    pub(super) scopes: String,
    pub(super) authenticated: Timestamp,
    pub(super) expires: Timestamp,
}

/// A refresh token and the session that it names.
pub(super) struct Ticket {
    pub(super) session: String,
    pub(super) refresh_token: String,
    secret: String,
}

/// Why a refresh token does not continue its session.
#[derive(Debug)]
pub(super) enum RefreshError {
    /// There is no such session, or not any more.
    Ended,
    /// The token was used before; its session is ended now.
    Reused,
    /// The session does not have all of the wanted scopes; it goes on as it was.
    Wider,
    /// The database does not answer.
    Unavailable(anyhow::Error),
}

/// All sessions.
pub(super) struct Sessions {
    database: DatabaseRef,
    outside: Outside,
    opened: AtomicU32,
}

impl Sessions {
    pub(super) fn new(database: DatabaseRef, outside: Outside) -> Self {
        Sessions { database, outside, opened: AtomicU32::new(0) }
    }

    /// Draws a refresh token for a session that is about to be opened.
    pub(super) fn ticket(&self) -> Ticket {
        Ticket::new(self.outside.token(), self.outside.token())
    }

    /// Opens the session that the ticket names.
    pub(super) async fn open(
        &self,
        ticket: &Ticket,
        user: &'static User,
        scopes: &str,
        authenticated: Timestamp,
    ) -> anyhow::Result<Session> {
        let expires = self.expiry(scopes, authenticated);
        let session = Session {
            id: ticket.session.clone(),
            user,
            scopes: scopes.to_owned(),
            authenticated,
            expires,
        };
        let values = row::values(&session, &ticket.secret);
        let insert = Write::Insert { table: TABLE, id: Id::Text(session.id.clone()), values };
        self.database.commit(Changes::new().write(insert)).await.context("keep a session")?;
        if self.opened.fetch_add(1, Ordering::Relaxed).is_multiple_of(CLEAN_EVERY) {
            self.clean_out().await?;
        }
        Ok(session)
    }

    /// Continues a session and gives it a new refresh token. Using a token twice ends its session: one of the two
    /// users must have stolen it (RFC 9700 §4.14.2). `scopes`, when given, narrows what the next tokens are for.
    pub(super) async fn refresh(
        &self,
        token: &str,
        scopes: Option<&str>,
    ) -> Result<(Session, Ticket), RefreshError> {
        let (name, secret) = token.split_once('.').ok_or(RefreshError::Ended)?;
        let shown = Ticket::new(name.to_owned(), secret.to_owned());
        let row = self.row(&shown.session).await.map_err(RefreshError::Unavailable)?;
        let row = row.ok_or(RefreshError::Ended)?;
        let version = row.version;
        let (session, secret) = row::read(row).map_err(RefreshError::Unavailable)?;
        if session.expires < self.outside.now() {
            return Err(self.ended(&session.id, RefreshError::Ended).await);
        }
        if !same(&shown.secret, &secret) {
            return Err(self.ended(&session.id, RefreshError::Reused).await);
        }
        if scopes.is_some_and(|wanted| !session.has_scopes(wanted)) {
            return Err(RefreshError::Wider);
        }
        let (mut session, ticket) = self.replace(session, version, name).await?;
        if let Some(wanted) = scopes {
            session.scopes = wanted.to_owned();
        }
        Ok((session, ticket))
    }

    async fn replace(
        &self,
        session: Session,
        version: i64,
        name: &str,
    ) -> Result<(Session, Ticket), RefreshError> {
        let next = Ticket::new(name.to_owned(), self.outside.token());
        let session =
            Session { expires: self.expiry(&session.scopes, session.authenticated), ..session };
        let (id, values) = (Id::Text(session.id.clone()), row::values(&session, &next.secret));
        let replace = Write::Replace { table: TABLE, id, version, values };
        match self.database.commit(Changes::new().write(replace)).await {
            Ok(()) => Ok((session, next)),
            // Somebody else used the same token at the same time.
            Err(CommitError::Conflict) => Err(self.ended(&session.id, RefreshError::Reused).await),
            Err(error) => {
                Err(RefreshError::Unavailable(anyhow!(error).context("continue a session")))
            }
        }
    }

    /// Ends a session for a reason, and gives that reason unless the database gives another.
    async fn ended(&self, session: &str, reason: RefreshError) -> RefreshError {
        match self.end(session).await {
            Ok(()) => reason,
            Err(cause) => RefreshError::Unavailable(cause),
        }
    }

    /// Finds a session that goes on.
    pub(super) async fn find(&self, id: &str) -> anyhow::Result<Option<Session>> {
        let Some(row) = self.row(id).await? else { return Ok(None) };
        let (session, _) = row::read(row)?;
        Ok((session.expires >= self.outside.now()).then_some(session))
    }

    /// Ends a session, if there is one.
    pub(super) async fn end(&self, id: &str) -> anyhow::Result<()> {
        let delete = Write::Delete { table: TABLE, id: Id::Text(id.to_owned()), version: None };
        self.database.commit(Changes::new().write(delete)).await.context("end a session")
    }

    async fn row(&self, id: &str) -> anyhow::Result<Option<Row>> {
        self.database.get(&TABLE, &Id::Text(id.to_owned())).await.context("read a session")
    }

    async fn clean_out(&self) -> anyhow::Result<()> {
        let first_to_expire = Sort { column: Some(row::EXPIRES), direction: Direction::Ascending };
        let page = Page {
            offset: 0,
            limit: CLEAN_AT_ONCE,
            sort: vec![first_to_expire],
            filter: Vec::new(),
        };
        let listing =
            self.database.list(&TABLE, &page).await.context("look for expired sessions")?;
        let (now, surplus) =
            (Value::Instant(self.outside.now()), listing.total.saturating_sub(MOST_SESSIONS));
        let mut changes = Changes::new();
        for (position, session) in (0..).zip(listing.rows) {
            if position < surplus || row::is_before(&session.values[row::EXPIRES], &now) {
                let delete = Write::Delete { table: TABLE, id: session.id, version: None };
                changes = changes.write(delete);
            }
        }
        if changes.writes.is_empty() {
            return Ok(());
        }
        self.database.commit(changes).await.context("clean out expired sessions")
    }

    fn expiry(&self, scopes: &str, authenticated: Timestamp) -> Timestamp {
        let now = self.outside.now();
        if has_scope(scopes, "offline_access") {
            now + OFFLINE_IDLE
        } else {
            (now + IDLE).min(authenticated + LONGEST)
        }
    }
}

impl Ticket {
    fn new(name: String, secret: String) -> Ticket {
        Ticket {
            session: hash_text(&name),
            refresh_token: format!("{name}.{secret}"),
            secret: hash_text(&secret),
        }
    }
}

impl Session {
    fn has_scopes(&self, wanted: &str) -> bool {
        wanted.split(' ').all(|scope| has_scope(&self.scopes, scope))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use database::{Durability, Sqlite};

    use super::*;

    async fn sessions(folder: &Path, now: &str) -> Sessions {
        let file = folder.join("issuer.db");
        let database = Sqlite::open(&file, &[TABLE], Durability::ProcessCrash).await.unwrap();
        let now: Timestamp = now.parse().unwrap();
        Sessions::new(database, Outside::fixed(now, now.as_second().unsigned_abs()))
    }

    async fn open(sessions: &Sessions) -> Ticket {
        let (ticket, user) = (sessions.ticket(), User::named("user").unwrap());
        sessions.open(&ticket, user, "openid", sessions.outside.now()).await.unwrap();
        ticket
    }

    #[tokio::test]
    async fn expired_sessions_are_cleaned_out() {
        let folder = tempfile::tempdir().unwrap();
        for (now, left) in
            [("2026-01-01T12:00:00Z", 1), ("2026-01-01T12:20:00Z", 2), ("2026-01-01T12:40:00Z", 2)]
        {
            let sessions = sessions(folder.path(), now).await;
            open(&sessions).await;
            let listing = sessions.database.list(&TABLE, &Page::first(10)).await.unwrap();
            assert_eq!(listing.total, left, "{now}");
        }
    }

    #[tokio::test]
    async fn of_two_uses_at_the_same_time_one_is_the_second() {
        let folder = tempfile::tempdir().unwrap();
        let sessions = sessions(folder.path(), "2026-01-01T12:00:00Z").await;
        let ticket = open(&sessions).await;
        let token = &ticket.refresh_token;
        let both = tokio::join!(sessions.refresh(token, None), sessions.refresh(token, None));
        let won = [both.0.is_ok(), both.1.is_ok()].iter().filter(|won| **won).count();
        assert_eq!(won, 1);
        assert_eq!(sessions.find(&ticket.session).await.unwrap(), None);
    }
}
