//! The tour that the README describes, done in a real Chromium, with pictures of every page on the way.

mod browser;
mod processes;

use std::{
    ffi::OsString,
    io::Write,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, ensure};
use tokio::time::timeout;

use self::{
    browser::{Browser, Look},
    processes::{Driver, Program, is_installed},
};

/// How long the whole tour may take.
const LIMIT: Duration = Duration::from_mins(3);

const NAME: &str = "Candle Shop";

#[tokio::test]
async fn the_tour_of_the_readme_works_in_a_browser() -> anyhow::Result<()> {
    if let Some(missing) =
        ["chromium", "chromedriver"].into_iter().find(|program| !is_installed(program))
    {
        ensure!(
            std::env::var_os("CI").is_none(),
            "{missing} is not installed, and in CI the tour must not be skipped"
        );
        // Not by println!, which is kept back when a test passes.
        writeln!(
            std::io::stderr(),
            "skipped: the tour needs {missing} (Debian: chromium, chromium-driver)"
        )?;
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path()).await?;
    let driver = Driver::start(folder.path()).await?;
    let browser = Browser::open(&driver, &folder.path().join("profile"), pictures()?).await?;
    let outcome = timeout(LIMIT, tour(&browser, &program.gateway)).await;
    let outcome = outcome.with_context(|| format!("the tour did not end in {LIMIT:?}")).flatten();
    let outcome = match outcome {
        Ok(()) => Ok(()),
        Err(cause) => Err(cause.context(browser.describe_failure().await)),
    };
    browser.close().await;
    drop(driver);
    outcome.with_context(|| program.last_words())?;
    program.stop().await
}

async fn tour(browser: &Browser, gateway: &str) -> anyhow::Result<()> {
    sign_in(browser, gateway).await?;
    create(browser).await?;
    close_the_shop(browser).await?;
    browser.click_link("Store alerts").await?;
    browser.reload_until_seen(&[NAME, "CLOSED"]).await?;
    browser.picture("alerts", Look::ALL).await?;
    read_the_mail(browser).await?;
    delete(browser).await?;
    read_the_documents(browser).await?;
    browser.click_button("Sign out").await?;
    browser.see_link("Sign in").await?;
    browser.open_page(gateway).await?;
    browser.see_link("Sign in").await
}

async fn sign_in(browser: &Browser, gateway: &str) -> anyhow::Result<()> {
    browser.open_page(gateway).await?;
    browser.see_link("Sign in").await?;
    browser.picture("welcome", Look::ALL).await?;
    browser.click_link("Sign in").await?;
    browser.fill("username", "admin").await?;
    browser.fill("password", "admin").await?;
    browser.picture("sign-in", Look::ALL).await?;
    browser.click_button("Sign in").await?;
    browser.see(&["Hello admin"]).await?;
    browser.picture("home", Look::ALL).await
}

async fn create(browser: &Browser) -> anyhow::Result<()> {
    browser.click_link("Stores").await?;
    browser.see(&["No stores yet"]).await?;
    browser.click_link("Create a new store").await?;
    browser.fill("name", NAME).await?;
    browser.fill("address", "1 Main Street, Springfield").await?;
    browser.choose("status", "OPEN").await?;
    let created = browser.value("createTimestamp").await?;
    ensure!(
        created.starts_with("20"),
        "the form offers {created:?} as the time of creation, not now"
    );
    browser.picture("new-store", Look::ALL).await?;
    browser.click_button("Save").await?;
    browser.see(&["The store was created.", NAME, "OPEN"]).await
}

/// Opens the store, and changes its status, which is what the story is about.
async fn close_the_shop(browser: &Browser) -> anyhow::Result<()> {
    browser.click_link(&format!("View store {NAME}")).await?;
    browser.see_heading(&format!("Store {NAME}")).await?;
    browser.picture("store", Look::ALL).await?;
    browser.click_link("Edit").await?;
    browser.choose("status", "CLOSED").await?;
    browser.click_button("Save").await?;
    browser.see(&["The store was updated.", NAME, "CLOSED"]).await?;
    browser.picture("stores", Look::ALL).await
}

async fn read_the_mail(browser: &Browser) -> anyhow::Result<()> {
    let subject = format!("Store Alert: {NAME}");
    browser.click_link("Mails").await?;
    browser.reload_until_seen(&[&subject]).await?;
    browser.picture("mails", Look::ALL).await?;
    browser.click_link(&subject).await?;
    browser.see_heading(&subject).await?;
    browser.see(&["CLOSED"]).await?;
    browser.picture("mail", Look::ALL).await
}

async fn delete(browser: &Browser) -> anyhow::Result<()> {
    browser.click_link("Stores").await?;
    browser.click_link(&format!("Delete store {NAME}")).await?;
    browser.see_heading(&format!("Delete store {NAME}?")).await?;
    browser.picture("delete-store", Look::ALL).await?;
    browser.click_button("Delete this store").await?;
    browser.see(&["The store was deleted.", "No stores yet"]).await
}

/// Looks at the operations of both services, and tries one that changes something: the gateway takes it only with the token
/// that the page has to send along.
async fn read_the_documents(browser: &Browser) -> anyhow::Result<()> {
    browser.click_link("API").await?;
    browser.see(&["Alert API", "/api/store-alerts/{id}"]).await?;
    browser.picture("documents", Look::ALL).await?;
    browser.choose("document", "store (default)").await?;
    browser.see(&["Store API", "/api/stores/{id}"]).await?;
    let operation = "operations-store-resource-deleteStore";
    browser.click_within(operation, "DELETE").await?;
    browser.click_within(operation, "Try it out").await?;
    browser.fill_within(operation, "id", "nobody").await?;
    browser.click_within(operation, "Execute").await?;
    browser.see(&["Server response", "x-storeapp-params: nobody"]).await?;
    browser.picture("tried-out", Look::ALL).await?;
    browser.click_link("Milena").await?;
    browser.see(&["Hello admin"]).await
}

/// Where the pictures go: where `MILENA_SCREENSHOTS` says, else to `tour` in the target folder.
fn pictures() -> anyhow::Result<PathBuf> {
    let program = Path::new(env!("CARGO_BIN_EXE_milena"));
    let target = program.ancestors().nth(2).context("the program is not in a target folder")?;
    let folder =
        std::env::var_os("MILENA_SCREENSHOTS").filter(|folder: &OsString| !folder.is_empty());
    let folder = folder.map_or_else(|| target.join("tour"), PathBuf::from);
    std::fs::create_dir_all(&folder)
        .with_context(|| format!("create the folder {}", folder.display()))?;
    Ok(folder)
}
