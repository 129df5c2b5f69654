//! Many commits, in the middle of which the server dies again and again.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use database::{Changes, CommitError, Database};
use futures_util::future::join_all;

const WRITERS: usize = 8;

/// What a writer was told of its commits.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) acknowledged: Vec<String>,
    pub(crate) unavailable: Vec<String>,
}

/// Lets eight writers commit, each time something else that `changes` makes of a writer and a name, while the server is
/// killed and started this many times; everything works again after each, without anybody's help.
pub(crate) async fn commit_and_restart(
    database: &dyn Database,
    changes: impl Fn(usize, &str) -> Changes,
    server: &'static str,
    times: usize,
) -> Vec<Told> {
    let (stop, made) = (AtomicBool::new(false), AtomicUsize::new(0));
    let restarts = async {
        for restart in 0..=times {
            let before = made.load(Ordering::Relaxed);
            crate::until("commits are made", async || made.load(Ordering::Relaxed) > before + 50)
                .await;
            if restart < times {
                crate::restart(server).await;
            }
        }
        stop.swap(true, Ordering::Relaxed);
    };
    let writer = |writer| write(database, writer, &changes, (&stop, &made));
    tokio::join!(join_all((0..WRITERS).map(writer)), restarts).0
}

/// Commits until told to stop.
async fn write(
    database: &dyn Database,
    writer: usize,
    changes: impl Fn(usize, &str) -> Changes,
    (stop, made): (&AtomicBool, &AtomicUsize),
) -> Told {
    let mut told = Told::default();
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let name = format!("{writer} {number}");
        match database.commit(changes(writer, &name)).await {
            Ok(()) => {
                made.fetch_add(1, Ordering::Relaxed);
                told.acknowledged.push(name);
            }
            Err(CommitError::Unavailable(_)) => told.unavailable.push(name),
            Err(error) => panic!("{error:?}"),
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    told
}
