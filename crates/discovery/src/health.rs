//! Who else is registered, as a component of health, in the form that Spring gives it (contract §8).

use std::{collections::BTreeMap, sync::Arc};

use chassis::management::{Component, Status};
use serde_json::Value;

use crate::Instance;

/// The component `discoveryComposite`: the services that are registered, and how many instances each has.
pub fn composite(instances: &[Arc<Instance>]) -> Component {
    let mut applications: BTreeMap<String, u32> = BTreeMap::new();
    for instance in instances {
        *applications.entry(instance.app.to_uppercase()).or_default() += 1;
    }
    let services: Vec<String> = applications.keys().map(|app| app.to_lowercase()).collect();
    let client = Component::up().with_detail("services", services);
    let applications = applications.into_iter().map(|(app, count)| (app, Value::from(count)));
    let eureka = Component::up()
        .described("Remote status from Eureka server")
        .with_detail("applications", Value::Object(applications.collect()));
    Component::new(Status::Up)
        .with_component("discoveryClient", client)
        .with_component("eureka", eureka)
}
