//! The people and authorities of a service: who is shown, in which order, and how pages are linked.

use std::{
    fs,
    path::{Path, PathBuf},
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use chassis::Service;
use database::{Changes, Database, DatabaseRef, Durability, Id, Sqlite, Value as Cell, Write};
use http_body_util::BodyExt;
use identity::accounts::{Accounts, operations};
use serde_json::{Value, json};
use tower::ServiceExt;

use crate::recorded::folder_with;

/// The recorded cases that are about people and authorities.
fn recorded() -> Vec<Value> {
    let folder = folder_with("079-users.json");
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: &PathBuf| serde_json::from_slice(&fs::read(path).unwrap()).unwrap();
    let about = |case: &Value| {
        let path = case["request"]["path"].as_str().unwrap_or_default();
        path.starts_with("/api/users") || path.starts_with("/api/authorities")
    };
    files.iter().map(read).filter(about).collect()
}

async fn database(
    folder: &Path,
    people: &[(&str, &str, bool)],
    authorities: &[&str],
) -> DatabaseRef {
    let accounts = Accounts::new();
    let [users, names] = accounts.tables().try_into().unwrap();
    let tables = accounts.tables();
    let database =
        Sqlite::open(&folder.join("people.db"), &tables, Durability::ProcessCrash).await.unwrap();
    let mut changes = Changes::new();
    for (id, login, activated) in people {
        let mut values = vec![Cell::Null; users.columns.len()];
        for (column, value) in users.columns.iter().zip(&mut values) {
            match &*column.name {
                "login" => *value = Cell::from(*login),
                "email" => *value = Cell::Text(format!("{login}@localhost")),
                "activated" => *value = Cell::Boolean(*activated),
                "created_by" => *value = Cell::from("system"),
                _ => {}
            }
        }
        let id = Id::Text((*id).to_owned());
        changes = changes.write(Write::Insert { table: users.clone(), id, values });
    }
    for name in authorities {
        let id = Id::Text((*name).to_owned());
        changes = changes.write(Write::Insert { table: names.clone(), id, values: Vec::new() });
    }
    database.commit(changes).await.unwrap();
    database
}

struct People {
    router: Router,
    _folder: tempfile::TempDir,
}

impl People {
    async fn with(people: &[(&str, &str, bool)], authorities: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = database(folder.path(), people, authorities).await;
        let routes = Accounts::new().routes(database);
        People { router: Service::new("library").routes(routes).into_router(), _folder: folder }
    }

    async fn ask(&self, path: &str, host: &str) -> (HeaderMap, String) {
        let request = Request::get(path).header(header::HOST, host).body(Body::empty()).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let headers = answer.headers().clone();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (headers, String::from_utf8(body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn nobody_is_shown_as_the_java_services_show_it_but_for_a_page_before_the_first() {
    let people = People::with(&[], &["ROLE_USER", "ROLE_ADMIN"]).await;
    let cases = recorded();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let path = case["request"]["path"].as_str().unwrap();
        let theirs = |name: &str| {
            let headers = case["response"]["headers"].as_array().unwrap();
            let found = headers.iter().find(|header| header[0] == *name);
            found.map(|header| header[1].as_str().unwrap().to_owned())
        };
        let (headers, body) = people.ask(path, "127.0.0.1:18082").await;
        let ours = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(json!(body), case["response"]["body"], "{path}");
        for name in ["X-Total-Count", "Content-Type"] {
            assert_eq!(ours(name), theirs(name), "{path}");
        }
        // An empty list has one page, not one before the first.
        let expected = theirs("Link").map(|links| links.replace("page=-1", "page=0"));
        assert_eq!(ours("Link"), expected, "{path}");
    }
}

#[tokio::test]
async fn only_who_is_activated_is_shown_and_only_by_id_and_login() {
    let people = [("3", "cid", true), ("1", "ann", true), ("4", "dan", false), ("2", "bob", true)];
    let people = People::with(&people, &[]).await;
    for (query, expected, total) in [
        ("", &["cid", "ann", "bob"][..], "3"),
        ("?sort=login,desc", &["cid", "bob", "ann"], "3"),
        ("?sort=id,asc", &["ann", "bob", "cid"], "3"),
        ("?sort=id&size=2&page=1", &["cid"], "3"),
        ("?sort=email,desc&sort=login", &["ann", "bob", "cid"], "3"),
        ("?size=2&page=5", &[], "3"),
    ] {
        let (headers, body) = people.ask(&format!("/api/users{query}"), "library").await;
        let shown: Vec<Value> = serde_json::from_str(&body).unwrap();
        let logins: Vec<&str> =
            shown.iter().map(|person| person["login"].as_str().unwrap()).collect();
        assert_eq!(logins, expected, "{query}");
        assert_eq!(headers["x-total-count"], total, "{query}");
        assert!(!body.contains('@'), "{body}");
    }
    let (_, body) = people.ask("/api/users?size=1&sort=id", "library").await;
    assert_eq!(body, r#"[{"id":"1","login":"ann"}]"#);
    assert_eq!(people.ask("/api/authorities", "library").await.1, "[]");
}

#[tokio::test]
async fn the_documents_name_the_classes_that_they_are_read_into() {
    let accounts = Accounts::of_classes("org.example.User", "org.example.Authority");
    let classes: Vec<_> =
        accounts.tables().iter().map(|table| (table.name.clone(), table.class.clone())).collect();
    let expected = [("jhi_user", "org.example.User"), ("jhi_authority", "org.example.Authority")];
    assert_eq!(classes, expected.map(|(table, class)| (table.into(), Some(class.into()))));
}

#[test]
fn the_operations_are_described_as_recorded() {
    let name = "085-api-docs-anonymous.json";
    let file = fs::read(folder_with(name).join(name)).unwrap();
    let case: Value = serde_json::from_slice(&file).unwrap();
    let document: Value = serde_json::from_str(case["response"]["body"].as_str().unwrap()).unwrap();
    let ours = operations();
    for part in ["/paths/~1api~1users", "/paths/~1api~1authorities", "/components/schemas/UserDTO"]
    {
        let theirs = document.pointer(part).unwrap();
        assert_eq!(ours.pointer(part).unwrap().to_string(), theirs.to_string(), "{part}");
    }
}
