use serde_json::json;

use super::*;

fn told(sections: &[Section]) -> Vec<String> {
    let section = |section: &Section| {
        let badge = section.badge.as_ref().map(|badge| badge.text.clone()).unwrap_or_default();
        let leaves = section.leaves.iter().map(|leaf| format!("{}={}", leaf.name, leaf.value));
        format!("{}|{badge}|{}", section.title, leaves.collect::<Vec<_>>().join(","))
    };
    sections.iter().map(section).collect()
}

#[test]
fn health_is_shown_part_by_part() {
    let health = json!({ "status": "DOWN", "components": {
        "db": { "status": "UP", "details": { "database": "PostgreSQL" } },
        "discoveryComposite": { "status": "DOWN", "components": { "eureka": { "status": "DOWN" } } },
    }, "groups": ["liveness"] });
    assert_eq!(
        told(&components(&health)),
        [
            "All together|DOWN|",
            "db|UP|database=PostgreSQL",
            "discoveryComposite|DOWN|",
            "discoveryComposite / eureka|DOWN|",
        ]
    );
}

#[test]
fn an_environment_is_shown_source_by_source_and_can_be_narrowed() {
    let answer = json!({ "propertySources": [
        { "name": "systemEnvironment", "properties": { "HOME": { "value": "/root", "origin": "x" } } },
        { "name": "application.yml", "properties": { "server.port": { "value": 8082 }, "a": { "value": "******" } } },
    ]});
    let mut sections = property_sources(&answer);
    assert_eq!(
        told(&sections),
        ["systemEnvironment||HOME=/root", "application.yml||server.port=8082,a=******"]
    );
    narrow(&mut sections, "PORT");
    assert_eq!(told(&sections), ["application.yml||server.port=8082"]);
}

#[test]
fn what_is_of_another_shape_shows_nothing_and_harms_nothing() {
    for answer in [
        json!(null),
        json!([1]),
        json!("x"),
        json!({ "paths": 1, "contexts": [], "propertySources": {} }),
    ] {
        assert_eq!(property_sources(&answer), []);
        assert_eq!(beans(&answer), []);
        assert_eq!(operations(&answer)[0].leaves, []);
        components(&answer);
        members(&answer);
    }
}

#[test]
fn operations_are_listed_with_what_they_are_for() {
    let document = json!({ "info": { "title": "Books", "version": "1" }, "paths": { "/api/books": {
        "post": { "operationId": "createBook" }, "get": { "summary": "All books", "operationId": "x" }, "parameters": [],
    }}});
    assert_eq!(
        told(&operations(&document)),
        ["Books 1||GET /api/books=All books,POST /api/books=createBook"]
    );
}
