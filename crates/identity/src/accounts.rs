//! The people and authorities that a JHipster service keeps tables of (contract §2.2): which tables, and the two
//! resources that show a little of them. Nothing here writes them.

mod operations;
mod page;

use std::{borrow::Cow, sync::Arc};

use axum::{
    Json, Router,
    extract::{OriginalUri, State},
    http::HeaderMap,
    response::{IntoResponse, Response},
    routing::get,
};
use chassis::Problem;
use database::{Column, Condition, DatabaseRef, IdKind, Kind, Page, Row, Table, Test, Value};
use serde::Serialize;

pub use operations::operations;
use page::Asked;

/// How many authorities are shown at most; real systems have a handful.
const MOST_AUTHORITIES: u32 = 1000;

/// The columns of `jhi_user` (contract §2.5, §3.3).
const USER_COLUMNS: &[Column] = &[
    column("login", Kind::Text, true),
    column("first_name", Kind::Text, false),
    column("last_name", Kind::Text, false),
    column("email", Kind::Text, false),
    column("image_url", Kind::Text, false),
    column("activated", Kind::Boolean, true),
    column("lang_key", Kind::Text, false),
    column("created_by", Kind::Text, true),
    column("created_date", Kind::Instant, false),
    column("last_modified_by", Kind::Text, false),
    column("last_modified_date", Kind::Instant, false),
];
/// The positions of columns among them.
const LOGIN: usize = 0;
const ACTIVATED: usize = 5;

const fn column(name: &'static str, kind: Kind, required: bool) -> Column {
    Column { name: Cow::Borrowed(name), kind, required }
}

/// The tables of people and authorities of one service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Accounts {
    users: Table,
    authorities: Table,
}

impl Accounts {
    /// The tables as SQL databases have them.
    pub fn new() -> Self {
        let users = table("jhi_user", "id", USER_COLUMNS);
        Accounts { users, authorities: table("jhi_authority", "name", &[]) }
    }

    /// The tables as collections, whose documents name these Java classes.
    pub fn of_classes(user: &'static str, authority: &'static str) -> Self {
        let mut accounts = Accounts::new();
        accounts.users.class = Some(Cow::Borrowed(user));
        accounts.authorities.class = Some(Cow::Borrowed(authority));
        accounts
    }

    /// The tables that the database needs.
    pub fn tables(&self) -> Vec<Table> {
        vec![self.users.clone(), self.authorities.clone()]
    }

    /// Serves `GET /api/users`, with `page`, `size` and `sort`, and `GET /api/authorities`. Of people only those are shown
    /// who are activated, and only their ids and logins. Belongs inside [`crate::guarded`].
    pub fn routes(self, database: DatabaseRef) -> Router {
        Router::new()
            .route("/api/users", get(users))
            .route("/api/authorities", get(authorities))
            .with_state(Resource { accounts: Arc::new(self), database })
    }
}

impl Default for Accounts {
    fn default() -> Self {
        Accounts::new()
    }
}

fn table(name: &'static str, key: &'static str, columns: &'static [Column]) -> Table {
    Table {
        name: Cow::Borrowed(name),
        id: IdKind::ObjectId,
        key: Cow::Borrowed(key),
        class: None,
        columns: Cow::Borrowed(columns),
    }
}

#[derive(Clone)]
struct Resource {
    accounts: Arc<Accounts>,
    database: DatabaseRef,
}

/// What is shown of a person.
#[derive(Serialize)]
struct User {
    id: String,
    login: String,
}

impl User {
    fn of(row: Row) -> User {
        let login = match row.values.into_iter().nth(LOGIN) {
            Some(Value::Text(login)) => login,
            _ => String::new(),
        };
        User { id: row.id.to_string(), login }
    }
}

async fn users(
    State(resource): State<Resource>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::read(uri.query().unwrap_or_default());
    let activated =
        Condition { column: Some(ACTIVATED), test: Test::OneOf(vec![Value::Boolean(true)]) };
    let page = Page { filter: vec![activated], ..asked.page(LOGIN) };
    let table = &resource.accounts.users;
    let listing = resource.database.list(table, &page).await.map_err(silent)?;
    let address = chassis::http::base_address(&headers) + uri.path();
    let users: Vec<User> = listing.rows.into_iter().map(User::of).collect();
    Ok((asked.headers(&address, listing.total), Json(users)).into_response())
}

async fn authorities(State(resource): State<Resource>) -> Result<Json<Vec<String>>, Problem> {
    let table = &resource.accounts.authorities;
    let listing = resource.database.list(table, &Page::first(MOST_AUTHORITIES)).await;
    let rows = listing.map_err(silent)?.rows;
    Ok(Json(rows.into_iter().map(|row| row.id.to_string()).collect()))
}

fn silent(cause: anyhow::Error) -> Problem {
    Problem::unavailable("The database does not answer", cause)
}
