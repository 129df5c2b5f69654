//! A session as the database keeps it.

use std::borrow::Cow;

use anyhow::{Context, anyhow};
use database::{Column, Id, IdKind, Kind, Row, Table, Value};

use super::Session;
use crate::issuer::user::User;

const COLUMNS: [Column; 5] = [
    column("login", Kind::Text),
    column("scopes", Kind::Text),
    column("secret", Kind::Text),
    column("authenticated", Kind::Instant),
    column("expires", Kind::Instant),
];
/// The position of the column that says when a session ends.
pub(super) const EXPIRES: usize = 4;

/// Where sessions are kept.
pub(in crate::issuer) const TABLE: Table = Table {
    name: Cow::Borrowed("issuer_session"),
    id: IdKind::ObjectId,
    key: Cow::Borrowed("id"),
    class: None,
    columns: Cow::Borrowed(&COLUMNS),
};

const fn column(name: &'static str, kind: Kind) -> Column {
    Column { name: Cow::Borrowed(name), kind, required: true }
}

/// The columns of a session whose refresh token's second half has this hash.
pub(super) fn values(session: &Session, secret: &str) -> Vec<Value> {
    vec![
        session.user.login.into(),
        session.scopes.as_str().into(),
        secret.into(),
        Value::Instant(session.authenticated),
        Value::Instant(session.expires),
    ]
}

/// Reads a row: the session, and the hash of the second half of its refresh token.
pub(super) fn read(row: Row) -> anyhow::Result<(Session, String)> {
    let Id::Text(id) = row.id else { return Err(anyhow!("a session's id is not a text")) };
    let [
        Value::Text(login),
        Value::Text(scopes),
        Value::Text(secret),
        Value::Instant(authenticated),
        Value::Instant(expires),
    ] = row.values.as_slice()
    else {
        return Err(anyhow!(
            "a session in the database has other columns than this program writes"
        ));
    };
    let user = User::named(login).with_context(|| {
        format!("a session in the database belongs to {login:?}, whom nobody knows")
    })?;
    let (authenticated, expires) = (*authenticated, *expires);
    let session = Session { id, user, scopes: scopes.clone(), authenticated, expires };
    Ok((session, secret.clone()))
}

/// Whether both are instants and the left one is the earlier.
pub(super) fn is_before(left: &Value, right: &Value) -> bool {
    matches!((left, right), (Value::Instant(left), Value::Instant(right)) if left < right)
}
