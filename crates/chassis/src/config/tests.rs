//! Which layer wins, what is named when it is misspelt, and what is left alone.

use super::*;

const DEFAULTS: &str = "spring:\n  mail:\n    host: localhost\n    port: 1025\n    password:\nletters:\n  distribution-list:\nmilena:\n  data: x\n";

fn settings() -> Settings {
    Settings::defaults(&[DEFAULTS]).unwrap()
}

fn variables(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn later_layers_win() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milena.yml");
    std::fs::write(&file, "spring.mail:\n  host: file\n  port: 2\n").unwrap();
    let settings = settings().file(&file).unwrap();
    assert_eq!(settings.text("spring.mail.host"), "file");
    let settings = settings.environment(variables(&[("SPRING_MAIL_HOST", "environment")])).unwrap();
    assert_eq!(settings.text("spring.mail.host"), "environment");
    let settings = settings.argument("spring.mail.host", "argument").unwrap();
    assert_eq!(settings.text("spring.mail.host"), "argument");
    assert_eq!(settings.parse::<u16>("spring.mail.port", "a port"), Ok(2));
}

#[test]
fn a_misspelt_key_names_its_neighbour() {
    let error = settings().argument("spring.mail.hots", "x").unwrap_err();
    assert_eq!(
        error.to_string(),
        "unknown configuration key spring.mail.hots (command line); did you mean spring.mail.host?"
    );
    for (wrong, near) in [
        ("MILENA_DATE", "MILENA_DATA"),
        ("LETTERS_DISTRIBUTION_LISTS", "LETTERS_DISTRIBUTION_LIST"),
    ] {
        let error = settings().environment(variables(&[(wrong, "x")])).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("unknown configuration key {wrong} (environment); did you mean {near}?")
        );
    }
}

#[test]
fn variables_of_others_are_left_alone() {
    let others = [
        ("HOME", "/x"),
        ("SPRINGFIELD", "y"),
        ("LETTERSX", "z"),
        // As Kubernetes sets them for a service of this name.
        ("LETTERS_PORT", "tcp://10.0.0.1:80"),
        ("LETTERS_SERVICE_HOST", "10.0.0.1"),
    ];
    assert_eq!(settings().environment(variables(&others)).unwrap(), settings());
}

#[test]
fn what_springs_key_cannot_do_here_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("application.yml");
    std::fs::write(&file, "spring.jpa.open-in-view: false\nspring.mail:\n  Host: x\n").unwrap();
    let settings = settings().file(&file).unwrap();
    let settings = settings.environment(variables(&[("SPRING_JPA_SHOW_SQL", "true")])).unwrap();
    assert_eq!(settings.text("spring.mail.host"), "x", "case and dashes do not count");
    let origin = format!("{}, line 1", file.display());
    let expected = [("SPRING_JPA_SHOW_SQL", "environment"), ("spring.jpa.open-in-view", &origin)];
    assert_eq!(settings.without_effect().collect::<Vec<_>>(), expected);
}

#[test]
fn both_forms_of_a_dash_are_understood() {
    for name in ["LETTERS_DISTRIBUTIONLIST", "LETTERS_DISTRIBUTION_LIST"] {
        let settings =
            settings().environment(variables(&[(name, "a@example.com, b@example.com,")])).unwrap();
        assert_eq!(settings.list("letters.distribution-list"), ["a@example.com", "b@example.com"]);
    }
}

#[test]
fn a_secret_may_come_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "hunter2\n").unwrap();
    let name = file.display().to_string();
    let settings =
        settings().environment(variables(&[("SPRING_MAIL_PASSWORD_FILE", &name)])).unwrap();
    assert_eq!(settings.secret("spring.mail.password").expose(), "hunter2");
    assert!(!format!("{settings:?}").contains("hunter2"));
}

#[test]
fn a_wrong_value_says_where_it_came_from() {
    let settings = settings().argument("spring.mail.port", "many").unwrap();
    let error = settings.parse::<u16>("spring.mail.port", "a port, for example 25").unwrap_err();
    assert_eq!(
        error.to_string(),
        "spring.mail.port = \"many\" (command line): expected a port, for example 25"
    );
}

fn check_file(text: &str, list: Result<&[&str], &str>) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("milena.yml");
    std::fs::write(&file, text).unwrap();
    let settings = settings().argument("letters.distribution-list", "default").unwrap();
    let outcome = settings.file(&file);
    match list {
        Ok(list) => assert_eq!(outcome.unwrap().list("letters.distribution-list"), list),
        Err(part) => {
            let error = outcome.unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
    }
}

#[test]
fn a_list_in_a_file_is_a_list() {
    let both = &["a@x.org", "b@x.org"][..];
    check_file("letters:\n  distribution-list: [a@x.org, b@x.org]\nmilena.data: y\n", Ok(both));
    check_file("letters:\n  distribution-list:\n    - a@x.org\n    - b@x.org\n", Ok(both));
    check_file("letters:\n  distribution-list: []\n", Ok(&[]));
    check_file("letters:\n  distribution-lits: [a@x.org]\n", Err("letters.distribution-lits[0]"));
}
