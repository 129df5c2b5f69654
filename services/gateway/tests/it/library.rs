//! A service that lends books, as any service behind the gateway: described by an OpenAPI document.

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State},
    http::{StatusCode, header},
    response::{IntoResponse, Response},
    routing::{any, get},
};
use serde_json::{Value, json};

type Books = Arc<Mutex<Vec<Value>>>;

pub(crate) fn routes() -> Router {
    Router::new()
        .route("/v3/api-docs", get(|| async { Json(document()) }))
        .route("/v3/api-docs/group", get(|| async { Json(document()) }))
        .route("/management/jhiopenapigroups", get(|| async { Json(groups()) }))
        .route("/api/books", get(list).post(create))
        .route("/api/books/{id}", get(read).put(replace).delete(remove))
        .route("/echo/{*path}", any(echo))
        .with_state(Books::default())
}

fn groups() -> Value {
    json!([{ "group": "group", "description": "library (lending)" }])
}

fn document() -> Value {
    let book = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Book" } } } });
    json!({
        "openapi": "3.0.1",
        "servers": [{ "url": "http://10.0.0.1" }],
        "paths": {
            "/api/books": { "get": {}, "post": { "requestBody": book } },
            "/api/books/{id}": { "get": { "responses": { "200": book } }, "put": { "requestBody": book }, "delete": {} },
        },
        "components": { "schemas": { "Book": {
            "required": ["title", "orderedAt"],
            "properties": {
                "id": { "type": "integer", "format": "int64", "readOnly": true },
                "title": { "type": "string", "maxLength": 255 },
                "loanState": { "type": "string", "enum": ["HERE", "LENT"] },
                "orderedAt": { "type": "string", "format": "date-time" },
                "pages": { "type": "integer" },
                "tags": { "type": "array", "items": { "type": "string" } },
            },
        } } },
    })
}

async fn list(State(books): State<Books>, Query(query): Query<Vec<(String, String)>>) -> Response {
    let parameter = |name: &str| {
        query.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert_eq!(parameter("sort"), "id,desc");
    let (page, size): (usize, usize) =
        (parameter("page").parse().unwrap(), parameter("size").parse().unwrap());
    let books = books.lock().unwrap();
    let shown: Vec<Value> = books.iter().rev().skip(page * size).take(size).map(heavy).collect();
    ([("x-total-count", books.len().to_string())], Json(shown)).into_response()
}

/// A book called `heavy N` weighs N MiB more than it did when it was made: no request could bring it.
fn heavy(book: &Value) -> Value {
    let mut book = book.clone();
    let weight = book["title"].as_str().and_then(|title| title.strip_prefix("heavy "));
    if let Some(weight) = weight.and_then(|weight| weight.parse::<usize>().ok()) {
        book["title"] = json!(format!("heavy {}", "x".repeat(weight * 1024 * 1024)));
    }
    book
}

async fn create(State(books): State<Books>, Json(mut book): Json<Value>) -> Response {
    if let Some(refusal) = refusal(&book) {
        return refusal;
    }
    let mut books = books.lock().unwrap();
    let id = books.last().map_or(1001, |last| last["id"].as_i64().unwrap() + 1);
    book["id"] = json!(id);
    books.push(book.clone());
    (StatusCode::CREATED, Json(book)).into_response()
}

fn refusal(book: &Value) -> Option<Response> {
    let problem = match book["title"].as_str() {
        None => json!({
            "title": "Method argument not valid",
            "status": 400,
            "fieldErrors": [{ "objectName": "book", "field": "title", "message": "must not be null" }],
        }),
        Some("forbidden") => {
            json!({ "title": "Banned <book>", "status": 400, "detail": "This one is not lent" })
        }
        Some(_) => return None,
    };
    Some(
        (
            StatusCode::BAD_REQUEST,
            [(header::CONTENT_TYPE, "application/problem+json")],
            problem.to_string(),
        )
            .into_response(),
    )
}

async fn read(State(books): State<Books>, Path(id): Path<i64>) -> Response {
    let books = books.lock().unwrap();
    let found = books.iter().find(|book| book["id"] == id);
    found.map_or_else(
        || StatusCode::NOT_FOUND.into_response(),
        |book| Json(heavy(book)).into_response(),
    )
}

async fn replace(
    State(books): State<Books>,
    Path(id): Path<i64>,
    Json(book): Json<Value>,
) -> Response {
    if let Some(refusal) = refusal(&book) {
        return refusal;
    }
    assert_eq!(book["id"], id);
    let mut books = books.lock().unwrap();
    *books.iter_mut().find(|book| book["id"] == id).unwrap() = book.clone();
    Json(book).into_response()
}

async fn remove(State(books): State<Books>, Path(id): Path<i64>) -> StatusCode {
    books.lock().unwrap().retain(|book| book["id"] != id);
    StatusCode::NO_CONTENT
}

/// Tells what arrived.
async fn echo(request: Request) -> Json<Value> {
    let header =
        |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let target = request.uri().path_and_query().unwrap().to_string();
    Json(json!({
        "method": request.method().as_str(),
        "target": target,
        "authorization": header("authorization"),
        "cookie": header("cookie"),
        "prefix": header("x-forwarded-prefix"),
    }))
}
