//! The change sets make the tables that the Java service was recorded to have. Needs a real PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::{path::PathBuf, process::Command};

use alert::changelog::CHANGE_LOG;
use database::{Postgres, PostgresSettings};

const DATABASE: &str = "test_of_change_sets";

#[expect(clippy::disallowed_methods, reason = "the script that starts the server tells it there")]
fn server() -> (String, String, String) {
    let address = std::env::var("REAL_POSTGRESQL").unwrap_or_else(|_| {
        panic!("REAL_POSTGRESQL is not set: run this under tests/real/servers run")
    });
    let (user, rest) = address.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
    let (host, port) = rest.split_once('/').unwrap().0.split_once(':').unwrap();
    (user.to_owned(), host.to_owned(), port.to_owned())
}

/// Runs one of the programs that came with the server; answers what it prints.
#[expect(clippy::disallowed_methods, reason = "programs are found by the environment")]
fn run(name: &str, arguments: &[&str]) -> String {
    let path = std::env::var("PATH").unwrap();
    let installed = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let installed = installed.map(|version| version.unwrap().path().join("bin"));
    let mut folders = installed.chain(std::env::split_paths(&path));
    let program: PathBuf =
        folders.find_map(|folder| Some(folder.join(name)).filter(|path| path.exists())).unwrap();
    let (user, host, port) = server();
    let output = Command::new(program)
        .args(["--host", &host, "--port", &port, "--username", &user])
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The lines of a dump that make something.
fn statements(dump: &str) -> Vec<&str> {
    let noise = ["--", "\\", "SET ", "SELECT "];
    let makes = |line: &&str| !line.is_empty() && !noise.iter().any(|n| line.starts_with(n));
    dump.lines().filter(makes).collect()
}

#[tokio::test]
async fn the_change_sets_make_the_recorded_tables() {
    run("dropdb", &["--if-exists", "--force", DATABASE]);
    run("createdb", &[DATABASE]);
    let (user, host, port) = server();
    let url = format!("jdbc:postgresql://{host}:{port}/{DATABASE}");
    let settings = PostgresSettings::from_jdbc(&url, Some(&user), None).unwrap();
    let database = Postgres::connect(&settings, &[], &CHANGE_LOG).await.unwrap();
    let made = run(
        "pg_dump",
        &[
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--exclude-table=outbox*",
            "--exclude-table=inbox*",
            DATABASE,
        ],
    );
    let recorded = include_str!("../../../../contracts/recorded/alert-schema.sql");
    assert_eq!(statements(&made), statements(recorded));
    drop(database);
    run("dropdb", &["--force", DATABASE]);
}
