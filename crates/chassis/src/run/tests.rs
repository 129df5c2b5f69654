//! Who is told to stop when, and what becomes of who does not.

use std::{
    future::pending,
    sync::{Arc, Mutex},
};

use super::*;

type Said = Arc<Mutex<Vec<&'static str>>>;

fn dying(name: &'static str) -> Service {
    Service::new(name).background("consume", |_| async { Err(anyhow!("disk full")) })
}

/// A service that takes a while to stop, and says when it has.
fn slow(name: &'static str, takes: Duration, said: &Said) -> Service {
    let said = said.clone();
    Service::new(name).background("relay", move |stop| async move {
        stop.cancelled().await;
        tokio::time::sleep(takes).await;
        said.lock().unwrap().push(name);
        Ok(())
    })
}

fn stuck(name: &'static str) -> Service {
    Service::new(name).background("relay", |_| pending())
}

#[tokio::test]
async fn a_loop_that_dies_ends_the_run_by_name() {
    let healthy = slow("orders", Duration::ZERO, &Said::default());
    let outcome = run(vec![vec![healthy, dying("letters")]], Stop::new()).await.unwrap_err();
    assert_eq!(format!("{outcome:#}"), "letters: consume failed: disk full");
}

#[tokio::test]
async fn a_loop_that_returns_early_ends_the_run_too() {
    let leaving = Service::new("letters").background("consume", |_| async { Ok(()) });
    let outcome = run(vec![vec![leaving]], Stop::new()).await.unwrap_err();
    assert_eq!(outcome.to_string(), "letters: consume ended although nobody asked it to");
}

#[tokio::test]
async fn a_loop_that_panics_ends_the_run_by_name() {
    let crashing = Service::new("letters").background("consume", |_| async { panic!("boom") });
    let outcome = run(vec![vec![crashing]], Stop::new()).await.unwrap_err();
    assert_eq!(outcome.to_string(), "letters: consume crashed");
}

#[tokio::test(start_paused = true)]
async fn a_stage_stops_when_the_one_before_has() {
    for stopped in [true, false] {
        let (said, stop) = (Said::default(), Stop::new());
        let second = Duration::from_secs(1);
        let mut stages = vec![
            vec![slow("first", second, &said)],
            vec![slow("second", second / 2, &said)],
            vec![slow("third", Duration::ZERO, &said)],
        ];
        if stopped {
            stop.cancel();
        } else {
            stages[2].push(dying("letters"));
        }
        let outcome = run(stages, stop.clone()).await;
        assert_eq!((outcome.is_ok(), stop.is_cancelled()), (stopped, true));
        assert_eq!(*said.lock().unwrap(), ["first", "second", "third"]);
    }
}

#[tokio::test(start_paused = true)]
async fn who_does_not_finish_is_cut_off_and_leaves_time_for_the_rest() {
    let (said, stop) = (Said::default(), Stop::new());
    stop.cancel();
    let begun = Instant::now();
    let almost = Duration::from_millis(1900);
    run(vec![vec![stuck("a")], vec![stuck("b")], vec![slow("c", almost / 2, &said)]], stop)
        .await
        .unwrap();
    assert_eq!(*said.lock().unwrap(), ["c"]);
    assert!(begun.elapsed() <= DRAIN, "{:?}", begun.elapsed());

    let (begun, stop) = (Instant::now(), Stop::new());
    stop.cancel();
    let stages = ["a", "b", "c"].map(|name| vec![stuck(name)]);
    run(stages.into(), stop).await.unwrap();
    assert!(begun.elapsed() <= DRAIN + Duration::from_millis(500), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_rotation_is_left_before_anything_else_stops_but_not_waited_for_for_ever() {
    let (said, stop) = (Said::default(), Stop::new());
    stop.cancel();
    let left = said.clone();
    let service =
        slow("work", Duration::ZERO, &said).in_rotation("registration", |stop| async move {
            stop.cancelled().await;
            tokio::time::sleep(Duration::from_millis(900)).await;
            left.lock().unwrap().push("left");
            Ok(())
        });
    run(vec![vec![service]], stop.clone()).await.unwrap();
    assert_eq!(*said.lock().unwrap(), ["left", "work"]);

    let begun = Instant::now();
    let service = slow("work", Duration::ZERO, &said).in_rotation("registration", |_| pending());
    run(vec![vec![service]], stop).await.unwrap();
    assert_eq!(said.lock().unwrap().last(), Some(&"work"));
    assert_eq!(begun.elapsed(), LEAVING);
}
