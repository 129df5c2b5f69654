//! A repository on this machine, fetched as any other: labels, names, paths, and what is served when it is gone.

use std::{fs, path::Path, process::Command};

use chassis::Secret;

use super::*;
use crate::server::config::source::Source;

/// A working copy to commit in, with an author and a time that do not depend on the machine.
struct Remote(tempfile::TempDir);

impl Remote {
    fn new(branch: &str) -> Self {
        let remote = Remote(tempfile::tempdir().unwrap());
        remote.git(&["init", "--quiet", "--initial-branch", branch]);
        remote
    }

    fn git(&self, arguments: &[&str]) -> String {
        let output = Command::new("git")
            .args([
                "-c",
                "user.name=Ann",
                "-c",
                "user.email=ann@example.org",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(arguments)
            .current_dir(self.0.path())
            .env("GIT_COMMITTER_DATE", "2024-01-02T03:04:05Z")
            .env("GIT_AUTHOR_DATE", "2024-01-02T03:04:05Z")
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn commit(&self, files: &[(&str, &str)]) -> String {
        for (path, text) in files {
            let path = self.0.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--message", "x"]);
        self.git(&["rev-parse", "HEAD"])
    }

    fn settings(&self) -> RepositorySettings {
        RepositorySettings {
            address: format!("file://{}", self.0.path().display()),
            user: None,
            password: None,
            default_label: None,
            search_paths: Vec::new(),
            clone_on_start: false,
            refresh_seconds: 1,
            folder: None,
        }
    }
}

async fn ask(
    repository: &Repository,
    label: Option<&str>,
) -> Result<Vec<Source>, ConfigServerError> {
    let question = Question::new("library", "prod", label).unwrap();
    repository.sources(&question).await.map(|answer| answer.sources)
}

async fn value(repository: &Repository, label: Option<&str>) -> String {
    match ask(repository, label).await {
        Ok(sources) => sources[0].properties[0].value.to_string(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn branches_tags_and_commits_are_labels() {
    let (remote, clones) = (Remote::new("master"), tempfile::tempdir().unwrap());
    let first = remote.commit(&[("application.yml", "a: 1")]);
    remote.git(&["tag", "--annotate", "v1", "--message", "x"]);
    remote.git(&["checkout", "--quiet", "-b", "feature/x"]);
    remote.commit(&[("application.yml", "a: 2")]);
    remote.git(&["checkout", "--quiet", "master"]);
    remote.commit(&[("application.yml", "a: 3")]);
    let repository = Repository::new(remote.settings(), clones.path());
    assert!(repository.fetch().await.unwrap());
    for (label, expected) in [
        (None, "3"),
        (Some("master"), "3"),
        (Some("main"), "3"),
        (Some("v1"), "1"),
        (Some("feature/x"), "2"),
        (Some(first.as_str()), "1"),
        (Some(&first[..8]), "1"),
        (Some("nope"), "no such label: nope"),
        (Some("0123456789"), "no such label: 0123456789"),
        (Some("--help"), "no such label: --help"),
        (Some("HEAD"), "no such label: HEAD"),
        (Some("refs/heads/master"), "no such label: refs/heads/master"),
        (Some("master~1"), "no such label: master~1"),
        (Some("v1^{tree}"), "no such label: v1^{tree}"),
    ] {
        assert_eq!(value(&repository, label).await, expected, "{label:?}");
    }
    assert!(repository.known().unknown.contains("0123456789"), "it is not looked for again");
    assert!(!repository.fetch().await.unwrap(), "nothing changed");
    let second = remote.commit(&[("application.yml", "a: 4")]);
    assert_eq!(value(&repository, None).await, "3", "a question fetches nothing");
    assert!(repository.fetch().await.unwrap());
    let question = Question::new("library", "prod", None).unwrap();
    let answer = repository.sources(&question).await.unwrap();
    assert_eq!(
        (answer.version, answer.sources[0].commit.clone()),
        (Some(second.clone()), Some(second))
    );
}

#[tokio::test]
async fn sources_are_named_by_the_repository() {
    let (remote, clones) = (Remote::new("main"), tempfile::tempdir().unwrap());
    remote.commit(&[
        ("application.yml", "a: 1\n---\nb: 2\n"),
        ("library-prod.properties", "c=3"),
        ("one/two/library.yml", "d: 4"),
        ("library/application.yml", "e: 5"),
        ("one/two/hello.txt", "hello"),
    ]);
    std::os::unix::fs::symlink("/etc/passwd", remote.0.path().join("library.yml")).unwrap();
    remote.commit(&[]);
    let settings = RepositorySettings {
        search_paths: vec!["one/t*".to_owned(), "{application}".to_owned()],
        ..remote.settings()
    };
    let address = settings.address.clone();
    let repository = Repository::new(settings, clones.path());
    repository.fetch().await.unwrap();
    let sources = ask(&repository, None).await.unwrap();
    let prefix = format!("{address}/");
    let names: Vec<_> =
        sources.iter().map(|source| source.name.strip_prefix(&prefix).unwrap()).collect();
    let expected = [
        "library-prod.properties",
        "library/application.yml",
        "one/two/library.yml",
        "application.yml (document #1)",
        "application.yml (document #0)",
    ];
    assert_eq!(names, expected);
    let question = Question::new("library", "prod", None).unwrap();
    let plain = |name: &str| {
        let names = [name.to_owned()];
        let (repository, question) = (&repository, &question);
        async move { repository.plain(question, &names).await.unwrap() }
    };
    assert_eq!(*plain("hello.txt").await.unwrap().bytes, b"hello");
    assert_eq!(plain("hello.txt").await.unwrap().modified, 1_704_164_645);
    assert!(
        plain("library.yml").await.is_some_and(|found| *found.bytes == b"d: 4"),
        "links are not followed"
    );
}

#[tokio::test]
async fn what_was_fetched_last_is_served_while_the_repository_is_away() {
    let (remote, clones) = (Remote::new("main"), tempfile::tempdir().unwrap());
    remote.commit(&[("application.yml", "a: 1")]);
    let settings = remote.settings();
    let repository = Repository::new(settings.clone(), clones.path());
    repository.fetch().await.unwrap();
    let away = remote.0.path().with_extension("away");
    fs::rename(remote.0.path(), &away).unwrap();
    assert!(repository.fetch().await.is_err());
    assert!(repository.trouble().unwrap().contains("git fetch"), "{:?}", repository.trouble());
    assert_eq!(value(&repository, None).await, "1");
    let restarted = Repository::new(settings, clones.path());
    assert!(restarted.fetch().await.is_err());
    assert_eq!(value(&restarted, None).await, "1", "also after a restart");
    fs::rename(&away, remote.0.path()).unwrap();
    repository.fetch().await.unwrap();
    assert_eq!(repository.trouble(), None);
}

#[tokio::test]
async fn no_password_is_told_and_no_program_is_run() {
    let clones = tempfile::tempdir().unwrap();
    let settings = |address: &str| RepositorySettings {
        address: address.to_owned(),
        user: Some("ann".to_owned()),
        password: Some(Secret::new("hunter2".to_owned())),
        ..Remote::new("main").settings()
    };
    let mark = clones.path().join("ran");
    for address in [
        "http://127.0.0.1:1/config.git".to_owned(),
        format!("ext::touch {}", mark.display()),
        format!("--upload-pack=touch {}", mark.display()),
    ] {
        let repository = Repository::new(settings(&address), clones.path());
        let error = format!("{:#}", repository.fetch().await.unwrap_err());
        assert!(!error.contains("hunter2"), "{error}");
        assert!(!format!("{repository:?}").contains("hunter2"));
        assert!(!mark.exists(), "{address}");
    }
}

#[test]
fn a_clone_has_a_name_of_its_own() {
    let name = |address: &str| name_of(address).display().to_string();
    assert!(name("https://example.org/a/config.git").starts_with("configgit-"));
    assert_ne!(name("https://example.org/a/config.git"), name("https://example.org/b/config.git"));
    assert!(
        !Path::new(&name("git@example.org:../../x"))
            .components()
            .any(|part| part.as_os_str() == "..")
    );
}
