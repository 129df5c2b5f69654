//! What the Java services were recorded to answer, asked again of a resource for the same entity. Whoever calls is known
//! here: what guards the resource has recordings and tests of its own.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use axum::{Router, http::Method};
use chassis::{Outside, Service, http::Answers};
use database::{Changes, Id, IdKind, Value, Write};
use entity::{Entity, Field, FieldKind, Resource, Rule, announce_nothing, decode};
use serde_json::Value as Json;

use crate::shop::{Answer, kept, send};

/// Cases that are answered differently on purpose (docs/differences.md), by kind of id, and in which way.
const DIFFERENT: [(IdKind, &str, &str); 19] = [
    // Pages and orders are followed.
    (IdKind::ObjectId, "008-list-page-0-size-2", "header link"),
    (IdKind::ObjectId, "009-list-page-1-size-2", "header link"),
    (IdKind::ObjectId, "010-list-page-99-size-2", "header link"),
    (IdKind::ObjectId, "016-list-sort-name-asc", "body"),
    (IdKind::ObjectId, "017-list-sort-name-desc", "body"),
    (IdKind::ObjectId, "020-list-size-100000", "header link"),
    (IdKind::Sequence, "006-list-page-0-size-1", "header link"),
    (IdKind::Sequence, "007-list-page-5-size-1", "header link"),
    (IdKind::Sequence, "011-list-sort-id-desc", "body"),
    // An optional value may be missing in a PUT.
    (IdKind::ObjectId, "043-put-null-status-saved-then-500", "status 200"),
    // A merge patch clears, and what is required cannot be cleared.
    (IdKind::ObjectId, "049-patch-null-does-not-clear", "status 400"),
    (IdKind::Sequence, "038-patch-null", "status 400"),
    // What does not fit is the caller's mistake.
    (IdKind::Sequence, "018-create-256", "status 400"),
    (IdKind::Sequence, "034-put-256", "status 400"),
    // Removing what is not there is none.
    (IdKind::Sequence, "053-delete-again-500", "status 204"),
    (IdKind::Sequence, "054-delete-unknown-500", "status 204"),
    // A row that was changed stays where it was.
    (IdKind::Sequence, "069-list-as-norole", "body"),
    (IdKind::Sequence, "070-list-as-user", "body"),
    // Messages are in English.
    (IdKind::ObjectId, "104-language-de", "body"),
];

/// Headers that differ between any two answers, or that only we have.
const NOT_COMPARED: [&str; 4] = ["date", "connection", "content-length", "content-encoding"];

fn cases() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded/cases")
}

fn read(path: &Path) -> Json {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The services that were recorded.
pub(crate) fn services() -> Vec<String> {
    let names = fs::read_dir(cases()).unwrap().map(|entry| entry.unwrap().file_name());
    let names =
        names.filter_map(|name| Some(name.to_str()?.strip_prefix("management-")?.to_owned()));
    names.collect()
}

/// The body of a case about management.
pub(crate) fn recorded_text(service: &str, case: &str) -> String {
    let case = read(&cases().join(format!("management-{service}/{case}.json")));
    case["response"]["body"].as_str().unwrap().to_owned()
}

/// The entity of a service, from its OpenAPI document.
pub(crate) fn entity_of(service: &str) -> Entity {
    let document = recorded_text(service, "085-api-docs-anonymous");
    let document: Json = serde_json::from_str(&document).unwrap();
    let mut paths = document["paths"].as_object().unwrap().iter();
    let (path, item) = paths.find(|(_, methods)| methods.get("put").is_some()).unwrap();
    let name = item["put"]["operationId"].as_str().unwrap().strip_prefix("update").unwrap();
    let schema = &document["components"]["schemas"][name];
    let id = match schema["properties"]["id"]["type"].as_str() {
        Some("integer") => IdKind::Sequence,
        _ => IdKind::ObjectId,
    };
    let required = schema["required"].as_array().unwrap();
    let fields = schema["properties"].as_object().unwrap().iter().filter(|(name, _)| *name != "id");
    let fields = fields.map(|(name, property)| Field {
        name: Cow::Owned(name.clone()),
        column: Cow::Owned(name.clone()),
        kind: match (property["enum"].as_array(), property["format"].as_str()) {
            (Some(names), _) => FieldKind::Enum(names.iter().map(text).collect()),
            (None, Some("date-time")) => FieldKind::Instant,
            _ => FieldKind::String,
        },
        rules: match required.iter().any(|known| known == name) {
            true => Cow::Borrowed(&[Rule::Required]),
            false => Cow::Borrowed(&[]),
        },
        // Only the one in PostgreSQL has columns of bounded width.
        width: (id == IdKind::Sequence).then_some(255),
    });
    Entity {
        name: Cow::Owned(name.to_owned()),
        collection: Cow::Owned(path["/api/".len()..path.len() - "/{id}".len()].to_owned()),
        table: Cow::Borrowed("entities"),
        class: Cow::Borrowed("com.example.Entity"),
        id,
        fields: fields.collect(),
    }
}

fn text(json: &Json) -> Cow<'static, str> {
    Cow::Owned(json.as_str().unwrap().to_owned())
}

/// What is known while the cases of a service are gone through.
struct Replay {
    entity: Entity,
    router: Router,
    /// The values that stand for names in braces.
    saved: BTreeMap<String, String>,
}

