//! One relay at a time, by the server's clock.

use std::{sync::Arc, time::Duration};

use database::Database;
use mongodb::bson::doc;

use super::{BOTH, REPLICA_SET, SERVER, STAND_ALONE, with_database, with_database_alone};
use crate::leases;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lease_outlives_its_holder_by_its_time_only() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            leases::who_wakes_up_late_removes_nothing(&*one, &*other).await;
            let one = Arc::into_inner(one).unwrap();
            leases::a_holder_that_dies_is_succeeded(one, &*other).await;
        })
        .await;
    }
}

#[tokio::test]
async fn the_clock_of_the_server_decides() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            let minute = Duration::from_secs(60);
            let channel = "$clock";
            let lease = one.lease(channel, "$one", minute).await.unwrap();
            assert!(lease.is_some());
            assert_eq!(other.lease(channel, "other", minute).await.unwrap(), None);
            let update = vec![doc! { "$set": { "until": "$$NOW" } }];
            place.collection("milena_leases").update_one(doc! {}, update).await.unwrap();
            assert!(other.lease(channel, "other", minute).await.unwrap() > lease);
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_frozen_server_gives_no_two_leases() {
    let _server = SERVER.write().await;
    for (variable, server) in [(STAND_ALONE, "mongodb"), (REPLICA_SET, "mongodb-replica-set")] {
        with_database_alone(variable, async |place| {
            let (one, other) = tokio::join!(place.connect(), place.connect());
            leases::a_frozen_server_gives_no_two_leases(server, [&*one, &*other]).await;
        })
        .await;
    }
}
