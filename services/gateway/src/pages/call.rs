//! Calls of the pages to the services, and what a service says when it refuses.

use ::pages::{Visit, shortened};
use axum::http::{HeaderMap, Method, StatusCode};
use bytes::Bytes;
use chassis::Problem;
use discovery::CallError;
use serde_json::{Map, Value};

use tracing::warn;

use super::Pages;
use crate::form::FieldError;

/// How many wrong fields of one answer are shown.
const ERRORS: usize = 100;

/// A service's answer.
pub(crate) struct Answer {
    pub(crate) service: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    body: Bytes,
}

/// What is told to the person whose request was refused.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) title: String,
    pub(crate) detail: String,
    pub(crate) fields: Vec<FieldError>,
}

/// A change that was not made: the status to answer, and what to tell.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) failure: Failure,
}

/// A service that did not answer, or answers with more than is read.
pub(crate) struct Away {
    service: String,
    cause: CallError,
}

impl Pages {
    /// Calls a service in the visitor's name.
    pub(crate) async fn call(
        &self,
        visit: &Visit,
        service: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Answer, Away> {
        let called =
            self.forwarder.call(service, method, path, Some(visit.token.expose()), body).await;
        let (status, headers, body) =
            called.map_err(|cause| Away { service: service.to_owned(), cause })?;
        Ok(Answer { service: service.to_owned(), status, headers, body })
    }
}

impl From<Away> for Problem {
    fn from(away: Away) -> Self {
        if away.is_too_much() {
            warn!(service.name = %away.service, "{:#}", away.cause);
            return Problem::new(StatusCode::BAD_GATEWAY, away.sentence());
        }
        Problem::unavailable(away.sentence(), away.cause)
    }
}

impl Away {
    /// Tells whether the service is there and its answer is the trouble.
    pub(crate) fn is_too_much(&self) -> bool {
        matches!(self.cause, CallError::TooLarge(_))
    }

    fn sentence(&self) -> String {
        let service = &self.service;
        if self.is_too_much() {
            return format!("The service {service} answers with more than a page can show.");
        }
        format!(
            "The service {service} does not answer. It may be starting or stopped; try again in a few seconds."
        )
    }

    /// What a page tells that asked for a change. Whether it was made is not known: the answer may be all that was lost.
    pub(crate) fn refusal(self) -> Refusal {
        let service = &self.service;
        warn!(service.name = %service, "a change at {service} was not confirmed: {:#}", self.cause);
        let failure = Failure {
            title: "Not confirmed".to_owned(),
            detail: self.sentence(),
            fields: Vec::new(),
        };
        Refusal { status: StatusCode::SERVICE_UNAVAILABLE, failure }
    }
}

impl Answer {
    /// The JSON of a good answer; everything else is a problem.
    pub(crate) fn json(&self) -> Result<Value, Problem> {
        let service = &self.service;
        match self.status {
            status if status.is_success() => serde_json::from_slice(&self.body).map_err(|_| {
                Problem::new(StatusCode::BAD_GATEWAY, format!("The service {service} sent no JSON"))
            }),
            StatusCode::UNAUTHORIZED => {
                let detail = format!(
                    "The service {service} does not accept your sign-in. Sign out and in again."
                );
                Err(Problem::new(StatusCode::UNAUTHORIZED, detail))
            }
            StatusCode::FORBIDDEN => Err(Problem::new(StatusCode::FORBIDDEN, "Access Denied")),
            StatusCode::NOT_FOUND => Err(Problem::not_found()),
            status => {
                let Failure { title, detail, .. } = self.failure();
                let text = format!("The service {service} answered {status}: {title} {detail}");
                Err(Problem::new(StatusCode::BAD_GATEWAY, text.trim_end()))
            }
        }
    }

    /// The JSON object of a good answer.
    pub(crate) fn object(&self) -> Result<Map<String, Value>, Problem> {
        match self.json()? {
            Value::Object(object) => Ok(object),
            _ => {
                let detail =
                    format!("The service {} sent something else than one entity", self.service);
                Err(Problem::new(StatusCode::BAD_GATEWAY, detail))
            }
        }
    }

    /// What a refusal says (contract §2.3).
    pub(crate) fn failure(&self) -> Failure {
        let problem: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        let title = text(&problem, "title");
        let fields = ["fieldErrors", "violations"]
            .into_iter()
            .filter_map(|member| problem.get(member)?.as_array());
        Failure {
            title: if title.is_empty() {
                format!("{} answered {}", self.service, self.status)
            } else {
                title
            },
            detail: text(&problem, "detail"),
            fields: fields.flatten().take(ERRORS).map(field_error).collect(),
        }
    }

    /// Tells whether the service made the change that it was asked for. The caller's mistakes are handed on as such,
    /// all others are the service's.
    pub(crate) fn accepted(&self) -> Result<(), Refusal> {
        if self.status.is_success() {
            return Ok(());
        }
        let status =
            if self.status.is_client_error() { self.status } else { StatusCode::BAD_GATEWAY };
        Err(Refusal { status, failure: self.failure() })
    }
}

fn field_error(error: &Value) -> FieldError {
    FieldError { field: text(error, "field"), message: text(error, "message") }
}

fn text(value: &Value, member: &str) -> String {
    value.get(member).and_then(Value::as_str).map(shortened).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(body: &'static str) -> Failure {
        let body = Bytes::from_static(body.as_bytes());
        let status = StatusCode::BAD_REQUEST;
        Answer { service: "library".into(), status, headers: HeaderMap::new(), body }.failure()
    }

    #[test]
    fn refusals_of_every_shape_are_understood() {
        let wrong =
            || vec![FieldError { field: "name".into(), message: "must not be null".into() }];
        for (body, title, detail, fields) in [
            (
                r#"{"title":"Method argument not valid","fieldErrors":[{"objectName":"book","field":"name","message":"must not be null"}]}"#,
                "Method argument not valid",
                "",
                wrong(),
            ),
            (
                r#"{"title":"Constraint Violation","violations":[{"field":"name","message":"must not be null"}]}"#,
                "Constraint Violation",
                "",
                wrong(),
            ),
            (
                r#"{"title":"Conflict","detail":"somebody was faster"}"#,
                "Conflict",
                "somebody was faster",
                vec![],
            ),
            ("<html>", "library answered 400 Bad Request", "", vec![]),
            ("", "library answered 400 Bad Request", "", vec![]),
        ] {
            let expected = Failure { title: title.into(), detail: detail.into(), fields };
            assert_eq!(failure(body), expected, "{body}");
        }
    }
}
