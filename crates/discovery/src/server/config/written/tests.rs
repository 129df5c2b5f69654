//! What the original wrote of the same values.

use super::*;
use crate::server::config::{
    flat,
    source::{self, Source},
};

fn check(yaml_in: &str, expected: &str) {
    let document = source::parse("a.yml", yaml_in.as_bytes()).unwrap().remove(0);
    let source = Source {
        name: String::new(),
        file: String::new(),
        commit: None,
        properties: document.properties,
    };
    let sources = [source];
    assert_eq!(yaml(&flat::nested(&flat::flat(&sources)).unwrap()), expected, "{yaml_in}");
}

#[test]
fn texts_have_the_quotes_of_the_original() {
    for (given, expected) in [
        ("'yes'", "'yes'"),
        ("'12'", "'12'"),
        ("'1.5'", "'1.5'"),
        ("'null'", "'null'"),
        ("'2024-01-02'", "'2024-01-02'"),
        ("'a: b'", "'a: b'"),
        ("'a # b'", "'a # b'"),
        ("'*x'", "'*x'"),
        ("'  x '", "'  x '"),
        ("''", "''"),
        ("'%x'", "'%x'"),
        ("'@x'", "'@x'"),
        ("'- x'", "'- x'"),
        ("'-x'", "-x"),
        ("'? x'", "'? x'"),
        ("'!x'", "'!x'"),
        ("\"it's\"", "it's"),
        ("'say \"hi\"'", "say \"hi\""),
        ("'a\\b'", "a\\b"),
        ("'<a>&amp;'", "<a>&amp;"),
        ("'a, b'", "a, b"),
        ("'{x}'", "'{x}'"),
        ("'='", "="),
        ("'<<'", "'<<'"),
        ("\"a\\tb\"", "\"a\\tb\""),
        ("'a:b'", "a:b"),
        ("'a:'", "'a:'"),
        ("'a#b'", "a#b"),
        ("gr\u{fc}n \u{1f56f}", "gr\u{fc}n \u{1f56f}"),
        ("'--- x'", "'--- x'"),
        ("\"'x\"", "'''x'"),
        ("1.50", "1.5"),
        ("[]", "[]"),
        ("{}", "{}"),
        ("~", "''"),
    ] {
        check(&format!("a: {given}\n"), &format!("a: {expected}\n"));
    }
}

#[test]
fn lines_stay_lines() {
    check("a:\n  b: \"x\\ny\"\n", "a:\n  b: |-\n    x\n    y\n");
    check("a: \"x\\ny\\n\"\n", "a: |\n  x\n  y\n");
    check("a: \"x\\n\\ny\\n\\n\"\n", "a: |+\n  x\n\n  y\n\n");
    check("a: \" x\\ny\"\n", "a: |2-\n   x\n  y\n");
}

#[test]
fn long_texts_are_folded_at_blanks() {
    let long = "a very long text that goes on and on until it is longer than eighty columns because the writer of YAML folds such text";
    let folded = "a very long text that goes on and on until it is longer than eighty columns\n    because the writer of YAML folds such text";
    check(&format!("demo:\n  long: {long}\n"), &format!("demo:\n  long: {folded}\n"));
    check(&format!("demo:\n  long: '# {long}'\n"), &format!("demo:\n  long: '# {folded}'\n"));
}

#[test]
fn lists_stand_below_their_keys() {
    check("a:\n  - b: 1\n    c: [x, y]\n  - - z\n", "a:\n- b: 1\n  c:\n  - x\n  - y\n- - z\n");
    check("a: 1\na.b: 2\n'on': 3\n", "a: 1\na.b: 2\n'on': 3\n");
}
