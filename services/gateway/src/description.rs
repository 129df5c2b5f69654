//! What the gateway says of itself: who it is, and the OpenAPI documents of what it answers apart from its pages and the
//! services behind it.

use chassis::management::{self, About, Management};
use entity::ApiGroup;
use serde_json::{Value, json};

/// The name under which it registers.
pub(crate) const NAME: &str = "gateway";

/// The groups of operations, the default one first, and what each is.
pub(crate) const GROUPS: [(&str, &str); 2] =
    [("springdocDefault", "default"), ("management", "management")];

/// What people call it.
const TITLE: &str = "Gateway";
const VERSION: &str = "0.0.1-SNAPSHOT";
/// The documents name the release that is being made.
const DOCUMENT_VERSION: &str = "0.0.1";
/// The management endpoints that the gateway does not have, by their operation ids.
const LEFT_OUT: &[&str] = &["caches", "caches-cache", "liquibase"];

/// What the gateway says of itself, when it behaves like these profiles of Spring.
pub fn about(profiles: &[String]) -> About {
    About {
        name: NAME.to_owned(),
        title: TITLE.to_owned(),
        artifact: NAME.to_owned(),
        group: "com.okta.developer.gateway".to_owned(),
        version: VERSION.to_owned(),
        profiles: profiles.to_vec(),
        ribbon: Some("dev".to_owned()),
    }
}

/// Names the groups where the Java gateway does.
pub(crate) fn named(management: Management) -> Management {
    GROUPS.into_iter().fold(management, |management, (group, what)| {
        management.open_api_group(group, &format!("{NAME} ({what})"))
    })
}

/// The document of each group.
pub(crate) fn documents() -> Vec<ApiGroup> {
    let documents = [resources(), management::document(TITLE, DOCUMENT_VERSION, LEFT_OUT)];
    let group = |((name, _), document): ((&'static str, &str), Value)| ApiGroup {
        name: name.into(),
        document,
    };
    GROUPS.into_iter().zip(documents).map(group).collect()
}

fn resources() -> Value {
    const JSON: &str = "application/json";
    let text = json!({ "type": "string" });
    let object = |properties: Value| json!({ "type": "object", "properties": properties });
    let info = object(json!({ "issuer": text, "clientId": text }));
    let left = object(json!({ "logoutUrl": text }));
    let account = json!({ "$ref": "#/components/schemas/AdminUserDTO" });
    json!({
        "openapi": "3.0.1",
        "info": {
            "title": "Gateway API",
            "description": "Gateway API documentation",
            "termsOfService": "",
            "contact": { "name": "", "url": "", "email": "" },
            "license": { "name": "unlicensed", "url": "" },
            "version": DOCUMENT_VERSION,
        },
        "servers": [{ "url": "/", "description": "Generated server url" }],
        "paths": {
            "/api/account": { "get": operation("account-resource", "getAccount", JSON, &account) },
            "/api/auth-info": { "get": operation("auth-info-resource", "getAuthInfo", JSON, &info) },
            "/api/authenticate": {
                "get": operation("account-resource", "isAuthenticated", "text/plain", &text),
            },
            "/api/logout": { "post": operation("logout-resource", "logout", JSON, &left) },
        },
        "components": { "schemas": { "AdminUserDTO": object(account_members()) } },
    })
}

/// The members of an account, in their order.
fn account_members() -> Value {
    let text = json!({ "type": "string" });
    let time = json!({ "type": "string", "format": "date-time" });
    json!({
        "id": text,
        "login": text,
        "firstName": text,
        "lastName": text,
        "email": text,
        "imageUrl": text,
        "activated": { "type": "boolean" },
        "langKey": text,
        "createdBy": text,
        "createdDate": time,
        "lastModifiedBy": text,
        "lastModifiedDate": time,
        "authorities": { "type": "array", "items": text },
    })
}

fn operation(tag: &str, id: &str, kind: &str, schema: &Value) -> Value {
    let ok = json!({ "description": "OK", "content": { kind: { "schema": schema } } });
    json!({ "tags": [tag], "operationId": id, "responses": { "200": ok } })
}
