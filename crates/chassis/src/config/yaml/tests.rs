//! What becomes of mappings, lists and anchors, and what is refused.

use super::{Kind, documents, flatten};

fn check(text: &str, expected: &[(&str, &str)]) {
    let entries = flatten(text).unwrap();
    let entries: Vec<_> =
        entries.iter().map(|entry| (entry.key.as_str(), entry.value.as_str())).collect();
    assert_eq!(entries, expected, "{text}");
}

#[test]
fn reads_nested_and_dotted_keys() {
    check("a:\n  b: 1\n  c.d: true\n", &[("a.b", "1"), ("a.c.d", "true")]);
    check("list:\n  - x\n  - y: 2\n", &[("list[0]", "x"), ("list[1].y", "2")]);
    check("empty:\n", &[("empty", "")]);
    check("empty: []\n", &[("empty", "")]);
    check("empty: {}\n", &[]);
    check("", &[]);
    check("# nothing\n", &[]);
    check(
        "a:\n  1: x\n  '[b.c]': y\n  on: z\n",
        &[("a[1]", "x"), ("a[b.c]", "y"), ("a[true]", "z")],
    );
    check("- a\n- b: 1\n", &[("document[0]", "a"), ("document[1].b", "1")]);
    check("text", &[("document", "text")]);
}

#[test]
fn follows_anchors_and_merges() {
    check("a: &x {b: 1}\nc: *x\n", &[("a.b", "1"), ("c.b", "1")]);
    check(
        "a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\n  e: 4\n",
        &[("a.b", "1"), ("a.c", "2"), ("d.b", "1"), ("d.c", "3"), ("d.e", "4")],
    );
    check("a:\n  <<: [{b: 1}, {b: 2, c: 3}]\n", &[("a.b", "1"), ("a.c", "3")]);
    check("a: '<<'\n", &[("a", "<<")]);
}

#[test]
fn tells_what_a_value_is_and_where() {
    let entries = documents("a:\n  b: 1.0\n  c: '1'\n  d: !!str 1\n  e: []\n  f: {}\n").unwrap();
    let seen: Vec<_> =
        entries[0].iter().map(|e| (e.value.as_str(), e.kind, e.line, e.column)).collect();
    assert_eq!(
        seen,
        [
            ("1.0", Kind::Literal, 2, 6),
            ("1", Kind::Text, 3, 6),
            ("1", Kind::Text, 4, 6),
            ("", Kind::EmptyList, 5, 6),
            ("", Kind::EmptyMapping, 6, 6),
        ]
    );
}

#[test]
fn empty_values_and_lines_stand_where_the_original_finds_them() {
    let text = "a:\n  b:\n  c: |- # x | y\n\n    one\n    two |\n  d:\n    - >2\n      x\n  e: 1\n";
    let entries = documents(text).unwrap();
    let seen: Vec<_> = entries[0].iter().map(|e| (e.key.as_str(), e.line, e.column)).collect();
    assert_eq!(seen, [("a.b", 2, 5), ("a.c", 3, 6), ("a.d[0]", 8, 7), ("a.e", 10, 6)]);
}

#[test]
fn reads_every_document_that_says_something() {
    let documents = documents("a: 1\n---\n---\na: 2\nb: 3\n").unwrap();
    assert_eq!(documents.iter().map(Vec::len).collect::<Vec<_>>(), [1, 2]);
}

fn refuses(text: &str, reason: &str) {
    let error = documents(text).unwrap_err();
    assert!(error.contains(reason), "{error}");
}

#[test]
fn says_where_it_cannot_go_on() {
    refuses("a: [1\nb: }", "");
    refuses(&"[".repeat(200), "");
    refuses(&"- ".repeat(100), "nested deeper than 64 levels");
    refuses("a: 1\na: 2\n", "line 2: the key a stands twice");
    refuses("? [a]\n: 1\n", "line 1: a key must be text");
    refuses("a: &x [*x]\n", "line 1: an alias of what contains it");
    refuses("a:\n  <<: 1\n", "line 2: only mappings can be merged");
}

#[test]
fn nothing_small_becomes_something_huge() {
    let mut laughs = "a0: &a0 [x, x]\n".to_owned();
    for n in 1..30 {
        laughs.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    refuses(&laughs, "more than 50 aliases of lists and mappings");
    let mut laughs = "a0: &a0 [x, x]\n".to_owned();
    for n in 1..24 {
        laughs.push_str(&format!("a{n}: &a{n} [*a{0}, *a{0}]\n", n - 1));
    }
    refuses(&laughs, "more than 50000 values");
}
