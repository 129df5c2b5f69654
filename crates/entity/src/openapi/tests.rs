//! What a document says of an entity.

use super::*;
use crate::codec::tests::ORDER;

fn shop() -> Value {
    let (title, description) = ("Shop API", "Shop API documentation");
    OpenApi { title, description, version: "0.0.1", entities: &[&ORDER], more: &[] }.document()
}

#[test]
fn describes_the_resource_and_its_fields() {
    let document = shop();
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(paths, ["/api/orders/{id}", "/api/orders"]);
    assert_eq!(document["info"]["title"], "Shop API");
    assert_eq!(
        document["components"]["schemas"]["Order"].to_string(),
        r#"{"required":["placed","title"],"type":"object","properties":{"id":{"type":"integer","format":"int64"},"title":{"type":"string","maxLength":20},"state":{"type":"string","enum":["NEW","PAID",null],"nullable":true},"count":{"type":"integer","format":"int32","minimum":1,"maximum":9,"nullable":true},"price":{"type":"number","format":"double","nullable":true},"gift":{"type":"boolean","nullable":true},"placed":{"type":"string","format":"date-time"}}}"#
    );
    let operation = &document["paths"]["/api/orders"]["post"];
    let statuses: Vec<_> = operation["responses"].as_object().unwrap().keys().collect();
    assert_eq!(
        statuses,
        ["200", "201", "400", "401", "406", "408", "409", "413", "415", "422", "503"]
    );
    assert_eq!(operation["parameters"][0]["name"], "Idempotency-Key");
}

#[test]
fn names_the_filters_that_fit() {
    let document = shop();
    let parameters = document["paths"]["/api/orders"]["get"]["parameters"].as_array().unwrap();
    let of = |field: &str| {
        let names = parameters.iter().filter_map(|parameter| parameter["name"].as_str());
        names.filter_map(|name| name.strip_prefix(field)?.strip_prefix('.')).collect::<Vec<_>>()
    };
    let first = ["equals", "notEquals", "in", "notIn", "specified"];
    let order = ["greaterThan", "lessThan", "greaterThanOrEqual", "lessThanOrEqual"];
    assert_eq!(of("state"), first);
    assert_eq!(of("count"), [&first[..], &order].concat());
    assert_eq!(of("title"), [&first[..], &["contains", "doesNotContain"], &order].concat());
    assert_eq!(of("id"), [&first[..], &order].concat());
}
