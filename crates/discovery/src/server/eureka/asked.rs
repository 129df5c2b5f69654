//! What a request says about who asks and how the answer should be written.

use std::{convert::Infallible, net::SocketAddr};

use axum::{
    body::Body,
    extract::{ConnectInfo, FromRequestParts},
    http::{Extensions, HeaderMap, StatusCode, header, request::Parts},
    response::{IntoResponse, Response},
};

use crate::{instance::Form, server::Origin};

/// With this header a registry passes on what a client told it.
pub(in crate::server) const REPLICATION: &str = "x-netflix-discovery-replication";
const ACCEPT: &str = "x-eureka-accept";

/// Who asks, and how the answer should be written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked {
    pub(super) form: Form,
    /// Whether only the members that are needed to reach an instance are wanted.
    pub(super) compact: bool,
    pub(super) origin: Origin,
}

impl<S: Sync> FromRequestParts<S> for Asked {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Asked::by(&parts.headers, &parts.extensions))
    }
}

impl Asked {
    pub(super) fn by(headers: &HeaderMap, extensions: &Extensions) -> Self {
        let caller = extensions.get::<ConnectInfo<SocketAddr>>();
        let form =
            if contains(headers, header::ACCEPT.as_str(), "json") { Form::Json } else { Form::Xml };
        let origin = match contains(headers, REPLICATION, "true") {
            true => Origin::Peer,
            false => Origin::Client(caller.map(|caller| caller.0.ip())),
        };
        Asked { form, compact: contains(headers, ACCEPT, "compact"), origin }
    }

    pub(super) fn is_from_peer(self) -> bool {
        self.origin == Origin::Peer
    }

    /// An answer in the form that was asked for.
    pub(super) fn answer(self, status: StatusCode, body: impl Into<Body>) -> Response {
        let kind = match self.form {
            Form::Json => "application/json",
            Form::Xml => "application/xml",
        };
        (status, [(header::CONTENT_TYPE, kind)], body.into()).into_response()
    }

    /// An answer without a body.
    pub(super) fn empty(self, status: StatusCode) -> Response {
        self.answer(status, String::new())
    }

    /// 200 or 404.
    pub(super) fn found(self, there: bool) -> Response {
        self.empty(if there { StatusCode::OK } else { StatusCode::NOT_FOUND })
    }
}

fn contains(headers: &HeaderMap, name: &str, part: &str) -> bool {
    let values = headers.get_all(name).iter();
    values.filter_map(|value| value.to_str().ok()).any(|value| {
        let mut parts = value.as_bytes().windows(part.len());
        parts.any(|text| text.eq_ignore_ascii_case(part.as_bytes()))
    })
}
