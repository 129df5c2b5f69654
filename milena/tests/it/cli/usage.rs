//! What is misspelt or cannot be meant is named, with what was probably meant; nothing is started then.

use std::fs;

use crate::program::Program;

/// The command line or the configuration is wrong (sysexits.h: EX_USAGE).
const USAGE: i32 = 64;

async fn check(arguments: &[&str], variables: &[(&str, &str)], expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong.yml"), "alert:\n  distribution-lits: me@example.com\n")
        .unwrap();
    let ended = Program::start(folder.path(), arguments, variables).end().await;
    assert_eq!(
        (ended.code, ended.out.as_str()),
        (Some(USAGE), ""),
        "{arguments:?} {variables:?}: {ended:?}"
    );
    for part in expected {
        assert!(
            ended.err.contains(part),
            "{arguments:?} {variables:?}: {part} is missing in:\n{}",
            ended.err
        );
    }
    assert!(!folder.path().join("data").exists(), "{arguments:?} {variables:?}: no folder is made");
}

async fn check_set(setting: &str, expected: &[&str]) {
    check(&["up", "--ports", "0", "--set", setting], &[], expected).await;
}

#[tokio::test]
async fn a_misspelt_word_comes_with_the_one_that_was_meant() {
    check(&["upp"], &[], &["'upp'", "'up'"]).await;
    check(&["up", "--data-dri", "x"], &[], &["--data-dri", "--data-dir"]).await;
    check(&["up", "--log-format", "jsno"], &[], &["jsno", "json"]).await;
    check_set(
        "alert.distribution-lits=x",
        &["alert.distribution-lits", "did you mean alert.distribution-list?"],
    )
    .await;
    let wrong = ("MILENA_BROKER_PARTITION", "1");
    check(
        &["up"],
        &[wrong],
        &["MILENA_BROKER_PARTITION (environment)", "did you mean MILENA_BROKER_PARTITIONS?"],
    )
    .await;
    check(
        &["up"],
        &[("ALERT_DISTRIBUTION_LISTS", "me@example.com")],
        &["ALERT_DISTRIBUTION_LISTS (environment)", "did you mean ALERT_DISTRIBUTION_LIST?"],
    )
    .await;
    let file = &["wrong.yml, line 2", "did you mean alert.distribution-list?"];
    check(&["up", "--config", "wrong.yml"], &[], file).await;
}

#[tokio::test]
async fn a_value_that_cannot_be_used_comes_with_what_can() {
    check(&["up", "--ports", "1"], &[], &["--ports", "0"]).await;
    check(&["up", "--port-offset", "many"], &[], &["many", "--port-offset"]).await;
    check(&["up", "--port-offset", "60000"], &[], &["--port-offset", "60000", "out of the range"])
        .await;
    check(
        &["up", "--port-offset", "-1025"],
        &[],
        &["--port-offset", "mail sink", "out of the range"],
    )
    .await;
    check(&["up", "--port-offset", "1", "--ports", "0"], &[], &["--port-offset", "--ports"]).await;
    check(&["up", "--set", "nonsense"], &[], &["nonsense", "KEY=VALUE"]).await;
    check(&["up", "--config", "absent.yml"], &[], &["absent.yml"]).await;
    check(
        &["up", "--distribution-list", ""],
        &[],
        &["alert.distribution-list", "for example me@example.com"],
    )
    .await;
    check(&["up", "--distribution-list", "me"], &[], &["\"me\"", "for example me@example.com"])
        .await;
    check_set("milena.broker.partitions=0", &["milena.broker.partitions", "a number from 1"]).await;
    check_set("spring.security.user.password=", &["spring.security.user.password"]).await;
    check_set(
        "spring.security.oauth2.client.provider.oidc.issuer-uri=sso",
        &["issuer-uri", "\"sso\""],
    )
    .await;
    let levels = &["logging.level.root", "verbose", "trace, debug, info, warn, error or off"];
    check_set("logging.level.root=verbose", levels).await;
    check(&["up"], &[("LOGGING_LEVEL_ROOT", "verbose")], levels).await;
}

#[tokio::test]
async fn help_is_no_mistake() {
    for (arguments, expected) in [
        (&["--help"][..], "up"),
        (&["help"], "up"),
        (&["up", "--help"], "--data-dir"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let ended = Program::start(folder.path(), arguments, &[]).end().await;
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{arguments:?}");
        assert!(ended.out.contains(expected), "{arguments:?}: {}", ended.out);
    }
    let folder = tempfile::tempdir().unwrap();
    let ended = Program::start(folder.path(), &[], &[]).end().await;
    assert_eq!(ended.code, Some(USAGE), "nothing asked is a mistake");
    assert!(ended.err.contains("up"), "and is answered with the help: {ended:?}");
}
