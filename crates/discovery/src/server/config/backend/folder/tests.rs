//! Which files count, in which order, and what is refused.

use super::*;
use crate::server::config::{ConfigServerError, source::Source};

const ON_PROFILE: &str = "spring.config.activate.on-profile";

async fn sources(
    path: &Path,
    app: &str,
    profiles: &[&str],
) -> Result<Vec<Source>, ConfigServerError> {
    let locations = vec![format!("file:{}", path.display())];
    let folder = Arc::new(Folder::new(locations, None, Outside::system()));
    let question = Question::new(app, &profiles.join(","), None).unwrap();
    folder.sources(&question).await.map(|answer| answer.sources)
}

async fn check(files: &[(&str, &str)], app: &str, profiles: &[&str], expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let sources = sources(folder.path(), app, profiles).await.unwrap();
    let prefix = format!("file:{}/", folder.path().display());
    let names: Vec<_> =
        sources.iter().map(|source| source.name.strip_prefix(&prefix).unwrap_or("?")).collect();
    assert_eq!(names, expected);
}

#[tokio::test]
async fn the_most_specific_comes_first() {
    let names = [
        "application.yml",
        "application.yaml",
        "application.properties",
        "application-one.yml",
        "application-two.yml",
        "library.yml",
        "library-one.yaml",
        "library-two.properties",
        "other.yml",
    ];
    let expected = [
        "library-two.properties",
        "application-two.yml",
        "library-one.yaml",
        "application-one.yml",
        "library.yml",
        "application.properties",
        "application.yml",
        "application.yaml",
    ];
    check(&names.map(|name| (name, "a: 1")), "library", &["one", "two"], &expected).await;
    check(
        &names.map(|name| (name, "a: 1")),
        "application",
        &["one"],
        &[expected[3], expected[5], expected[6], expected[7]],
    )
    .await;
}

#[tokio::test]
async fn a_document_counts_for_its_profiles_only() {
    let on = |condition: &str| format!("{ON_PROFILE}: '{condition}'\na: 1");
    check(&[("application.yml", &on("one, two"))], "library", &["two"], &["application.yml"]).await;
    check(&[("application.yml", &on("!one"))], "library", &["two"], &["application.yml"]).await;
    check(&[("application.yml", &on("!one"))], "library", &["one"], &[]).await;
    check(&[("application.yml", &on("one"))], "library", &["two"], &[]).await;
}

#[tokio::test]
async fn a_missing_folder_is_an_empty_one() {
    let sources = sources(Path::new("does-not-exist"), "library", &["one"]).await.unwrap();
    assert_eq!(sources, []);
}

#[tokio::test]
async fn what_cannot_be_read_is_not_passed_over_in_silence() {
    let check = async |name: &str, text: &[u8], expected: &str| {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(name), text).unwrap();
        let error = sources(folder.path(), "library", &["one"]).await.unwrap_err();
        let ConfigServerError::Broken(error) = error else { panic!("{error}") };
        assert!(format!("{error:#}").contains(expected), "{error:#}");
    };
    check("library.yml", b"a: [1\nb: }", "library.yml: ").await;
    check("library.yml", &vec![b'#'; 1024 * 1024 + 1], "larger than 1048576 bytes").await;
    check("library.yml", b"a: \xff", "not UTF-8").await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_link_out_of_the_folder_is_not_followed() {
    let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::write(elsewhere.path().join("secret.yml"), "a: 1").unwrap();
    std::fs::write(folder.path().join("inside.yml"), "b: 1").unwrap();
    let link = |from: &Path, name: &str| std::os::unix::fs::symlink(from, folder.path().join(name));
    link(&elsewhere.path().join("secret.yml"), "library.yml").unwrap();
    link(&folder.path().join("inside.yml"), "other.yml").unwrap();
    let error = sources(folder.path(), "library", &["one"]).await.unwrap_err();
    let ConfigServerError::Broken(error) = error else { panic!("{error}") };
    assert!(error.to_string().contains("is a link out of its folder"), "{error}");
    assert_eq!(sources(folder.path(), "other", &["one"]).await.unwrap().len(), 1);
}

#[test]
fn a_location_is_a_folder_with_and_without_its_scheme() {
    for (location, path, cleaned, fixed) in [
        ("file:./central-config", "./central-config/", "central-config/", "./central-config"),
        ("file:///central-config/", "/central-config/", "/central-config/", "/central-config/"),
        ("optional:file:a/../b", "a/../b/", "b/", "a/../b"),
        ("c/{application}/d", "c/{application}/d/", "c/{application}/d/", "c/"),
        ("{profile}", "{profile}/", "{profile}/", "."),
        ("../x", "../x/", "../x/", "../x"),
    ] {
        let found = located(location);
        let Naming::Folder { clean, .. } = found.naming else { panic!("{location}") };
        assert_eq!((found.path.as_str(), clean.as_str()), (path, cleaned), "{location}");
        assert_eq!(root(location), PathBuf::from(fixed), "{location}");
    }
}
