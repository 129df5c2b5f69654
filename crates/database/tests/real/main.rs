//! Real servers keep the promises of the port. `tests/real/servers` of this project starts them and says where they are.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../it/conformance.rs"]
mod conformance;
mod crash;
mod drain;
mod leases;
mod mongo;
mod postgres;
mod wakes;

use std::{
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use tokio::time::Instant;

/// Where a server is, or where the script is that has started it.
#[expect(clippy::disallowed_methods, reason = "the script tells it in the environment")]
fn address(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this under tests/real/servers run"))
}

/// A program that came with a server.
#[expect(clippy::disallowed_methods, reason = "programs are found by the environment")]
fn program(name: &str) -> PathBuf {
    let path = std::env::var("PATH").unwrap();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let installed = installed.map(|version| version.unwrap().path().join("bin"));
    let folders = installed.chain(std::env::split_paths(&path));
    let mut programs = folders.map(|folder| folder.join(name));
    programs.find(|program| program.exists()).unwrap()
}

/// Asks again and again until it is so.
async fn until(what: &str, mut question: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !question().await {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Kills a server without warning and starts it again.
async fn restart(server: &'static str) {
    script("restart", server).await;
}

/// What the script can do with a server.
async fn script(action: &'static str, server: &'static str) {
    let script = address("REAL_SERVERS");
    let done = tokio::task::spawn_blocking(move || {
        Command::new(Path::new(&script)).args([action, server]).status()
    });
    assert!(done.await.unwrap().unwrap().success());
}