impl Replay {
    fn filled(&self, text: &str) -> String {
        let all = self.saved.iter();
        all.fold(text.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value))
    }

    /// Whether this is about the resource, and not about who may use it.
    fn concerns(&self, case: &Json) -> bool {
        let path = case["request"]["path"].as_str().unwrap();
        let known = matches!(case["auth"].as_str(), Some("admin" | "user" | "norole"));
        known && path.starts_with(&format!("/api/{}", self.entity.collection))
    }

    async fn ask(&self, request: &Json) -> Answer {
        let method: Method = request["method"].as_str().unwrap().parse().unwrap();
        let path = self.filled(request["path"].as_str().unwrap());
        let body = self.filled(request["body"].as_str().unwrap_or_default());
        let headers = pairs(&request["headers"]);
        let headers: Vec<_> = headers.iter().map(|(name, value)| (&**name, &**value)).collect();
        send(&self.router, None, method, &path, &headers, &body).await
    }

    /// Asks one case. Answers in which way the answer is another one.
    async fn replay(&mut self, case: &Json) -> Option<String> {
        let answer = self.ask(&case["request"]).await;
        let expected = &case["response"];
        for (name, place) in case["save"].as_object().into_iter().flatten() {
            let pointer = place.as_str().unwrap().replace("$.", "/");
            let value = answer.json().pointer(&pointer).unwrap().clone();
            self.saved
                .insert(name.clone(), value.as_str().map_or(value.to_string(), str::to_owned));
        }
        if answer.status.as_u16() != expected["status"].as_u64().unwrap() as u16 {
            return Some(format!("status {}", answer.status.as_u16()));
        }
        let recorded = pairs(&expected["headers"]);
        let compared = |name: &str| !NOT_COMPARED.contains(&name);
        let mut names: Vec<_> = recorded.iter().map(|(name, _)| name.to_lowercase()).collect();
        names.extend(answer.headers.keys().map(|name| name.to_string()));
        names.sort();
        for name in names.iter().filter(|name| compared(name)) {
            let theirs = recorded.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
            let theirs: Vec<_> =
                theirs.map(|(_, value)| in_order(name, &self.filled(value))).collect();
            let ours = answer.headers.get_all(name.as_str()).iter();
            let ours: Vec<_> = ours.map(|value| in_order(name, value.to_str().unwrap())).collect();
            if ours != theirs {
                return Some(format!("header {name}"));
            }
        }
        let packed = recorded.iter().any(|(name, _)| name == "Content-Encoding");
        let body = self.filled(expected["body"].as_str().unwrap_or_default());
        let same = match case.get("cut").or(expected.get("cut")) {
            Some(_) => answer.body.starts_with(&body),
            None => packed || comparable(&answer.body) == comparable(&body),
        };
        (!same).then(|| "body".to_owned())
    }
}

fn pairs(headers: &Json) -> Vec<(String, String)> {
    let pair = |pair: &Json| (text(&pair[0]).into_owned(), text(&pair[1]).into_owned());
    let pairs = headers.as_array().unwrap().iter().map(pair);
    pairs.filter(|(name, _)| name != "Authorization").collect()
}

/// Methods come in any order, even from the original.
fn in_order(name: &str, value: &str) -> String {
    let mut parts: Vec<_> = value.split(',').collect();
    if name == "allow" {
        parts.sort_unstable();
    }
    parts.join(",")
}

/// So do the errors of fields.
fn comparable(body: &str) -> String {
    let Ok(mut json) = serde_json::from_str::<Json>(body) else { return body.to_owned() };
    match json.get_mut("fieldErrors").and_then(Json::as_array_mut) {
        None => body.to_owned(),
        Some(errors) => {
            errors.sort_by_key(Json::to_string);
            json.to_string()
        }
    }
}

async fn differences(service: &str) -> Vec<(IdKind, String, String)> {
    let entity = entity_of(service);
    let (_folder, database) = kept(&entity).await;
    let outside = Outside::fixed("2026-11-24T12:00:00Z".parse().unwrap(), 1);
    let mut files: Vec<_> =
        fs::read_dir(cases().join(service)).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    // What was there before the first case stands in its answer; the ids of what follows come after it.
    let first = read(&files[0]);
    let before: Vec<Json> =
        serde_json::from_str(first["response"]["body"].as_str().unwrap()).unwrap();
    for row in before {
        let (id, values) = decode(&entity, row.to_string().as_bytes()).unwrap();
        let (table, id): (_, Id) = (entity.table(), id.unwrap());
        let values: Vec<Value> = values;
        database.commit(Changes::new().write(Write::Insert { table, id, values })).await.unwrap();
        database.reserve("sequence_generator", 1001, 50).await.unwrap();
    }
    // Its headers carry the service's name, which is part of the program elsewhere.
    let application: &'static str = service.to_owned().leak();
    let resource =
        Resource::new(application, entity.clone(), database, outside.clone(), announce_nothing());
    let service = Service::new("recorded").routes(resource.routes());
    let router = service.answering_as(Answers::Spring(outside)).into_router();
    let id = entity.id;
    let mut replay = Replay { entity, router, saved: BTreeMap::new() };
    let (mut asked, mut different) = (0, Vec::new());
    for file in &files {
        let case = read(file);
        if replay.concerns(&case) {
            asked += 1;
            if let Some(way) = replay.replay(&case).await {
                let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
                different.push((id, name, way));
            }
        }
    }
    assert!(asked > 40, "{asked}");
    different
}

#[tokio::test]
async fn the_resource_answers_as_recorded() {
    let mut found = Vec::new();
    for service in services() {
        found.extend(differences(&service).await);
    }
    let known = DIFFERENT.map(|(id, case, way)| (id, case.to_owned(), way.to_owned()));
    let unknown: Vec<_> = found.iter().filter(|case| !known.contains(case)).collect();
    assert!(unknown.is_empty(), "not listed: {unknown:#?}");
    let gone: Vec<_> = known.iter().filter(|case| !found.contains(case)).collect();
    assert!(gone.is_empty(), "listed, but the same: {gone:#?}");
}
