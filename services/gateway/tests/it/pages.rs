//! The pages, as somebody who is signed in sees them.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::{
    browser::{Answer, Browser},
    world::{World, until},
};

pub(crate) const BOOKS: &str = "/entities/library/books";

/// Holds for every page: our own headers, no script, no style but the sheet's, a language and one heading.
pub(crate) fn check_page(page: &Answer) {
    let policy = page.header("content-security-policy");
    assert!(policy.starts_with("default-src 'none'; style-src 'self'; "), "{policy}");
    assert_eq!(page.header("referrer-policy"), "strict-origin-when-cross-origin");
    assert_eq!(page.header("x-frame-options"), "DENY");
    assert!(page.header("permissions-policy").starts_with("camera=()"));
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    for forbidden in ["<script", "style=", "onclick", "javascript:"] {
        assert!(!page.body.contains(forbidden), "{forbidden} in {}", page.body);
    }
    assert!(page.body.contains("<html lang=\"en\">") && page.body.contains("name=\"viewport\""));
    assert_eq!(page.body.matches("<h1>").count(), 1, "{}", page.body);
}

pub(crate) async fn add(world: &World, admin: &Browser, title: &str) -> Answer {
    let form = [
        ("title", title),
        ("loanState", "HERE"),
        ("orderedAt", "2026-01-02T03:04:05"),
        ("pages", ""),
    ];
    admin.post(&world.at(&format!("{BOOKS}/new")), &form).await
}

async fn book(world: &World, admin: &Browser, id: &str) -> Value {
    serde_json::from_str(
        &admin.get(&world.at(&format!("/services/library/api/books/{id}"))).await.body,
    )
    .unwrap()
}

#[tokio::test]
async fn the_first_page_shows_what_there_is() {
    let mut world = World::start().await;
    let admin = world.admin().await;
    world.add_absent("attic").await;
    let at = world.at("/");
    until("the silent service is named", || async {
        admin.get(&at).await.text().contains("attic does not answer")
    })
    .await;
    let page = admin.get(&at).await;
    check_page(&page);
    page.shows("admin Sign out");
    page.shows("Home Books Mails");
    page.shows("Create a new book");
    page.shows("Change its loan state");
    page.hides("registry");
    world.stop().await;
}

#[tokio::test]
async fn a_service_that_just_came_up_is_shown_within_two_seconds() {
    let mut world = World::start().await;
    let admin = world.admin().await;
    let at = world.at("/");
    admin.get(&at).await.hides("archive");
    let started = tokio::time::Instant::now();
    world.add_library("archive").await;
    until("the new service is shown", || async { admin.get(&at).await.text().contains("archive") })
        .await;
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
    world.stop().await;
}

