//! Long lists, and lists of much text.

use reqwest::StatusCode;

use crate::{
    pages::{BOOKS, add, check_page},
    world::World,
};

#[tokio::test]
async fn long_lists_are_shown_in_pages_newest_first() {
    let world = World::start().await;
    let admin = world.admin().await;
    for number in 1..=45 {
        add(&world, &admin, &format!("Volume {number}.")).await.location();
    }
    let first = admin.get(&world.at(BOOKS)).await;
    first.shows("Volume 45.");
    first.shows("Volume 26.");
    first.hides("Volume 25.");
    first.shows("1–20 of 45 Next");
    let last = admin.get(&world.at(&format!("{BOOKS}?page=2"))).await;
    last.shows("Previous 41–45 of 45");
    last.hides("Next");
    let beyond = admin.get(&world.at(&format!("{BOOKS}?page=9"))).await;
    check_page(&beyond);
    beyond.shows("Nothing on this page");
    world.stop().await;
}

#[tokio::test]
async fn a_list_of_large_texts_is_shown_all_the_same() {
    let world = World::start().await;
    let admin = world.admin().await;
    add(&world, &admin, "Emma").await.location();
    for _ in 0..6 {
        add(&world, &admin, "heavy 1").await.location();
    }
    let list = admin.get(&world.at(BOOKS)).await;
    assert_eq!(list.status, StatusCode::OK);
    check_page(&list);
    list.shows(&format!("heavy {}… ", "x".repeat(74)));
    list.shows("Emma");
    list.shows("1–7 of 7");
    list.hides("too large");
    assert!(list.body.len() < 20_000, "{} bytes", list.body.len());
    let view = admin.get(&world.at(&format!("{BOOKS}/1002"))).await;
    assert!(view.body.len() > 1024 * 1024, "{} bytes", view.body.len());

    add(&world, &admin, "heavy 5").await.location();
    let list = admin.get(&world.at(BOOKS)).await;
    assert_eq!(list.status, StatusCode::OK);
    check_page(&list);
    list.shows("1 of the books on this page is too large to be shown.");
    list.shows("Emma");
    list.shows("1–8 of 8");
    let view = admin.get(&world.at(&format!("{BOOKS}/1008"))).await;
    assert_eq!(view.status, StatusCode::BAD_GATEWAY);
    view.shows("The service library answers with more than a page can show.");
    world.stop().await;
}
