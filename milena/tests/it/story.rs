//! The tutorial's story, as a person lives it in a browser.

use crate::support::{Answer, Browser, DISTRIBUTION_LIST, Home, Running, eventually};

/// From the landing page to the home page of a signed-in person.
async fn sign_in(system: &Running, browser: &Browser) -> Answer {
    let landing = browser.open(&system.at.gateway).await;
    landing.shows("You are not signed in.");
    let form = browser.choose(&landing, "Sign in").await;
    assert!(form.url.as_str().starts_with(&system.at.issuer), "{}", form.url);
    let home = browser
        .submit(form.form("Sign in").with("username", "admin").with("password", "admin"))
        .await;
    home.shows("Hello admin");
    home
}

/// Makes a store by its form, and shows the list.
async fn create(browser: &Browser, home: &Answer, name: &str) -> Answer {
    let form = browser.choose(home, "Create a new store").await.form("Save");
    let list = browser
        .submit(form.with("name", name).with("address", "1 Wax Street").with("status", "OPEN"))
        .await;
    list.shows("The store was created.");
    list.shows(&format!("{name} 1 Wax Street OPEN"));
    list
}

/// Changes a store's status by its form, and shows the list.
async fn close(browser: &Browser, list: &Answer, name: &str) -> Answer {
    let edit = browser.choose(list, &format!("Edit store {name}")).await;
    let form = edit.form("Save");
    assert_eq!((form.value("name"), form.value("status")), (name, "OPEN"));
    let list = browser.submit(form.with("status", "CLOSED")).await;
    list.shows("The store was updated.");
    list.shows(&format!("{name} 1 Wax Street CLOSED"));
    list
}

#[tokio::test]
async fn a_person_changes_a_store_and_sees_the_alert_and_the_mail() {
    let system = Running::start().await;
    let browser = system.browser();
    let home = sign_in(&system, &browser).await;

    let list = create(&browser, &home, "Candle Shop").await;
    browser.choose(&home, "Store alerts").await.shows("No store alerts yet");
    let list = close(&browser, &list, "Candle Shop").await;

    let alert = eventually("the alert is in the list", async || {
        let alerts = browser.choose(&home, "Store alerts").await;
        alerts.text().contains("Candle Shop CLOSED").then_some(alerts)
    })
    .await;
    alert.shows("1–1 of 1");
    let subject = "Store Alert: Candle Shop";
    let mail = eventually("the mail is in the list", async || {
        let mails = browser.choose(&home, "Mails").await;
        mails.text().contains(subject).then_some(mails)
    })
    .await;
    let mail = browser.choose(&mail, subject).await;
    mail.shows(&format!("To {}", DISTRIBUTION_LIST.join(", ")));
    mail.shows("Message ID");
    mail.shows("CLOSED");

    let question = browser.choose(&list, "Delete store Candle Shop").await;
    question.shows("Delete store Candle Shop? ID");
    let list = browser.submit(question.form("Delete this store")).await;
    list.shows("The store was deleted.");
    list.shows("No stores yet");
    system.stop().await;
}

#[tokio::test]
async fn who_has_signed_out_has_to_sign_in_again() {
    let system = Running::start().await;
    let browser = system.browser();
    let home = sign_in(&system, &browser).await;
    let list = create(&browser, &home, "Candle Shop").await;
    let edit = list.link("Edit store Candle Shop");

    let landing = browser.submit(home.form("Sign out")).await;
    assert_eq!(landing.url.origin().ascii_serialization(), system.at.gateway);
    landing.shows("You are not signed in.");
    landing.hides("Candle Shop");
    for page in [edit.as_str(), list.url.as_str(), &format!("{}/mails", system.at.gateway)] {
        let asked = browser.open(page).await;
        assert!(asked.url.as_str().starts_with(&system.at.issuer), "{page} leads to {}", asked.url);
        // The form, and not a silent sign-in: the provider has forgotten the person too.
        asked.form("Sign in");
    }
    let edit_again = browser.sign_in(edit.as_str(), "user").await;
    assert_eq!(edit_again.url, edit, "after the sign-in the person is where they wanted to be");
    edit_again.shows("user Sign out");
    system.stop().await;
}

#[tokio::test]
async fn everything_is_still_there_after_a_restart_and_the_person_still_signed_in() {
    let system = Home::with_lasting_addresses().await.start().await;
    let browser = system.browser();
    let home = sign_in(&system, &browser).await;
    let list = create(&browser, &home, "Candle Shop").await;
    close(&browser, &list, "Candle Shop").await;
    let before = system.home().mails_when(1).await;
    let known = system.admin().await.alerts().await;
    assert_eq!(known.len(), 1);

    let system = system.restart().await;
    assert_eq!(system.home().mails(), before);
    assert_eq!(system.admin().await.alerts().await, known);
    let list = browser.open(&list.url).await;
    list.shows("Candle Shop 1 Wax Street CLOSED");
    list.shows("admin Sign out");
    let list = create(&browser, &list, "Soap Shop").await;
    close(&browser, &list, "Soap Shop").await;
    let mails = system.home().mails_when(2).await;
    assert_eq!(mails[1].header("Subject"), "Store Alert: Soap Shop");
    system.stop().await;
}
