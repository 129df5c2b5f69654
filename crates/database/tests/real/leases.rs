//! One relay at a time has an outbox channel, whatever becomes of it or of the server.

use std::time::{Duration, Instant};

use database::{Changes, Database};
use tokio::time::{sleep, timeout};

use crate::conformance::message;

/// A holder that is gone keeps its lease until its time is over, and no longer.
pub(crate) async fn a_holder_that_dies_is_succeeded<D: Database>(holder: D, other: &dyn Database) {
    const TIME: Duration = Duration::from_millis(1500);
    let begun = Instant::now();
    let first = holder.lease("dying", "holder", TIME).await.unwrap().unwrap();
    drop(holder);
    let mut second = None;
    crate::until("the lease is over", async || {
        second = other.lease("dying", "other", TIME).await.unwrap();
        second.is_some()
    })
    .await;
    let took = begun.elapsed();
    assert!(second > Some(first));
    assert!(TIME <= took && took < TIME + Duration::from_secs(1), "{took:?}");
}

/// Who has slept through the end of its lease removes nothing, and what it removes later it has a new lease for.
pub(crate) async fn who_wakes_up_late_removes_nothing(late: &dyn Database, other: &dyn Database) {
    late.commit(Changes::new().send(message("m", "late", "k"))).await.unwrap();
    let (position, _) = late.unsent("late", 0, 10).await.unwrap().remove(0);
    let lost = late.lease("late", "late", Duration::from_millis(50)).await.unwrap().unwrap();
    // Nobody has taken it yet: late, but not too late.
    sleep(Duration::from_millis(60)).await;
    assert!(late.sent("late", &[], lost).await.unwrap());
    let held = other.lease("late", "other", Duration::from_secs(60)).await.unwrap().unwrap();
    assert!(!late.sent("late", &[position], lost).await.unwrap());
    assert_eq!(other.unsent("late", 0, 10).await.unwrap().len(), 1);
    other.release("late", held).await.unwrap();
    let again = late.lease("late", "late", Duration::from_secs(60)).await.unwrap().unwrap();
    assert!(again > held && held > lost);
    assert!(!late.sent("late", &[position], lost).await.unwrap());
    assert!(late.sent("late", &[position], again).await.unwrap());
    assert_eq!(other.unsent("late", 0, 10).await.unwrap(), []);
}

/// While the server is frozen nobody gets a lease; afterwards one of two does.
pub(crate) async fn a_frozen_server_gives_no_two_leases(
    server: &'static str,
    [one, other]: [&dyn Database; 2],
) {
    // Longer than a busy machine takes to ask twice.
    const TIME: Duration = Duration::from_secs(1);
    let mut last = one.lease("frozen", "one", TIME).await.unwrap().unwrap();
    other.lease("frozen", "other", TIME).await.unwrap();
    for _ in 0..3 {
        crate::script("pause", server).await;
        let asked = async {
            let take = |database, holder| async move {
                Database::lease(database, "frozen", holder, TIME).await.unwrap()
            };
            tokio::join!(take(one, "one"), take(other, "other"))
        };
        tokio::pin!(asked);
        let early = timeout(2 * TIME, &mut asked).await;
        crate::script("resume", server).await;
        assert!(early.is_err(), "a frozen server has answered {early:?}");
        let held = match asked.await {
            (Some(held), None) | (None, Some(held)) => held,
            both => panic!("{both:?}"),
        };
        assert!(held >= last);
        last = held;
    }
}
