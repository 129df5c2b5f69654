//! Who waits for messages is woken by the commits of another process.

use std::time::{Duration, Instant};

use database::{Changes, Database, Message};
use futures_util::{StreamExt, stream};
use tokio::{sync::watch, time::timeout};

use crate::conformance::message;

/// How long a wake may take.
const SOON: Duration = Duration::from_millis(500);
const COMMITS: usize = 1000;

/// Two processes on one database, with `keep` running in both.
pub(crate) struct Two<'d> {
    pub(crate) one: &'d dyn Database,
    pub(crate) other: &'d dyn Database,
}

impl Two<'_> {
    /// Commits at one, and tells whether that wakes who waits at the other.
    async fn wakes(&self, channel: &str, added: &mut watch::Receiver<u64>) -> bool {
        added.mark_unchanged();
        commit(self.one, channel).await && timeout(SOON, added.changed()).await.is_ok()
    }

    /// Waits until what was told before this has been heard.
    async fn all_is_heard(&self) {
        let mut added = self.other.added("barrier");
        crate::until("the barrier is heard", async || self.wakes("barrier", &mut added).await)
            .await;
    }
}

async fn commit(database: &dyn Database, channel: &str) -> bool {
    let sent: Message = message("m", channel, "k");
    database.commit(Changes::new().send(sent)).await.is_ok()
}

/// Every commit wakes, soon; whatever was wrong until now, it goes by itself.
pub(crate) async fn every_commit_wakes(two: &Two<'_>, channel: &str) {
    let mut added = two.other.added(channel);
    crate::until("a commit wakes", async || two.wakes(channel, &mut added).await).await;
    let begun = Instant::now();
    for _ in 0..10 {
        assert!(two.wakes(channel, &mut added).await);
    }
    println!("{}: a commit and its wake take {:?}", two.one.name(), begun.elapsed() / 10);
}

/// Who has the lease wakes nobody else; who has lost it does.
pub(crate) async fn the_holder_of_the_lease_wakes_nobody(two: &Two<'_>) {
    every_commit_wakes(two, "leased").await;
    two.all_is_heard().await;
    let mut added = two.other.added("leased");
    let take = two.one.lease("leased", "one", Duration::from_secs(60));
    let lease = take.await.unwrap().unwrap();
    for _ in 0..100 {
        assert!(commit(two.one, "leased").await);
    }
    two.all_is_heard().await;
    assert!(!added.has_changed().unwrap());
    two.one.release("leased", lease).await.unwrap();
    assert!(two.wakes("leased", &mut added).await);
    // Over by its time.
    two.one.lease("leased", "one", Duration::from_millis(1)).await.unwrap().unwrap();
    tokio::time::sleep(Duration::from_millis(2)).await;
    assert!(two.wakes("leased", &mut added).await);
    // Taken by the other.
    two.one.lease("leased", "one", Duration::from_millis(1)).await.unwrap().unwrap();
    crate::until("the other takes the lease", async || {
        two.other.lease("leased", "other", Duration::from_secs(60)).await.unwrap().is_some()
    })
    .await;
    assert_eq!(two.one.lease("leased", "one", Duration::from_secs(60)).await.unwrap(), None);
    assert!(two.wakes("leased", &mut added).await);
}

/// Many commits are told together: `told` counts what others are told.
pub(crate) async fn many_commits_wake_a_few_times(two: &Two<'_>, told: impl AsyncFnOnce() -> u64) {
    every_commit_wakes(two, "many").await;
    let begun = Instant::now();
    let commits = stream::iter(0..COMMITS).map(|_| commit(two.one, "many"));
    let done = commits.buffer_unordered(16).filter(|done| std::future::ready(*done)).count();
    assert_eq!(done.await, COMMITS);
    let took = begun.elapsed();
    two.all_is_heard().await;
    let told = told().await;
    println!("{COMMITS} commits in {took:?} are told in {told}");
    // Every 5 ms at most, beside the first ones, each of which may be one for itself.
    assert!(u128::from(told) < 40 + took.as_millis() / 5, "{told} in {took:?}");
}
