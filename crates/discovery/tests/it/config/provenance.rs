//! Why a property has its value, what a branch would change, and that a change is noticed.

use std::{fs, path::Path, time::Duration};

use chassis::{Outside, Secret, Stop};
use discovery::server::{
    ConfigServer,
    config::{BackendSettings, ConfigServerSettings, Overridden, RepositorySettings},
};
use serde_json::{Value, json};
use tokio::time::timeout;

use super::ask::{commit, get, git, guarded};

const DEADLINE: Duration = Duration::from_secs(20);

/// A server over a repository with a branch `next`, and the repository.
fn over_a_repository(clones: &Path) -> (ConfigServer, tempfile::TempDir, String) {
    let remote = tempfile::tempdir().unwrap();
    git(remote.path(), &["init", "--quiet", "--initial-branch", "main"]);
    let head = commit(
        remote.path(),
        &[
            ("application.yml", "who: everybody\nlist: [a, b]\nsame: 1\napp.password: old\n"),
            (
                "library-prod.yml",
                "who: prod\nlist: [c]\nsecret: '{cipher}283de0134df6f201d0322bdc54aa1a3f303930983caf408257d339955f83ef11'\n",
            ),
        ],
    );
    git(remote.path(), &["checkout", "--quiet", "-b", "next"]);
    commit(
        remote.path(),
        &[
            ("application.yml", "who: nobody\nlist: [a]\nsame: 1\nadded: 2\napp.password: new\n"),
            ("library-prod.yml", "who: production\n"),
        ],
    );
    git(remote.path(), &["checkout", "--quiet", "main"]);
    let repository = RepositorySettings {
        address: format!("file://{}", remote.path().display()),
        user: None,
        password: None,
        default_label: None,
        search_paths: Vec::new(),
        clone_on_start: true,
        refresh_seconds: 1,
        folder: None,
    };
    let settings = ConfigServerSettings {
        backends: vec![BackendSettings::Repository(repository)],
        key: Some(Secret::new("correct horse battery staple".to_owned())),
        clones: clones.to_owned(),
        ..ConfigServerSettings::folder(Path::new("none"))
    };
    (ConfigServer::with(settings, Outside::system()).unwrap(), remote, head)
}

#[tokio::test]
async fn each_value_tells_where_it_stands_and_what_it_overrides() {
    let clones = tempfile::tempdir().unwrap();
    let (server, remote, head) = over_a_repository(clones.path());
    server.open().await.unwrap();
    let found = server.effective("library", "prod", None).await.unwrap();
    assert_eq!(found.version.as_deref(), Some(head.as_str()));
    let keys: Vec<_> =
        found.properties.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    let expected = [
        ("app.password", "******"),
        ("list[0]", "c"),
        ("same", "1"),
        ("secret", "******"),
        ("who", "prod"),
    ];
    assert_eq!(keys, expected);
    let file = |name: &str| format!("file://{}/{name}", remote.path().display());
    let origin = |name: &str, line: usize, column: usize| json!({ "source": file(name), "file": file(name), "line": line, "column": column, "commit": head });
    let who = serde_json::to_value(&found.properties[4]).unwrap();
    let expected = json!({
        "key": "who", "value": "prod", "origin": origin("library-prod.yml", 1, 6),
        "overrides": [{ "value": "everybody", "origin": origin("application.yml", 1, 6) }],
    });
    assert_eq!(who, expected);
}

#[tokio::test]
async fn a_branch_tells_what_it_would_change() {
    let clones = tempfile::tempdir().unwrap();
    let (server, _remote, _) = over_a_repository(clones.path());
    server.open().await.unwrap();
    let changes = server.difference("library", "prod", None, "next").await.unwrap();
    let told: Vec<_> = changes
        .iter()
        .map(|change| {
            let value = |side: &Option<Overridden>| {
                side.as_ref().map(|side| side.value.clone()).unwrap_or_default()
            };
            (change.key.as_str(), value(&change.before), value(&change.after))
        })
        .collect();
    let own = |(key, before, after): (&'static str, &str, &str)| {
        (key, before.to_owned(), after.to_owned())
    };
    let expected = [
        ("added", "", "2"),
        ("app.password", "******", "******"),
        ("list[0]", "c", "a"),
        ("secret", "******", ""),
        ("who", "prod", "production"),
    ];
    assert_eq!(told, expected.map(own));
    assert_eq!(server.difference("library", "prod", Some("next"), "next").await.unwrap(), []);
    assert!(server.difference("library", "prod", None, "nope").await.is_err());
}

