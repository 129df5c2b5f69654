//! The other registries that this one shares its knowledge with, and how it stands with them.

use std::sync::Arc;

use ::pages::{Frame, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;
use discovery::server::{Peer, PeerState};

use super::{Pages, frame, visit::Administrator};
use crate::api::host_and_port;

#[derive(Template)]
#[template(path = "replicas.html")]
struct Page {
    frame: Frame,
    replicas: Vec<Replica>,
}

struct Replica {
    address: String,
    state: &'static str,
    tone: &'static str,
    waiting: usize,
}

impl Replica {
    fn of(peer: &Peer) -> Self {
        let (state, tone) = match peer.state {
            PeerState::Untried => ("not tried yet", ""),
            PeerState::Reached => ("reached", "tone-0"),
            PeerState::Away => ("away", "tone-1"),
            PeerState::Itself => ("this registry itself", ""),
        };
        let address = host_and_port(&peer.address);
        Replica { address, state, tone, waiting: peer.waiting }
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
) -> Result<Response, Problem> {
    let replicas = pages.registry.peers().iter().map(Replica::of).collect();
    page(&Page { frame: frame("Replicas", &visit), replicas })
}
