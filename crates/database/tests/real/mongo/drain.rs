//! How fast messages leave the outbox, and what waiting ones cost.

use super::{BOTH, with_database};
use crate::drain;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outbox_is_emptied() {
    for variable in BOTH {
        with_database(variable, async |place| {
            let database = place.connect().await;
            let [commit, _] = drain::cost(&*database, "nothing waits").await;
            let count = drain::count(20_000);
            drain::fill(&*database, count).await;
            let [late, _] = drain::cost(&*database, "many wait").await;
            drain::check("commit", commit, late);
            drain::drain(&*database, count).await;
        })
        .await;
    }
}
