//! A repository behind HTTP and a password, and how fast an answer is with it.

use std::{fs, path::PathBuf, time::Duration};

use axum::{Router, extract::Path, http::StatusCode, routing::get};
use chassis::{Outside, Secret};
use discovery::server::{
    ConfigServer, Gate,
    config::{BackendSettings, ConfigServerSettings, RepositorySettings},
};
use tokio::time::Instant;

use super::ask::{self, commit, git};
use crate::support::{listening, run};

const PASSWORD: &str = "p\u{e4}ss word'$";

/// A server over the repository at this address, with this password.
fn over(address: &str, password: &str, clones: &std::path::Path) -> ConfigServer {
    let repository = RepositorySettings {
        address: address.to_owned(),
        user: Some("ann".to_owned()),
        password: Some(Secret::new(password.to_owned())),
        default_label: None,
        search_paths: Vec::new(),
        clone_on_start: true,
        refresh_seconds: 1,
        folder: None,
    };
    let backends = vec![BackendSettings::Repository(repository)];
    let settings = ConfigServerSettings::folder(clones);
    let settings = ConfigServerSettings { backends, clones: clones.to_owned(), ..settings };
    ConfigServer::with(settings, Outside::system()).unwrap()
}

/// A bare repository with one file.
fn bare() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    git(folder.path(), &["init", "--quiet", "--initial-branch", "main", "work"]);
    let work = folder.path().join("work");
    commit(&work, &[("application.yml", "a: 1\n"), ("library-prod.yml", "b: 2\n")]);
    git(folder.path(), &["clone", "--quiet", "--bare", "work", "bare.git"]);
    let bare = folder.path().join("bare.git");
    git(&bare, &["update-server-info"]);
    (folder, bare)
}

#[tokio::test]
async fn a_password_opens_a_repository_and_is_not_told() {
    let (folder, bare) = bare();
    let file = async move |Path(path): Path<String>| {
        fs::read(bare.join(path)).map_err(|_| StatusCode::NOT_FOUND)
    };
    let gate = Gate::new("ann", &Secret::new(PASSWORD.to_owned()));
    let routes = gate.protect(Router::new().route("/bare.git/{*path}", get(file)));
    let (service, at) = listening("git", routes).await;
    let address = format!("http://{at}/bare.git");
    let (right, wrong) = (folder.path().join("right"), folder.path().join("wrong"));
    run(vec![service], async {
        let server = over(&address, PASSWORD, &right);
        server.open().await.unwrap();
        let found = server.effective("library", "prod", None).await.unwrap().properties;
        assert_eq!(found[1].origin.file, format!("{address}/library-prod.yml"));
        let error = over(&address, "hunter2", &wrong).open().await.unwrap_err();
        let error = format!("{error:#}");
        assert!(error.contains("git fetch") && !error.contains("hunter2"), "{error}");
    })
    .await;
    for file in ["config", "FETCH_HEAD", "packed-refs"] {
        for clone in fs::read_dir(&right).unwrap() {
            let text = fs::read_to_string(clone.unwrap().path().join(file)).unwrap_or_default();
            assert!(!text.contains("ss word"), "{file}: {text}");
        }
    }
}

#[tokio::test]
async fn who_asks_while_nothing_can_be_fetched_is_told_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("file://{}", folder.path().join("nowhere").display());
    let server = over(&address, "none", &folder.path().join("clones"));
    assert!(server.fetch().await.is_err());
    let start = Instant::now();
    let answer = ask::get(&ask::guarded(&server), "/config/library/prod", "application/json").await;
    assert_eq!(answer.status, 503);
    assert!(answer.body.contains("nowhere") && answer.body.contains("git fetch"), "{answer:?}");
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test]
async fn an_answer_waits_for_no_git() {
    let (folder, bare) = bare();
    let address = format!("file://{}", bare.display());
    let server = over(&address, "none", &folder.path().join("clones"));
    server.open().await.unwrap();
    let router = ask::guarded(&server);
    fs::remove_dir_all(&bare).unwrap();
    let start = Instant::now();
    for _ in 0..100 {
        let answer = ask::get(&router, "/config/library/prod", "application/json").await;
        assert!(answer.body.contains("\"b\" : 2"), "{answer:?}");
    }
    // A start of the git program alone would take longer than this for each.
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}
