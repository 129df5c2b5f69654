//! The pages that show the registry itself.

use std::fs;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::{
    browser::Browser,
    world::{World, listener},
};

#[tokio::test]
async fn visitors_are_sent_to_sign_in_and_programs_find_nothing() {
    let world = World::start().await;
    let (visitor, program) = (Browser::fresh(), Browser::fresh().reading_json());
    for path in [
        "/",
        "/applications",
        "/history",
        "/configuration",
        "/encryption",
        "/replicas",
        "/instance",
    ] {
        let sent = visitor.get(&world.at(path)).await;
        assert!(sent.location().starts_with("/oauth2/authorization/oidc?return=%2F"), "{path}");
        assert_eq!(program.get(&world.at(path)).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    world.stop().await;
}

#[tokio::test]
async fn every_page_is_complete_and_allows_no_script() {
    let world = World::start().await;
    let app = json!({ "metadata": { "version": "1.2.3", "profile": "prod" } });
    world.register("BOOK", "book:1", 8082, app).await;
    world.register("BOOK", "book:2", 8083, json!({ "status": "DOWN" })).await;
    let admin = world.admin().await;
    for (path, told) in [
        ("/", "1 of 2 up"),
        ("/", "Instances that take no requests"),
        ("/applications", "127.0.0.1:8082 1.2.3 prod"),
        ("/applications?name=oo", "book:2 DOWN"),
        ("/applications?name=nobody", "No application has NOBODY in its name"),
        ("/instance?app=BOOK&id=book:1", "version 1.2.3"),
        ("/instance?app=BOOK&id=book:1", "Take out of service"),
        ("/instance/status?app=BOOK&id=book:1&to=UP", "Set the status to UP?"),
        ("/history", "Who was registered at (UTC)"),
        ("/history?at=nonsense", "nonsense is no time."),
        ("/configuration", "Sources, the strongest first"),
        ("/encryption", "Nothing that you enter here is kept."),
        ("/replicas", "This registry is alone"),
    ] {
        let page = admin.get(&world.at(path)).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        page.shows(told);
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'self'"), "{policy}");
        assert!(!page.body.contains("<script") && !page.body.contains("style="), "{path}");
    }
    let sheet = admin.get(&world.at("/")).await.attribute("rel=\"stylesheet\"", "href");
    let sheet = Browser::fresh().get(&world.at(&sheet)).await;
    assert_eq!(
        (sheet.status, sheet.header("content-type")),
        (StatusCode::OK, "text/css; charset=utf-8")
    );
    for path in ["/instance?app=BOOK&id=nobody", "/instance/health?app=NOBODY&id=book:1"] {
        let page = admin.get(&world.at(path)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        page.shows("Nothing is here");
    }
    let page = admin.get(&world.at("/instance?app=BOOK")).await;
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.shows("The address lacks a name that this page needs");
    world.stop().await;
}

#[tokio::test]
async fn other_registries_are_shown_with_how_it_stands_with_them() {
    let (closed, address) = listener().await;
    drop(closed);
    let world = World::start_beside(&[&format!("http://admin:hunter2@{address}/eureka")]).await;
    let page = world.admin().await.get(&world.at("/replicas")).await;
    page.shows(&address);
    page.hides("hunter2");
    world.stop().await;
}

#[tokio::test]
async fn what_attackers_register_is_shown_as_text() {
    let world = World::start().await;
    let attack = "<img src=x onerror=alert(1)>\"'&";
    let members = json!({
        "hostName": "<b>host</b>", "ipAddr": attack, "homePageUrl": format!("javascript:{attack}"),
        "metadata": { attack: attack, "version": attack, "profile": attack },
    });
    world.register("BOOK", attack, 8082, members).await;
    let admin = world.admin().await;
    let page = admin.get(&world.at("/applications")).await;
    page.shows(attack);
    let instance = page.attribute("data-label=\"Instance\"", "href");
    let mut pages = vec![page, admin.get(&world.at("/")).await];
    for path in ["", "/status", "/health"] {
        let path = instance.replacen("/instance", &format!("/instance{path}"), 1);
        pages.push(admin.get(&world.at(&format!("{path}&to=OUT_OF_SERVICE"))).await);
    }
    for page in &pages {
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(!page.body.contains("<img") && !page.body.contains("<b>host"), "{}", page.body);
        assert!(!page.body.contains("href=\"javascript:"), "{}", page.body);
    }
    pages[2].shows(attack);
    world.stop().await;
}

#[tokio::test]
async fn the_configuration_is_shown_with_where_it_comes_from() {
    let world = World::start().await;
    let folder = world.folder.path().join("central-config");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("application.yml"), "shelf:\n  rows: 3\n  password: hunter2\n").unwrap();
    fs::write(folder.join("library-prod.yml"), "shelf:\n  rows: 4\n").unwrap();
    let admin = world.admin().await;
    let page =
        admin.get(&world.at("/configuration?application=library&profile=prod&label=main")).await;
    page.shows("shelf.rows 4");
    page.shows("library-prod.yml");
    page.shows("application.yml, line 2");
    page.shows("shelf.password ******");
    page.hides("hunter2");
    let address = "/configuration?application=library&profile=prod&label=&with=main";
    admin.get(&world.at(address)).await.shows("Nothing would change for this application");
    let told = admin.get(&world.at("/api/config/effective?application=library&profile=prod")).await;
    let told: Value = serde_json::from_str(&told.body).unwrap();
    let rows = &told["properties"][1];
    assert_eq!([&rows["key"], &rows["value"]], ["shelf.rows", "4"], "{told}");
    assert_eq!(rows["origin"]["line"], 2, "{told}");
    assert_eq!(rows["overrides"][0]["value"], "3", "{told}");
    let unsaid = admin.get(&world.at("/api/config/difference?application=a&profile=b")).await;
    assert_eq!(unsaid.status, StatusCode::BAD_REQUEST);
    let wrong = admin.get(&world.at("/configuration?application=..&profile=prod&label=")).await;
    assert_eq!(wrong.status, StatusCode::OK);
    assert!(wrong.body.contains("role=\"alert\""), "{}", wrong.body);
    world.stop().await;
}
