//! What is kept in memory keeps the promises of the port.

use database::Memory;

use crate::conformance;

#[tokio::test]
async fn keeps_every_promise_of_the_port() {
    let now = || "2026-11-24T10:00:00Z".parse().unwrap();
    conformance::all(Memory::new(now)).await;
}
