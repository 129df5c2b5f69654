//! Entity tags: who changes something else than it has seen is told so, and who has it need not read it again.

use axum::http::Method;
use serde_json::{Value, json};

use crate::shop::{JSON, Shop};

/// Changes an order in each of the ways there are, under a condition.
async fn change(shop: &Shop, method: &Method, path: &str, condition: (&str, &str)) -> u16 {
    let id: Value = path.rsplit('/').next().unwrap().parse().unwrap();
    let body = json!({ "id": id, "title": "changed" }).to_string();
    let answer = shop.send(method.clone(), path, &[JSON, condition], &body).await;
    if answer.status == 412 {
        let problem = answer.json();
        assert_eq!(problem["message"], "error.concurrencyFailure", "{problem}");
    }
    answer.status.as_u16()
}

const WAYS: [(Method, u16); 3] = [(Method::PUT, 200), (Method::PATCH, 200), (Method::DELETE, 204)];

#[tokio::test]
async fn only_what_was_seen_is_changed() {
    for (method, done) in WAYS {
        let shop = Shop::open().await;
        let path = shop.order("Moby").await;
        let tag = shop.seen(&path).await.expect(200).header("etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() == 18, "{tag}");
        shop.news();
        let weak = format!("W/{tag}");
        for stale in ["\"0123456789abcdef\"", &weak, "nonsense"] {
            assert_eq!(change(&shop, &method, &path, ("if-match", stale)).await, 412);
        }
        assert_eq!(change(&shop, &method, &path, ("if-none-match", &tag)).await, 412);
        assert_eq!(change(&shop, &method, &path, ("if-none-match", "*")).await, 412);
        assert_eq!(shop.get(&path).await.json()["title"], "Moby");
        assert_eq!(shop.news(), [""; 0]);
        let several = format!("\"0123456789abcdef\", {tag}");
        assert_eq!(change(&shop, &method, &path, ("if-match", &several)).await, done);
        let again = change(&shop, &method, &path, ("if-match", &tag)).await;
        assert_eq!(again, 412, "{method}: what was seen is not there any more");
    }
}

#[tokio::test]
async fn anything_that_is_there_can_be_asked_for() {
    for (method, done) in WAYS {
        let shop = Shop::open().await;
        let path = shop.order("Moby").await;
        assert_eq!(change(&shop, &method, &path, ("if-match", "*")).await, done);
    }
    let shop = Shop::open().await;
    for (method, status) in [(Method::PUT, 400), (Method::PATCH, 400), (Method::DELETE, 412)] {
        assert_eq!(change(&shop, &method, "/api/orders/7", ("if-match", "*")).await, status);
    }
}

#[tokio::test]
async fn of_those_who_saw_the_same_one_changes_it() {
    let shop = Shop::open().await;
    let path = shop.order("Moby").await;
    let tag = shop.seen(&path).await.header("etag").to_owned();
    let id: Value = path.rsplit('/').next().unwrap().parse().unwrap();
    let writers = (0..8).map(|number| {
        let body = json!({ "id": id, "title": format!("by {number}") }).to_string();
        let (shop, path, tag) = (&shop, &path, &tag);
        async move {
            let headers = [JSON, ("if-match", tag.as_str())];
            shop.send(Method::PUT, path, &headers, &body).await.status.as_u16()
        }
    });
    let mut statuses = futures_util::future::join_all(writers).await;
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412, 412, 412, 412, 412, 412, 412]);
}

#[tokio::test]
async fn what_is_known_is_not_sent_again() {
    let shop = Shop::open().await;
    let path = shop.order("Moby").await;
    let tag = shop.seen(&path).await.header("etag").to_owned();
    for (condition, status) in [
        (("if-none-match", &*tag), 304),
        (("if-none-match", &format!("W/{tag}")), 304),
        (("if-none-match", "*"), 304),
        (("if-none-match", "\"other\""), 200),
        (("if-match", &tag), 200),
        (("if-match", "\"other\""), 412),
    ] {
        let answer = shop.send(Method::GET, &path, &[condition], "").await.expect(status);
        if status == 304 {
            assert_eq!((answer.header("etag"), &*answer.body), (&*tag, ""), "{condition:?}");
        }
    }
}

#[tokio::test]
async fn the_answer_to_a_change_has_the_tag_that_is_read_later() {
    let shop = Shop::open().await;
    let body = json!({ "title": "Moby", "placed": "2022-09-05T18:08:31.546Z" });
    let conditional = [JSON, ("if-match", "*")];
    let path = shop.order("Moby").await;
    let mut body = body;
    body["id"] = shop.get(&path).await.json()["id"].clone();
    let before = shop.seen(&path).await;
    for (method, title) in [(Method::PUT, "Dick"), (Method::PATCH, "Ahab")] {
        body["title"] = json!(title);
        let changed = shop.send(method, &path, &conditional, &body.to_string()).await.expect(200);
        assert_eq!(changed.header("etag"), shop.seen(&path).await.header("etag"));
        assert_ne!(changed.header("etag"), before.header("etag"));
    }
    // A database may keep less of it, and what is read then is something else.
    body["placed"] = json!("2022-09-05T18:08:31.546789Z");
    let changed = shop.send(Method::PUT, &path, &conditional, &body.to_string()).await.expect(200);
    assert_eq!(changed.header("etag"), "");
}

#[tokio::test]
async fn who_makes_no_condition_sees_no_tag() {
    let shop = Shop::open().await;
    let body = json!({ "title": "Moby", "placed": "2022-09-05T18:08:31.546Z" });
    let created = shop.json(Method::POST, "/api/orders", &body).await.expect(201);
    assert_eq!(created.header("etag"), "");
    let path = created.header("location").to_owned();
    assert_eq!(shop.get(&path).await.expect(200).header("etag"), "");
    assert_ne!(shop.seen(&path).await.expect(200).header("etag"), "");
}
