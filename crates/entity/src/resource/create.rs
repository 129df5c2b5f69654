//! Making a new entity, and making it once only for those who send an `Idempotency-Key`.

use std::sync::Arc;

use axum::{
    Extension,
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::Response,
};
use chassis::{Problem, http::CallerName};
use database::{Changes, Id, Value, Write};

use super::{Change, Resource, away, request};
use crate::{
    idempotency::{Kept, Key},
    tag::Tag,
};

pub(super) async fn create(
    State(resource): State<Arc<Resource>>,
    caller: Option<Extension<CallerName>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (id, values) = resource.submitted(&headers, body).await?;
    if id.is_some() {
        let title = format!("A new {} cannot already have an ID", resource.entity.object_name());
        return Err(resource.business("idexists", title));
    }
    resource.fitting(&values)?;
    let caller = caller.map(|Extension(CallerName(name))| name);
    let key = resource.keys.key(&headers, caller.as_deref().unwrap_or_default())?;
    request::acceptable(&headers)?;
    match key {
        Some(key) => resource.create_once(&key, &values).await,
        None => {
            let created = resource.insert(&values, None).await?;
            created.ok_or_else(Problem::concurrency)
        }
    }
}

/// A key, and what was sent with it.
struct Use<'a> {
    key: &'a Key,
    fingerprint: String,
}

impl Resource {
    /// Answers as the first time when it was done before with this key, and makes the entity otherwise.
    async fn create_once(&self, key: &Key, values: &[Value]) -> Result<Response, Problem> {
        // The id is not part of what was asked for.
        let fingerprint = Tag::of(&self.text(&Id::Integer(0), values)).to_string();
        let once = Use { key, fingerprint };
        let _running = self.keys.begin(key).ok_or_else(|| {
            let detail = "A request with this Idempotency-Key is still being handled";
            Problem::new(StatusCode::CONFLICT, detail)
        })?;
        if let Some(answer) = self.known(&once, values).await? {
            return Ok(answer);
        }
        match self.insert(values, Some(&once)).await? {
            Some(created) => Ok(created),
            // Another instance of this service was faster with the same key.
            None => self.known(&once, values).await?.ok_or_else(Problem::concurrency),
        }
    }

    /// The answer of the first time, if there was one.
    async fn known(&self, once: &Use<'_>, values: &[Value]) -> Result<Option<Response>, Problem> {
        match self.keys.find(once.key).await.map_err(away)? {
            None => Ok(None),
            Some(kept) if kept.fingerprint == once.fingerprint => {
                Ok(Some(self.created(&kept.id, values)))
            }
            Some(_) => {
                let detail = "This Idempotency-Key was used before for another body";
                Err(Problem::unprocessable(detail))
            }
        }
    }

    /// Makes a new entity, and remembers for what a key was used; nothing when a row of either is there already.
    async fn insert(
        &self,
        values: &[Value],
        once: Option<&Use<'_>>,
    ) -> Result<Option<Response>, Problem> {
        let id = self.ids.next().await.map_err(away)?;
        let (table, new) = (self.table.clone(), id.clone());
        let mut changes =
            Changes::new().write(Write::Insert { table, id: new, values: values.to_vec() });
        if let Some(Use { key, fingerprint }) = once {
            let kept = Kept { id: id.clone(), fingerprint: fingerprint.clone() };
            changes = changes.write(self.keys.remember(key, &kept, self.outside.now()));
        }
        if !self.commit(changes, Change::Created(self.json(&id, values))).await? {
            return Ok(None);
        }
        self.log("created", &id);
        Ok(Some(self.created(&id, values)))
    }

    fn created(&self, id: &Id, values: &[Value]) -> Response {
        let mut response = self.changed(StatusCode::CREATED, "created", id, values);
        let location = format!("{}/{}", self.path(), request::url_encoded(&id.to_string()));
        if let Ok(location) = HeaderValue::try_from(location) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        response
    }
}
