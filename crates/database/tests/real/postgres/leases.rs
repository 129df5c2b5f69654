//! One relay at a time, by the server's clock.

use std::{sync::Arc, time::Duration};

use database::Database;

use super::{SERVER, with_database, with_database_alone};
use crate::leases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_outlives_its_holder_by_its_time_only() {
    with_database("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        leases::who_wakes_up_late_removes_nothing(&*one, &*other).await;
        let one = Arc::into_inner(one).unwrap();
        leases::a_holder_that_dies_is_succeeded(one, &*other).await;
    })
    .await;
}

#[tokio::test]
async fn the_clock_of_the_server_decides() {
    with_database("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        let minute = Duration::from_secs(60);
        let channel = "clock\\";
        let lease = one.lease(channel, "one", minute).await.unwrap();
        assert_eq!(other.lease(channel, "other", minute).await.unwrap(), None);
        let left =
            "select floor(extract(epoch from until - clock_timestamp()))::text from outbox_lease";
        assert_eq!(place.text(left).await.as_deref(), Some("59"));
        place.run("update outbox_lease set until = clock_timestamp()").await;
        assert!(other.lease(channel, "other", minute).await.unwrap() > lease);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_gives_no_two_leases() {
    let _server = SERVER.write().await;
    with_database_alone("", async |place| {
        let (one, other) = tokio::join!(place.connect(), place.connect());
        leases::a_frozen_server_gives_no_two_leases("postgresql", [&*one, &*other]).await;
    })
    .await;
}
