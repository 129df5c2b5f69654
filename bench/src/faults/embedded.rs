//! The whole system in one process with embedded parts, but for the mail server.

use std::{sync::Arc, time::Duration};

use super::{
    post::Post,
    proxy::Proxy,
    schedule::{Schedule, Shape},
    system::{Process, Setting, System},
};
use crate::program::Program;

const CALLERS: &str = "callers-store";
const MAIL: &str = "alert-mail";

/// The usual topic.
const TOPIC: &str = "store-alerts-topic";

/// What can be disturbed. Broker and databases die with the process.
pub(crate) const SHAPE: Shape = Shape {
    processes: &["system"],
    links: &[CALLERS, MAIL],
    servers: &[],
    traffic: (1_500, 3_000),
    still: Duration::from_millis(300),
};

/// Nothing is started yet.
pub(crate) async fn system(setting: Setting, schedule: &Schedule) -> anyhow::Result<System> {
    let post = Arc::new(Post::open().await?);
    let door = || Proxy::open().map(Arc::new);
    let (callers, mail, reading) = (door()?, door()?, door()?);
    mail.lead_to(Some(post.address()));
    let mut program = Program::new(
        setting.program.clone(),
        &setting.folder,
        &["up", "--ports", "0", "--log-format", "json"],
    )
    .mailing_to(mail.address())
    .with("MILENA_BROKER_PARTITIONS", schedule.partitions.to_string());
    program = super::configured(program, &setting, schedule, TOPIC);
    let doors = vec![("store", Arc::clone(&callers)), ("alert", Arc::clone(&reading))];
    Ok(System {
        processes: vec![Process::new("system", program, doors)],
        stores: vec![format!("http://{}", callers.address())],
        alert: format!("http://{}", reading.address()),
        links: vec![(CALLERS, callers), (MAIL, mail)],
        post,
        servers: None,
        database: None,
    })
}
