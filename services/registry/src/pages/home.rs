//! The first page: how the registry is, who is there, what happened last.

use std::{collections::BTreeMap, sync::Arc};

use ::pages::{Frame, page};
use askama::Template;
use axum::{extract::State, response::Response};
use chassis::Problem;

use super::{
    Pages, frame,
    shown::{Line, Past},
    visit::Administrator,
};
use crate::{
    api::{forgetful, up_time},
    history::Period,
    machine,
};

/// How many events are shown.
const EVENTS: usize = 10;
/// How many instances that take no requests are shown; all are on the page of the applications.
const AWAY: usize = 20;

#[derive(Template)]
#[template(path = "home.html")]
struct Home {
    frame: Frame,
    figures: Vec<(&'static str, String)>,
    applications: Vec<Summary>,
    away: Vec<Line>,
    events: Vec<Past>,
}

/// An application at a glance.
struct Summary {
    name: String,
    up: usize,
    total: usize,
}

impl Summary {
    fn tone(&self) -> &'static str {
        match self.up {
            0 => "tone-1",
            up if up < self.total => "tone-2",
            _ => "tone-0",
        }
    }
}

pub(super) async fn show(
    State(pages): State<Arc<Pages>>,
    Administrator(visit): Administrator,
) -> Result<Response, Problem> {
    let instances = pages.registry.instances();
    let mut applications: BTreeMap<&str, Summary> = BTreeMap::new();
    for instance in &instances {
        let summary = applications.entry(&instance.app).or_insert_with(|| Summary {
            name: ::pages::brief(&instance.app),
            up: 0,
            total: 0,
        });
        summary.total += 1;
        summary.up += usize::from(instance.is_up());
    }
    let up = instances.iter().filter(|instance| instance.is_up()).count();
    let interface = &pages.interface;
    let memory = machine::memory().used / 1024 / 1024;
    let figures = vec![
        ("Running for (h:min)", up_time(interface.started, interface.outside.now())),
        ("Applications", applications.len().to_string()),
        ("Instances that take requests", format!("{up} of {}", instances.len())),
        ("Other registries", pages.registry.peers().len().to_string()),
        ("Memory", format!("{memory} MiB")),
    ];
    let (events, _) = pages.history.happened(&Period::default()).await.map_err(forgetful)?;
    page(&Home {
        frame: frame("Home", &visit),
        figures,
        away: instances
            .iter()
            .filter(|instance| !instance.is_up())
            .take(AWAY)
            .map(|instance| Line::of(instance))
            .collect(),
        applications: applications.into_values().collect(),
        events: events.iter().take(EVENTS).map(Past::of).collect(),
    })
}
