//! What is asked, how often and for how long; what a failure means.

use std::sync::atomic::AtomicUsize;

use serde_json::Value;

use super::*;

fn health(add: impl FnOnce(&mut Checks)) -> Health {
    let mut checks = Checks::default();
    add(&mut checks);
    checks.finish()
}

async fn check<F, T>(scope: Scope, queue: F, expected: Status, shown: &str)
where
    F: Fn() -> T + Send + Sync + 'static,
    T: Future<Output = anyhow::Result<Component>> + Send + 'static,
{
    let health = health(|checks| checks.add("queue", scope, queue));
    let report = health.report().await;
    assert_eq!(overall(report.components.values()), expected, "{shown}");
    assert_eq!(Value::Object(report.components["queue"].1.json("components")).to_string(), shown);
}

#[tokio::test(start_paused = true)]
async fn whatever_goes_wrong_with_a_check_is_down_with_a_reason() {
    let failing = || async { Err(anyhow::anyhow!("refused").context("ask the queue")) };
    let shown = r#"{"status":"DOWN","details":{"error":"ask the queue: refused"}}"#;
    check(Scope::Needed, failing, Status::Down, shown).await;
    let panicking = || async { panic!("boom") };
    let shown = r#"{"status":"DOWN","details":{"error":"the check panicked"}}"#;
    check(Scope::Needed, panicking, Status::Down, shown).await;
    let silent = std::future::pending;
    let shown = r#"{"status":"DOWN","details":{"error":"no answer within 2s"}}"#;
    check(Scope::Needed, silent, Status::Down, shown).await;
}

#[tokio::test]
async fn what_is_not_needed_takes_nothing_out_of_rotation() {
    let down = || async { Ok(Component::down("gone")) };
    let shown = r#"{"status":"DOWN","details":{"error":"gone"}}"#;
    check(Scope::Optional, down, Status::Up, shown).await;
    check(Scope::Needed, down, Status::Down, shown).await;
}

#[tokio::test(start_paused = true)]
async fn everybody_is_asked_at_once_and_not_more_often_than_once_a_second() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = asked.clone();
    let health = health(|checks| {
        checks.add("queue", Scope::Needed, move || {
            counting.fetch_add(1, Ordering::Relaxed);
            async {
                tokio::time::sleep(PATIENCE - Duration::from_millis(1)).await;
                Ok(Component::up())
            }
        });
        checks.add("shelf", Scope::Needed, std::future::pending);
    });
    let begun = Instant::now();
    let (first, second) = tokio::join!(health.report(), health.report());
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(begun.elapsed(), PATIENCE);
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    tokio::time::sleep(FRESH - Duration::from_millis(1)).await;
    assert!(Arc::ptr_eq(&first, &health.report().await));
    tokio::time::sleep(Duration::from_millis(1)).await;
    health.report().await;
    assert_eq!(asked.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn who_gives_up_waiting_leaves_nothing_behind_that_is_stuck() {
    let health = health(|checks| checks.add("queue", Scope::Needed, std::future::pending));
    let given_up = timeout(Duration::from_millis(10), health.report()).await;
    assert!(given_up.is_err());
    let begun = Instant::now();
    assert_eq!(health.report().await.components["queue"].1.status(), Status::Down);
    assert!(begun.elapsed() <= PATIENCE, "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_leaves_is_not_ready() {
    let health = health(|_| {});
    assert_eq!(health.report().await.components["readinessState"].1.status(), Status::Up);
    health.leave();
    tokio::time::sleep(FRESH).await;
    assert_eq!(health.report().await.components["readinessState"].1.status(), Status::OutOfService);
}
