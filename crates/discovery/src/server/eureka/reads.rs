//! Who is where.

use axum::{
    extract::{Path, State},
    response::Response,
};

use super::{
    answers::{self, hash_code},
    asked::Asked,
};
use crate::{instance::Instance, server::Registry};

pub(super) async fn apps(State(registry): State<Registry>, asked: Asked) -> Response {
    let listed = registry.leases().list(|_| true);
    answers::applications(asked, "1", &hash_code(&listed), listed)
}

pub(super) async fn delta(State(registry): State<Registry>, asked: Asked) -> Response {
    let now = registry.now();
    let (recent, all, changes) = {
        let mut leases = registry.leases();
        (leases.recent(now), leases.list(|_| true), leases.changes())
    };
    answers::applications(asked, &changes.to_string(), &hash_code(&all), recent)
}

pub(super) async fn app(
    State(registry): State<Registry>,
    Path(app): Path<String>,
    asked: Asked,
) -> Response {
    let app = app.to_uppercase();
    let listed = registry.leases().list_app(&app);
    answers::application(asked, &app, &listed)
}

pub(super) async fn instance(
    State(registry): State<Registry>,
    Path((app, id)): Path<(String, String)>,
    asked: Asked,
) -> Response {
    let listed = registry.leases().instance(&app.to_uppercase(), &id);
    answers::instance(asked, listed)
}

pub(super) async fn instance_anywhere(
    State(registry): State<Registry>,
    Path(id): Path<String>,
    asked: Asked,
) -> Response {
    let listed = registry.leases().instance_anywhere(&id);
    answers::instance(asked, listed)
}

pub(super) async fn vip(
    State(registry): State<Registry>,
    Path(vip): Path<String>,
    asked: Asked,
) -> Response {
    by_address(&registry, asked, &vip, |instance| instance.vip_address.as_deref())
}

pub(super) async fn secure_vip(
    State(registry): State<Registry>,
    Path(vip): Path<String>,
    asked: Asked,
) -> Response {
    by_address(&registry, asked, &vip, |instance| instance.secure_vip_address.as_deref())
}

fn by_address(
    registry: &Registry,
    asked: Asked,
    wanted: &str,
    address: impl Fn(&Instance) -> Option<&str>,
) -> Response {
    let is_named = |instance: &Instance| {
        address(instance).is_some_and(|names| names.split(',').any(|name| name == wanted))
    };
    let listed = registry.leases().list(is_named);
    answers::applications(asked, "-1", &hash_code(&listed), listed)
}
