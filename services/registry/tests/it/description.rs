//! What the registry says of itself.

use serde_json::Value;

use crate::world::World;

async fn ask(world: &World, path: &str) -> (u16, Value) {
    let request = reqwest::Client::new().get(world.at(path)).basic_auth("admin", Some("admin"));
    let answer = request.send().await.unwrap();
    (
        answer.status().as_u16(),
        serde_json::from_str(&answer.text().await.unwrap()).unwrap_or_default(),
    )
}

#[tokio::test]
async fn its_health_has_what_the_java_registry_tells_of_its_parts() {
    let world = World::start().await;
    let config = world.folder.path().join("central-config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("application.yml"), "a: 1\n").unwrap();
    world.register("BOOK", "book:1", 1, serde_json::json!({})).await;
    let (_, health) = ask(&world, "/management/health").await;
    let parts = &health["components"];
    let repository = &parts["configServer"]["details"]["repositories"][0];
    assert_eq!(repository["sources"].as_array().unwrap().len(), 1, "{health:#}");
    assert!(repository["sources"][0].as_str().unwrap().ends_with("/application.yml"));
    assert_eq!(
        (&repository["name"], &repository["profiles"][0]),
        (&"app".into(), &"default".into())
    );
    let eureka = &parts["discoveryComposite"]["components"]["eureka"];
    assert_eq!(eureka["details"]["applications"]["BOOK"], 1);

    // A file that cannot be read is a reason to look, not to take the registry out of rotation.
    std::fs::write(config.join("application.yml"), "a: [").unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(1100)).await;
    let (status, health) = ask(&world, "/management/health").await;
    assert_eq!(health["components"]["configServer"]["status"], "DOWN", "{health:#}");
    assert_eq!((status, &health["status"]), (200, &"UP".into()));
    world.stop().await;
}

#[tokio::test]
async fn its_document_names_what_it_answers() {
    let world = World::start().await;
    let (status, document) = ask(&world, "/v3/api-docs").await;
    assert_eq!(status, 200);
    assert_eq!(document["servers"][0]["url"], world.registry.as_str());
    let paths = document["paths"].as_object().unwrap();
    let recorded = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../contracts/recorded/cases/registry/057-basic-get-v3-api-docs.json"
    );
    let recorded: Value =
        serde_json::from_str(&std::fs::read_to_string(recorded).unwrap()).unwrap();
    let theirs: Value =
        serde_json::from_str(recorded["response"]["body"].as_str().unwrap()).unwrap();
    for path in theirs["paths"].as_object().unwrap().keys() {
        assert!(paths.contains_key(path), "{path}");
    }
    for (path, operations) in paths {
        let Some(operation) = operations.get("get").filter(|_| !path.contains(['{', '*'])) else {
            continue;
        };
        let needed = operation["parameters"].as_array().into_iter().flatten();
        let needed = needed.filter(|parameter| parameter["required"] == true);
        let query: Vec<_> =
            needed.map(|parameter| format!("{}=x", parameter["name"].as_str().unwrap())).collect();
        let (status, _) = ask(&world, &format!("{path}?{}&to=x", query.join("&"))).await;
        // There is no key to be shown, and no branch in a folder.
        let expected = match path.as_str() {
            "/api/ssh/public_key" => 404,
            "/api/history" => 400,
            _ => 200,
        };
        assert_eq!(status, expected, "{path}");
    }
    world.stop().await;
}
