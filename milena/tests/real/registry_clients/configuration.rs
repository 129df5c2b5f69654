//! A client of the Config server reads what stands in the folder, with its secrets decrypted.

use serde_json::{Value, json};

use super::{
    recorder::Recorder,
    registries::{Maker, Registry, using},
    strangers::Stranger,
};
use crate::fresh;

/// `secret`, as Spring's server encrypted it once.
const SECRET: &str = "283de0134df6f201d0322bdc54aa1a3f303930983caf408257d339955f83ef11";
/// What Spring's clients want: each value with the place where it stands.
const WITH_ORIGINS: &str = "application/vnd.spring-cloud.config-server.v2+json";

#[tokio::test]
async fn a_python_program_reads_our_configuration() {
    check(Maker::Ours, "configuration.py").await;
}

#[tokio::test]
async fn a_python_program_reads_springs_configuration() {
    check(Maker::Spring, "configuration.py").await;
}

#[tokio::test]
async fn a_javascript_program_reads_our_configuration() {
    check(Maker::Ours, "configuration.js").await;
}

#[tokio::test]
async fn a_javascript_program_reads_springs_configuration() {
    check(Maker::Spring, "configuration.js").await;
}

/// Puts files for an application into the folder of a registry.
pub(super) fn write(registry: &Registry, name: &str) {
    registry.write(
        "application.yml",
        "shared:\n  greeting: from all\n  overridden: from all\n  list: [x, y, z]\n",
    );
    let application = format!(
        "shared:
  overridden: from the application
  list: [a, b]
sample:
  secret: '{{cipher}}{SECRET}'
  number: 5
  truth: true
  text: \"grün 🕯 #1\"
  from: ${{sample.number}} ${{nowhere:default}}
---
spring.config.activate.on-profile: prod
sample:
  document: of production
---
spring.config.activate.on-profile: dev
sample:
  document: of development
"
    );
    registry.write(&format!("{name}.yml"), &application);
    registry.write(&format!("{name}-prod.properties"), "sample.file = of production\n");
}

/// A key as a client writes it, and its value as text.
type Property = (&'static str, &'static str);

/// What a client makes of the files. The third of the list is only in the weaker file: a client that keeps flat keys sees it there,
/// one that merges lists does not.
fn expected([first, third]: [Property; 2], placeholders: &'static str) -> Vec<Property> {
    vec![
        ("shared.greeting", "from all"),
        ("shared.overridden", "from the application"),
        first,
        third,
        ("sample.secret", "secret"),
        ("sample.number", "5"),
        ("sample.truth", "true"),
        ("sample.text", "grün 🕯 #1"),
        ("sample.from", placeholders),
        ("sample.document", "of production"),
        ("sample.file", "of production"),
        ("sample.nothing", ""),
    ]
}

async fn reads(stranger: &mut Stranger, expected: &[(&str, &str)]) {
    let question: Vec<_> =
        ["properties"].into_iter().chain(expected.iter().map(|(key, _)| *key)).collect();
    let answer = stranger.ask(&question).await;
    let values = answer.as_array().unwrap_or_else(|| panic!("{answer}"));
    let read: Vec<_> =
        expected.iter().zip(values).map(|((key, _), value)| (*key, text(value))).collect();
    let expected: Vec<_> =
        expected.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    assert_eq!(read, expected);
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

async fn check(maker: Maker, program: &str) {
    using(maker, async |registry: &Registry| {
        let name = fresh("reader").replace('_', "-");
        write(registry, &name);
        registry.write("notes.txt", "a file, as it is\n");
        let recorder = Recorder::before(&registry.url).await;
        let mut reader = Stranger::reader(program, &recorder.url, &name).await;
        let list = if program.ends_with(".py") {
            [("shared.list.0", "a"), ("shared.list.2", "")]
        } else {
            [("shared.list[0]", "a"), ("shared.list[2]", "z")]
        };
        reads(&mut reader, &expected(list, "${sample.number} ${nowhere:default}")).await;
        let asked = recorder.with("GET", |path| path == format!("/config/{name}/prod/main"));
        let [asked] = &asked[..] else { panic!("asked once: {asked:?}") };
        assert_eq!(
            (asked.status, asked.kind.split(';').next().unwrap()),
            (200, "application/json")
        );
        if program.ends_with(".py") {
            encrypts(&mut reader).await;
            assert_eq!(reader.ask(&["file", "notes.txt"]).await, "a file, as it is\n");
        }
        reader.end().await;
    })
    .await;
}

/// What the server has encrypted it decrypts, and what Spring's encrypted, too.
async fn encrypts(reader: &mut Stranger) {
    let encrypted = reader.ask(&["encrypt", "a new secret"]).await;
    let encrypted = encrypted.as_str().unwrap_or_else(|| panic!("{encrypted}"));
    assert_ne!(encrypted, "a new secret");
    assert_eq!(reader.ask(&["decrypt", encrypted]).await, "a new secret");
    assert_eq!(reader.ask(&["decrypt", SECRET]).await, "secret");
}

/// A service of Spring has read it at its start, and reads it again when it is told to.
pub(super) async fn of_spring(
    registry: &Registry,
    recorder: &Recorder,
    stranger: &mut Stranger,
    name: &str,
) {
    let list = [("shared.list[0]", "a"), ("shared.list[2]", "z")];
    reads(stranger, &expected(list, "5 default")).await;
    let asked = recorder.with("GET", |path| path == format!("/config/{name}/prod/main"));
    assert!(!asked.is_empty(), "{:?}", recorder.exchanges());
    for exchange in &asked {
        assert_eq!(exchange.status, 200, "{exchange:?}");
        assert!(exchange.accept.contains(WITH_ORIGINS), "{exchange:?}");
        assert!(exchange.kind.contains(WITH_ORIGINS), "{exchange:?}");
    }
    registry.write(&format!("{name}-prod.properties"), "sample.file = changed\n");
    let changed = stranger.ask(&["refresh"]).await;
    assert!(
        changed.as_array().is_some_and(|keys| keys.contains(&json!("sample.file"))),
        "{changed}"
    );
    assert_eq!(stranger.ask(&["properties", "sample.file"]).await, json!(["changed"]));
}
