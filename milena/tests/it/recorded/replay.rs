//! Asks a system everything that the originals were asked, in order, and judges each answer.

mod callers;
pub(crate) mod case;
mod compare;
mod differences;
pub(crate) mod exchange;
mod known;

use serde_json::Value;

pub(crate) use self::{
    callers::Callers,
    differences::{DIFFERENCES, Databases, Difference, Judgement},
    known::Known,
};
use self::{
    case::{Case, Request},
    compare::Deviation,
    differences::judge,
    exchange::{Head, Reply, ask, ask_briefly},
};
use crate::support::{Caller, Running};

/// A group of recorded cases.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What the cases are about.
    pub(crate) about: &'static str,
    /// Whose address they are sent to.
    service: Service,
}

/// A service that is asked.
#[derive(Clone, Copy)]
enum Service {
    Store,
    Alert,
}

/// Every group, in the order in which they are replayed: the state of one may be seen by a later one.
pub(crate) const GROUPS: [Group; 7] = [
    group("tokens-store", "bearer tokens", Service::Store),
    group("alert", "REST of alert", Service::Alert),
    group("store", "REST of store", Service::Store),
    group("management-store", "management and OpenAPI of store", Service::Store),
    group("management-alert", "management and OpenAPI of alert", Service::Alert),
    group("sse-store", "server-sent events of store", Service::Store),
    group("sse-alert", "server-sent events of alert", Service::Alert),
];

const fn group(name: &'static str, about: &'static str, service: Service) -> Group {
    Group { name, about, service }
}

/// A case and what came of it.
pub(crate) struct Outcome {
    pub(crate) case: Case,
    pub(crate) judgement: Judgement,
}

/// Replays every case of every group at a system that is new.
pub(crate) async fn all(system: &Running, databases: Databases) -> Vec<Outcome> {
    let callers = Callers::of(system).await;
    let mut outcomes = Vec::new();
    for group in &GROUPS {
        let address = match group.service {
            Service::Store => &system.at.store,
            Service::Alert => &system.at.alert,
        };
        let cases = case::of(group.name);
        if group.name == "alert" {
            seed(&cases, &system.admin().await).await;
        }
        let mut known = Known::at(address);
        callers.introduce(&mut known);
        for case in cases {
            let (status, deviations) = replay(&case, address, &callers, &mut known).await;
            let judgement = judge(&case, databases, status, &deviations);
            outcomes.push(Outcome { case, judgement });
        }
    }
    callers.leave().await;
    outcomes
}

/// Everything that is neither as recorded nor different on purpose, with what was expected and what came.
pub(crate) fn open(outcomes: &[Outcome]) -> Vec<String> {
    let open = outcomes.iter().filter_map(|outcome| match &outcome.judgement {
        Judgement::Open(how) => Some(format!("{}\n{how}", outcome.case.title())),
        Judgement::Same | Judgement::OnPurpose => None,
    });
    open.collect()
}

/// How the head of an answer is not as recorded.
pub(crate) fn head_deviations(recorded: &Head, came: &Head) -> Vec<String> {
    let found = compare::head(recorded, came).into_iter();
    found.map(|Deviation { part, text }| format!("{part:?}: {text}")).collect()
}

/// Before its first case the original had rows from other traffic: that case shows them.
async fn seed(cases: &[Case], admin: &Caller) {
    let rows: Vec<Value> = serde_json::from_str(&cases[0].answer.body).unwrap();
    for mut row in rows {
        let recorded = row.as_object_mut().unwrap().shift_remove("id");
        let made = admin.send(reqwest::Method::POST, &admin.store_alerts(), &row).await;
        assert_eq!(
            Some(&made.expect(201).json()["id"]),
            recorded.as_ref(),
            "ids are handed out alike"
        );
    }
}

/// Asks, keeps what later cases need, and compares. Answers the status that came, too.
async fn replay(
    case: &Case,
    address: &str,
    callers: &Callers<'_>,
    known: &mut Known,
) -> (u16, Vec<Deviation>) {
    if !case.token.is_null() {
        known.keep("jwt", callers.mint(&case.token));
    }
    let request = known.request(&case.request);
    let reply = match case.answer.head.status {
        0 => ask_briefly(address, &request).await,
        _ => ask(address, &request).await,
    };
    let plain = match case.answer.bytes.is_some() {
        true => Some(ask(address, &uncompressed(request)).await),
        false => None,
    };
    keep(case, &reply, known);
    let recorded = known.recorded(&case.answer);
    (reply.head.status, compare::deviations(case, &recorded, &reply, plain.as_ref()))
}

fn uncompressed(mut request: Request) -> Request {
    request.headers.retain(|(name, _)| !name.eq_ignore_ascii_case("accept-encoding"));
    request
}

/// Keeps what a case says that later cases use.
fn keep(case: &Case, reply: &Reply, known: &mut Known) {
    let body: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    for (name, path) in &case.save {
        let member = path.strip_prefix("$.").unwrap_or_else(|| panic!("{path} is no member"));
        match &body[member] {
            Value::Null => {}
            Value::String(text) => known.keep(name, text.clone()),
            other => known.keep(name, other.to_string()),
        }
    }
}