#[tokio::test]
async fn a_change_is_noticed_and_served() {
    let (clones, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("application.yml"), "who: x").unwrap();
    let (repository, remote, _) = over_a_repository(clones.path());
    let value = async |server: &ConfigServer| {
        let found = server.effective("other", "dev", None).await.unwrap().properties;
        found.iter().find(|one| one.key == "who").unwrap().value.clone()
    };
    let change = |server: &ConfigServer, text: &str| match server.state()[0].kind {
        "git" => drop(commit(remote.path(), &[("application.yml", text)])),
        _ => fs::write(folder.path().join("application.yml"), text).unwrap(),
    };
    for server in [ConfigServer::new(folder.path().to_owned()), repository] {
        server.open().await.unwrap();
        let (stop, mut changed) = (Stop::new(), server.changed());
        let test = async {
            // The first look tells nothing, so it must have happened before the change.
            assert!(timeout(Duration::from_millis(700), changed.changed()).await.is_err());
            change(&server, "who: changed");
            timeout(DEADLINE, changed.changed()).await.unwrap().unwrap();
            assert_eq!(value(&server).await, "changed");
            stop.cancel();
        };
        let (ended, ()) = tokio::join!(server.clone().refresh(stop.clone()), test);
        ended.unwrap();
    }
}

#[tokio::test]
async fn a_repository_that_was_never_fetched_stops_the_start_when_asked() {
    let clones = tempfile::tempdir().unwrap();
    let (server, remote, _) = over_a_repository(clones.path());
    drop(remote);
    let error = format!("{:#}", server.open().await.unwrap_err());
    assert!(error.contains("fetch the configuration of file://"), "{error}");
    let state = &server.state()[0];
    assert!(!state.ready && state.trouble.as_ref().unwrap().contains("git fetch"), "{state:?}");
}

#[tokio::test]
async fn several_back_ends_count_in_their_order() {
    let clones = tempfile::tempdir().unwrap();
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("application.yml"), "who: folder\nonly: folder\n").unwrap();
    let (_, remote, _) = over_a_repository(clones.path());
    let repository = RepositorySettings {
        address: format!("file://{}", remote.path().display()),
        user: None,
        password: None,
        default_label: Some("next".to_owned()),
        search_paths: Vec::new(),
        clone_on_start: true,
        refresh_seconds: 1,
        folder: Some(clones.path().join("own.git")),
    };
    let alone = ConfigServerSettings::folder(folder.path());
    let backends = vec![BackendSettings::Repository(repository), alone.backends[0].clone()];
    let server = ConfigServer::with(ConfigServerSettings { backends, ..alone }, Outside::system());
    let server = server.unwrap();
    server.open().await.unwrap();
    let found = server.effective("library", "dev", None).await.unwrap();
    assert_eq!(found.version, None, "of several there is none");
    let values: Vec<_> =
        found.properties.iter().map(|one| (one.key.as_str(), one.value.as_str())).collect();
    let expected = [
        ("added", "2"),
        ("app.password", "******"),
        ("list[0]", "a"),
        ("only", "folder"),
        ("same", "1"),
        ("who", "nobody"),
    ];
    assert_eq!(values, expected);
    assert_eq!(found.properties[5].overrides[0].value, "folder");
    let unknown = server.effective("library", "dev", Some("nope")).await;
    assert!(unknown.is_err(), "a label that one of them does not know is unknown");
}

/// What Spring Cloud Config 3.1.3 answers with the same file and the same settings.
#[tokio::test]
async fn the_servers_own_overrides_come_first() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("application.yml"), "a:\n  b: file\n").unwrap();
    let pair = |(key, value): (&str, &str)| (key.to_owned(), value.to_owned());
    let settings = ConfigServerSettings {
        overrides: [("a.b", "over"), ("my-Key", "{cipher}00")].map(pair).to_vec(),
        ..ConfigServerSettings::folder(folder.path())
    };
    let server = ConfigServer::with(settings, Outside::system()).unwrap();
    let router = guarded(&server);
    let accept = "application/vnd.spring-cloud.config-server.v2+json";
    let answer = get(&router, "/config/library/prod", accept).await;
    let sources: Value = serde_json::from_str(&answer.body).unwrap();
    let told = |value: &str| json!({ "value": value, "origin": "Config server overrides" });
    let expected = json!({ "name": "overrides", "source": { "a.b": told("over"), "my-Key": told("{cipher}00") } });
    assert_eq!(sources["propertySources"][0], expected);
    assert_eq!(sources["propertySources"][1]["source"]["a.b"]["value"], "file");
    let yaml = get(&router, "/config/library-prod.yml", "*/*").await.body;
    assert_eq!(yaml, "a:\n  b: over\nmy-Key: '{cipher}00'\n");
    let found = server.effective("library", "prod", None).await.unwrap();
    let origin = &found.properties[0].origin;
    assert_eq!((origin.file.as_str(), origin.line), ("Config server overrides", 0));
    assert_eq!(found.properties[0].overrides[0].value, "file");
}