#[tokio::test]
async fn a_book_goes_through_its_pages() {
    let world = World::start().await;
    let admin = world.admin().await;
    admin.get(&world.at(BOOKS)).await.shows("No books yet");
    let form = admin.get(&world.at(&format!("{BOOKS}/new"))).await;
    check_page(&form);
    form.shows("Ordered at (UTC) *");
    assert!(
        form.body.contains("maxlength=\"255\" id=\"field-1\" name=\"title\" required>"),
        "{}",
        form.body
    );

    let added = add(&world, &admin, "<script>alert(1)</script>").await;
    assert_eq!(
        (added.status, added.location()),
        (StatusCode::SEE_OTHER, "/entities/library/books?done=created")
    );

    let list = admin.get(&world.at(added.location())).await;
    check_page(&list);
    list.shows("The book was created.");
    list.shows("<script>alert(1)</script>");
    list.shows("1–1 of 1");
    list.shows("Ordered at (UTC)");
    list.shows("2026-01-02 03:04:05");
    assert!(list.body.contains("<span class=\"badge tone-0\">HERE</span>"), "{}", list.body);

    let view = admin.get(&world.at(&format!("{BOOKS}/1001"))).await;
    check_page(&view);
    view.shows("ID 1001");

    let edit = admin.get(&world.at(&format!("{BOOKS}/1001/edit"))).await;
    check_page(&edit);
    let form = [
        ("title", "Moby Dick"),
        ("loanState", "LENT"),
        ("orderedAt", "2026-01-02T03:04:05"),
        ("pages", "7"),
    ];
    let edited = admin.post(&world.at(&format!("{BOOKS}/1001/edit")), &form).await;
    assert_eq!(edited.location(), "/entities/library/books?done=updated");
    let expected = json!({ "title": "Moby Dick", "loanState": "LENT", "orderedAt": "2026-01-02T03:04:05Z", "pages": 7, "id": 1001 });
    assert_eq!(book(&world, &admin, "1001").await, expected);

    let ask = admin.get(&world.at(&format!("{BOOKS}/1001/delete"))).await;
    check_page(&ask);
    ask.shows("Delete book Moby Dick?");
    let deleted = admin.post(&world.at(&format!("{BOOKS}/1001/delete")), &[]).await;
    assert_eq!(deleted.location(), "/entities/library/books?done=deleted");
    assert_eq!(admin.get(&world.at(&format!("{BOOKS}/1001"))).await.status, StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test]
async fn what_a_form_does_not_show_is_kept() {
    let world = World::start().await;
    let admin = world.admin().await;
    add(&world, &admin, "Emma").await;
    let at = world.at("/services/library/api/books/1001");
    let precise = json!({ "id": 1001, "title": "Emma", "loanState": null, "orderedAt": "2026-01-02T03:04:05.678901Z", "tags": ["x"], "hidden": true });
    let sent = reqwest::Client::new()
        .put(&at)
        .bearer_auth(admin.token())
        .json(&precise)
        .send()
        .await
        .unwrap();
    assert!(sent.status().is_success());

    let edit = admin.get(&world.at(&format!("{BOOKS}/1001/edit"))).await;
    assert!(edit.body.contains("value=\"2026-01-02T03:04:05\""), "{}", edit.body);
    let form = [
        ("title", "Emma"),
        ("loanState", "LENT"),
        ("orderedAt", "2026-01-02T03:04:05"),
        ("pages", ""),
    ];
    admin.post(&world.at(&format!("{BOOKS}/1001/edit")), &form).await.location();
    let mut expected = precise;
    expected["loanState"] = json!("LENT");
    assert_eq!(book(&world, &admin, "1001").await, expected);
    world.stop().await;
}

#[tokio::test]
async fn a_refused_form_is_shown_again_with_its_values() {
    let world = World::start().await;
    let admin = world.admin().await;
    let at = world.at(&format!("{BOOKS}/new"));

    let page = admin
        .post(
            &at,
            &[
                ("title", ""),
                ("loanState", "LENT"),
                ("orderedAt", "2026-01-02T03:04"),
                ("pages", "5"),
            ],
        )
        .await;
    check_page(&page);
    assert_eq!(page.status, StatusCode::BAD_REQUEST);
    page.shows("must not be null");
    assert!(
        page.body.contains("aria-invalid=\"true\" aria-describedby=\"error-1\""),
        "{}",
        page.body
    );
    assert!(
        page.body.contains("<option value=\"LENT\" selected>") && page.body.contains("value=\"5\""),
        "{}",
        page.body
    );

    let page = admin.post(&at, &[("title", "forbidden"), ("orderedAt", ""), ("pages", "")]).await;
    check_page(&page);
    page.shows("Banned <book> This one is not lent");
    assert!(page.body.contains("value=\"forbidden\""), "{}", page.body);

    let page =
        admin.post(&at, &[("title", "Emma"), ("orderedAt", "soon"), ("pages", "many")]).await;
    check_page(&page);
    page.shows("must be a date and time");
    page.shows("must be a whole number");
    world.stop().await;
}

#[tokio::test]
async fn without_a_mailbox_there_are_no_mail_pages() {
    let world = World::start_without_mailbox().await;
    let admin = world.admin().await;
    for browser in [&admin, &Browser::fresh()] {
        for path in ["/mails", "/mails/x.eml"] {
            let page = browser.get(&world.at(path)).await;
            assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
            check_page(&page);
            page.shows("Nothing is here");
        }
    }
    admin.get(&world.at("/")).await.hides("Mails");
    world.stop().await;
}

#[tokio::test]
async fn what_does_not_exist_is_said_in_the_callers_form() {
    let world = World::start().await;
    let admin = world.admin().await;
    for path in [
        "/nope",
        "/entities/library/nope",
        "/entities/nope/books",
        "/entities/library/books/7",
        "/mails/nope.eml",
    ] {
        let page = admin.get(&world.at(path)).await;
        assert_eq!(page.status, StatusCode::NOT_FOUND, "{path}");
        check_page(&page);
        page.shows("Nothing is here");
    }
    let answer = world.admin().await.reading_json().get(&world.at("/nope")).await;
    assert_eq!(answer.header("content-type"), "application/problem+json");
    assert!(answer.body.contains("\"path\":\"/nope\""), "{}", answer.body);
    world.stop().await;
}

#[tokio::test]
async fn the_style_sheet_may_be_kept_for_a_year() {
    let world = World::start().await;
    let browser = Browser::fresh();
    let landing = browser.get(&world.at("/")).await;
    check_page(&landing);
    landing.shows("You are not signed in. Sign in");
    let sheet = browser.get(&world.at(&landing.attribute("rel=\"stylesheet\"", "href"))).await;
    assert_eq!(sheet.header("content-type"), "text/css; charset=utf-8");
    assert_eq!(sheet.header("cache-control"), "public, max-age=31536000, immutable");
    assert_eq!(sheet.header("set-cookie"), "", "what caches keep must carry no cookie");
    assert_eq!(browser.get(&world.at("/content/milena-0.css")).await.status, StatusCode::NOT_FOUND);
    world.stop().await;
}

#[tokio::test]
async fn mails_are_listed_and_read() {
    let world = World::start().await;
    let admin = world.admin().await;
    admin.get(&world.at("/mails")).await.shows("No mails yet");
    let mut smtp = TcpStream::connect(&world.smtp).await.unwrap();
    let dialogue = "EHLO test\r\nMAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n";
    smtp.write_all(dialogue.as_bytes()).await.unwrap();
    let mail = "From: a@example.com\r\nTo: b@example.com\r\nSubject: Overdue <b>book</b>\r\n\r\nBring it <i>back</i>\r\n.\r\nQUIT\r\n";
    smtp.write_all(mail.as_bytes()).await.unwrap();
    smtp.read_to_string(&mut String::new()).await.unwrap();

    let list = admin.get(&world.at("/mails")).await;
    check_page(&list);
    list.shows("Overdue <b>book</b>");
    list.shows("b@example.com");
    let href = list.attribute("data-label=\"Subject\"", "href");
    let page = admin.get(&world.at(&href)).await;
    check_page(&page);
    page.shows("Bring it <i>back</i>");
    let raw = admin.get(&world.at(&format!("{href}/raw"))).await;
    assert_eq!(raw.header("content-type"), "message/rfc822");
    assert!(raw.header("content-disposition").starts_with("attachment; filename=\""));
    assert!(raw.body.contains("\r\n\r\nBring it <i>back</i>\r\n"), "{}", raw.body);
    world.stop().await;
}
