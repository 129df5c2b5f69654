//! What the registry says of itself: who it is, how its parts are, and the OpenAPI document of its own interface.

use axum::{Json, http::HeaderMap};
use chassis::management::{self, About, Component, Management, Scope};
use discovery::{Registry, server::ConfigServer};
use serde_json::{Value, json};

use crate::{NAME, api::sources};

/// The registry whose place this one takes.
const VERSION: &str = "7.3.0";
/// The label that the original's pages show.
pub(crate) const LABEL: &str = "main";
/// The management endpoints that the registry does not have, by their operation ids.
const LEFT_OUT: &[&str] = &["caches", "caches-cache", "liquibase", "jhiopenapigroups"];
/// For whom configuration is asked, to see whether it can be: the original's health does the same.
const SOMEBODY: (&str, &str) = ("app", "default");

/// An operation: path, method, tag, name, the names of what may be asked for, and whether the answer is text.
type Operation =
    (&'static str, &'static str, &'static str, &'static str, &'static [&'static str], bool);

/// What people can ask of the registry itself. Those of the original come first, in its order.
#[rustfmt::skip]
const OPERATIONS: [Operation; 14] = [
    ("/api/logout", "post", "logout-resource", "logout", &[], false),
    ("/api/authenticate", "get", "account-resource", "isAuthenticated", &[], true),
    ("/api/ssh/public_key", "get", "ssh-resource", "getSshPublicKey", &[], true),
    ("/api/eureka/status", "get", "eureka-resource", "eurekaStatus", &[], false),
    ("/api/eureka/replicas", "get", "eureka-resource", "replicas", &[], false),
    ("/api/eureka/lastn", "get", "eureka-resource", "lastn", &[], false),
    ("/api/eureka/applications", "get", "eureka-resource", "eureka", &[], false),
    ("/api/auth-info", "get", "auth-info-resource", "getAuthInfo", &[], false),
    ("/api/account", "get", "account-resource", "getAccount", &[], false),
    ("/api/profile-info", "get", "profile-info-resource", "getActiveProfiles", &[], false),
    ("/api/config/sources", "get", "config-resource", "getSources", &[], false),
    ("/api/config/effective", "get", "config-resource", "getEffective", &["application", "profile", "label"], false),
    ("/api/config/difference", "get", "config-resource", "getDifference", &["application", "profile", "from", "to"], false),
    ("/api/history", "get", "history-resource", "getHistory", &["at", "from", "to", "app"], false),
];

/// What the registry says of itself, when it behaves like these profiles of Spring.
pub fn about(profiles: &[String]) -> About {
    About {
        name: NAME.to_owned(),
        title: "JHipster Registry".to_owned(),
        artifact: NAME.to_owned(),
        group: "tech.jhipster.registry".to_owned(),
        version: VERSION.to_owned(),
        profiles: profiles.to_vec(),
        ribbon: None,
    }
}

/// Adds what is known of the parts: where configuration comes from and whether it can be read, and who is registered.
pub(crate) fn described(
    management: Management,
    registry: Registry,
    config: ConfigServer,
) -> Management {
    let management = management
        .info("cloud-config-label", LABEL.into())
        .info("cloud-config-server-configuration-sources", sources(&config));
    let management = management.component("discoveryComposite", Scope::Optional, move || {
        let instances = registry.instances();
        async move { Ok(discovery::health::composite(&instances)) }
    });
    management.component("configServer", Scope::Optional, move || {
        let config = config.clone();
        async move { served(&config).await }
    })
}

/// What somebody is told. A repository that is away is named, but does not count: what was fetched last is served.
async fn served(config: &ConfigServer) -> anyhow::Result<Component> {
    let (name, profile) = SOMEBODY;
    let told = config.sources(name, profile, None).await?;
    let names: Vec<String> = told.into_iter().map(|source| source.name).collect();
    let all = json!({ "sources": names, "name": name, "profiles": [profile], "label": null });
    let component = Component::up().with_detail("repositories", json!([all]));
    let trouble = config.state().into_iter().filter_map(|state| state.trouble);
    let trouble: Vec<String> = trouble.collect();
    Ok(if trouble.is_empty() { component } else { component.with_detail("trouble", trouble) })
}

/// `GET /v3/api-docs`: the registry's own interface. Eureka's and Config's are not in it, as in the original.
pub(crate) async fn document(headers: HeaderMap) -> Json<Value> {
    let mut document = management::document("JHipster Registry", VERSION, LEFT_OUT);
    let own = OPERATIONS.iter().map(|(path, method, tag, id, parameters, is_text)| {
        ((*path).to_owned(), json!({ *method: operation(tag, id, parameters, *is_text) }))
    });
    let management = document["paths"].as_object().cloned().unwrap_or_default();
    document["paths"] = own.chain(management).collect();
    document["info"]["title"] = "JHipster Registry API".into();
    document["info"]["description"] = "JHipster Registry API documentation".into();
    document["servers"][0]["url"] = chassis::http::base_address(&headers).into();
    Json(document)
}

fn operation(tag: &str, id: &str, parameters: &[&str], is_text: bool) -> Value {
    let (kind, schema) =
        if is_text { ("text/plain", "string") } else { ("application/json", "object") };
    let content = json!({ kind: { "schema": { "type": schema } } });
    let mut operation = json!({ "tags": [tag], "operationId": id });
    if !parameters.is_empty() {
        let parameter = |name: &&str| {
            let is_needed = matches!(*name, "application" | "profile");
            json!({ "name": name, "in": "query", "required": is_needed, "schema": { "type": "string" } })
        };
        operation["parameters"] = parameters.iter().map(parameter).collect();
    }
    operation["responses"] = json!({ "200": { "description": "OK", "content": content } });
    operation
}
