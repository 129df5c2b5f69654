//! The documents of all interfaces: Swagger UI with its files, and the list that it shows.

use reqwest::{StatusCode, header};
use serde_json::{Value, json};

use crate::{
    browser::{Answer, Browser},
    sign_in,
    world::{World, until},
};

const PAGE: &str = "/swagger-ui/index.html";
const LIST: &str = "/v3/api-docs/swagger-config";

fn json(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:?}"))
}

/// Every address that a page names.
fn addresses(page: &str) -> Vec<&str> {
    let behind = |attribute: &'static str| page.split(attribute).skip(1);
    let named = behind("href=\"").chain(behind("src=\""));
    named.filter_map(|rest| rest.split('"').next()).collect()
}

#[tokio::test]
async fn the_page_and_all_that_it_needs_come_from_the_program() {
    let world = World::start().await;
    let anybody = Browser::fresh();
    let page = anybody.get(&world.at(PAGE)).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.header("cache-control").starts_with("no-cache"), "{page:?}");
    for elsewhere in ["http:", "https:", "\"//", "<script>", "onclick", "style="] {
        assert!(!page.body.contains(elsewhere), "{elsewhere} in {}", page.body);
    }
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; script-src 'self'; "), "{policy}");
    assert!(policy.contains("; connect-src 'self'; "), "{policy}");

    let mut kinds = Vec::new();
    for address in addresses(&page.body).into_iter().filter(|address| *address != "/") {
        if address.starts_with("data:") {
            continue;
        }
        let file = anybody.get(&world.at(address)).await;
        assert_eq!(file.status, StatusCode::OK, "{address}");
        assert!(file.body.len() > 500, "{address}: {} bytes", file.body.len());
        assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable");
        assert_eq!(file.header("vary"), "accept-encoding");
        assert!(!file.headers.contains_key(header::SET_COOKIE), "{address}");
        kinds.push(file.header("content-type").to_owned());
    }
    let [css, script] = ["text/css; charset=utf-8", "text/javascript; charset=utf-8"];
    assert_eq!(kinds, [css, css, script, script]);
    for nowhere in ["/swagger-ui/swagger-initializer.js", "/swagger-ui/nope", "/swagger-ui/a/b"] {
        assert_eq!(anybody.get(&world.at(nowhere)).await.status, StatusCode::NOT_FOUND);
    }
    for other in ["/swagger-ui", "/swagger-ui/", "/swagger-ui.html", "/admin/docs"] {
        assert_eq!(anybody.get(&world.at(other)).await.location(), PAGE);
    }
    world.stop().await;
}

#[tokio::test]
async fn a_large_file_travels_packed() {
    let world = World::start().await;
    let page = Browser::fresh().get(&world.at(PAGE)).await.body;
    let bundle = addresses(&page).into_iter().find(|name| name.contains("bundle")).unwrap();
    let request =
        reqwest::Client::new().get(world.at(bundle)).header("accept-encoding", "gzip, br");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.headers()[header::CONTENT_ENCODING], "gzip");
    let length: usize = answer.headers()[header::CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    let bytes = answer.bytes().await.unwrap();
    assert_eq!(bytes.len(), length);
    assert!(bytes.starts_with(b"\x1f\x8b") && length < 600_000, "{length} bytes");
    world.stop().await;
}

#[tokio::test]
async fn only_administrators_get_the_list() {
    let world = World::start().await;
    let at = world.at(LIST);
    let anonymous = Browser::fresh().reading_json().get(&at).await;
    assert_eq!(anonymous.status, StatusCode::UNAUTHORIZED);
    assert_eq!(json(&anonymous)["detail"], "Not Authenticated");
    let user = sign_in::signed_in(&world, "user").await.reading_json().get(&at).await;
    assert_eq!(user.status, StatusCode::FORBIDDEN);
    assert_eq!(json(&user)["detail"], "Access Denied");
    world.stop().await;
}

#[tokio::test]
async fn the_list_names_every_document_that_can_be_read() {
    let mut world = World::start().await;
    world.add_absent("attic").await;
    let admin = sign_in::signed_in(&world, "admin").await.reading_json();
    let at = world.at(LIST);
    until("the silent service is named", || async {
        json(&admin.get(&at).await)["silent"] == json!(["attic"])
    })
    .await;
    let list = json(&admin.get(&at).await);
    assert_eq!(
        list["urls"],
        json!([
            { "name": "library (lending)", "url": "/services/library/v3/api-docs/group" },
            { "name": "gateway (default)", "url": "/v3/api-docs/springdocDefault" },
            { "name": "gateway (management)", "url": "/v3/api-docs/management" },
        ])
    );
    for document in list["urls"].as_array().unwrap() {
        let url = document["url"].as_str().unwrap();
        let read = json(&admin.get(&world.at(url)).await);
        assert_eq!(read["openapi"], "3.0.1", "{url}");
    }
    world.stop().await;
}

#[tokio::test]
async fn everything_that_the_gateway_describes_is_there() {
    let world = World::start().await;
    let admin = world.admin().await.reading_anything();
    for group in ["springdocDefault", "management"] {
        let document = Browser::fresh().get(&world.at(&format!("/v3/api-docs/{group}"))).await;
        let document = json(&document);
        assert_eq!(document["servers"][0]["url"], world.gateway);
        for (path, operations) in document["paths"].as_object().unwrap() {
            let mut path = path.replace("/**", "/ping");
            for (parameter, value) in [
                ("{name}", "ROOT"),
                ("{toMatch}", "jhipster.security.oauth2.audience"),
                ("{prefix}", "jhipster.security.oauth2"),
            ] {
                path = path.replace(parameter, value);
            }
            if operations.get("get").is_some() {
                let answer = admin.get(&world.at(&path)).await;
                assert_eq!(answer.status, StatusCode::OK, "{path}: {answer:?}");
            }
        }
    }
    world.stop().await;
}

#[tokio::test]
async fn administrators_find_a_link_and_others_do_not() {
    let world = World::start().await;
    let page = world.admin().await.get(&world.at("/")).await;
    page.shows("Home Books Mails API");
    page.shows("Every operation of every service");
    assert_eq!(page.attribute("administration", "href"), PAGE);
    let page = world.program("user").await.get(&world.at("/")).await;
    page.shows("Home Books Mails");
    page.hides("API");
    world.stop().await;
}
