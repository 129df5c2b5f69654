//! A person at a browser: finds things by what is written on them, waits a little for them, and takes pictures.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, bail};
use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::CmdError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::time::{sleep, timeout};

use crate::processes::Driver;

/// How long a person waits for something to appear.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often they look.
const GLANCE: Duration = Duration::from_millis(50);

/// How often they reload a page on which something is to appear.
const RELOAD: Duration = Duration::from_millis(500);

/// How long the browser may take to end.
const CLOSE: Duration = Duration::from_secs(10);

const ARGUMENTS: [&str; 8] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
];

/// A browser of our own with an empty profile.
pub(crate) struct Browser {
    client: Client,
    http: reqwest::Client,
    /// Where the driver takes commands of Chromium's own protocol, which WebDriver has no words for.
    commands: String,
    pictures: PathBuf,
}

/// A screen and a taste.
pub(crate) struct Look {
    name: &'static str,
    width: u32,
    height: u32,
    phone: bool,
    scheme: &'static str,
}

impl Look {
    pub(crate) const ALL: [Look; 2] = [
        Look { name: "desktop", width: 1280, height: 800, phone: false, scheme: "light" },
        Look { name: "phone-dark", width: 390, height: 844, phone: true, scheme: "dark" },
    ];
}

impl Browser {
    /// Starts the browser.
    pub(crate) async fn open(
        driver: &Driver,
        profile: &Path,
        pictures: PathBuf,
    ) -> anyhow::Result<Browser> {
        let mut arguments: Vec<_> = ARGUMENTS.into_iter().map(str::to_owned).collect();
        arguments.push(format!("--user-data-dir={}", profile.display()));
        let Value::Object(capabilities) = json!({"goog:chromeOptions": {"args": arguments}}) else {
            bail!("capabilities are an object");
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(capabilities);
        let client = timeout(PATIENCE * 3, builder.connect(&driver.address))
            .await
            .context("start Chromium")??;
        let session = client.session_id().await?.context("the browser has no session")?;
        let commands = format!("{}/session/{session}/goog/cdp/execute", driver.address);
        let http = reqwest::Client::builder().timeout(PATIENCE).build()?;
        let browser = Browser { client, http, commands, pictures };
        browser.look(&Look::ALL[0]).await?;
        Ok(browser)
    }

    /// Ends the browser; if it does not want to, dropping the driver ends it.
    pub(crate) async fn close(self) {
        let _ = timeout(CLOSE, self.client.close()).await;
    }

    pub(crate) async fn open_page(&self, url: &str) -> anyhow::Result<()> {
        self.client.goto(url).await.with_context(|| format!("open {url}"))
    }

    pub(crate) async fn click_link(&self, text: &str) -> anyhow::Result<()> {
        self.click(&link(text), &format!("a link {text:?}")).await
    }

    pub(crate) async fn click_button(&self, text: &str) -> anyhow::Result<()> {
        self.click(
            &format!("//button[normalize-space(.)={}]", quoted(text)),
            &format!("a button {text:?}"),
        )
        .await
    }

    /// Clicks the button with this text in the part of the page with this id.
    pub(crate) async fn click_within(&self, id: &str, text: &str) -> anyhow::Result<()> {
        let (part, button) = (quoted(id), quoted(text));
        let path = format!("//*[@id={part}]//button[contains(.,{button})]");
        self.click(&path, &format!("a button {text:?} in {id:?}")).await
    }

    /// Types into the field that shows this text while it is empty, in the part of the page with this id.
    pub(crate) async fn fill_within(&self, id: &str, hint: &str, text: &str) -> anyhow::Result<()> {
        let path = format!("//*[@id={}]//input[@placeholder={}]", quoted(id), quoted(hint));
        let field = self.find(&path, &format!("a field {hint:?} in {id:?}")).await?;
        field.send_keys(text).await.with_context(|| format!("type into the field {hint:?}"))
    }

    /// Types into the field with this name, in place of what it holds.
    pub(crate) async fn fill(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let field = self.field(name).await?;
        field.clear().await?;
        field.send_keys(text).await.with_context(|| format!("type into the field {name:?}"))
    }

    /// Chooses in the list with this name.
    pub(crate) async fn choose(&self, name: &str, option: &str) -> anyhow::Result<()> {
        self.field(name)
            .await?
            .select_by_label(option)
            .await
            .with_context(|| format!("choose {option:?} for {name:?}"))
    }

    /// What the field with this name holds.
    pub(crate) async fn value(&self, name: &str) -> anyhow::Result<String> {
        let value = self.field(name).await?.prop("value").await?;
        value.with_context(|| format!("the field {name:?} has no value"))
    }

    pub(crate) async fn see_link(&self, text: &str) -> anyhow::Result<()> {
        self.find(&link(text), &format!("a link {text:?}")).await.map(drop)
    }

    pub(crate) async fn see_heading(&self, text: &str) -> anyhow::Result<()> {
        self.find(
            &format!("//h1[normalize-space(.)={}]", quoted(text)),
            &format!("a heading {text:?}"),
        )
        .await
        .map(drop)
    }

    /// Waits until all of these are on the page.
    pub(crate) async fn see(&self, texts: &[&str]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.shows(texts).await? {
            if Instant::now() > deadline {
                bail!("{texts:?} did not appear");
            }
            sleep(GLANCE).await;
        }
        Ok(())
    }

    /// Reloads the page until all of these are on it.
    pub(crate) async fn reload_until_seen(&self, texts: &[&str]) -> anyhow::Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !self.shows(texts).await? {
            if Instant::now() > deadline {
                bail!("{texts:?} did not appear on a page that was reloaded again and again");
            }
            sleep(RELOAD).await;
            self.client.refresh().await?;
        }
        Ok(())
    }

    /// Takes a picture in each of these looks, and goes back to the first.
    pub(crate) async fn picture(&self, name: &str, looks: [Look; 2]) -> anyhow::Result<()> {
        for look in &looks {
            self.look(look).await?;
            let path = self.pictures.join(format!("{name}-{}.png", look.name));
            let picture = self
                .client
                .screenshot()
                .await
                .with_context(|| format!("take a picture of {name}"))?;
            std::fs::write(&path, picture).with_context(|| format!("write {}", path.display()))?;
        }
        self.look(&looks[0]).await
    }

    /// What is to be seen after a failure, with a picture of it.
    pub(crate) async fn describe_failure(&self) -> String {
        let picture = self.pictures.join("failure.png");
        if let Ok(Ok(bytes)) = timeout(CLOSE, self.client.screenshot()).await {
            let _ = std::fs::write(&picture, bytes);
        }
        let url = timeout(CLOSE, self.client.current_url()).await;
        let url = url.map_or_else(
            |_| "nothing".to_owned(),
            |url| url.map_or_else(|cause| cause.to_string(), Into::into),
        );
        let text =
            timeout(CLOSE, self.text()).await.unwrap_or(Ok(String::new())).unwrap_or_default();
        format!("the browser shows {url}, see {}:\n{text}\n", picture.display())
    }

    async fn click(&self, path: &str, what: &str) -> anyhow::Result<()> {
        self.find(path, what).await?.click().await.with_context(|| format!("click {what}"))
    }

    async fn field(&self, name: &str) -> anyhow::Result<Element> {
        self.find(&format!("//form//*[@name={}]", quoted(name)), &format!("a field {name:?}")).await
    }

    async fn find(&self, path: &str, what: &str) -> anyhow::Result<Element> {
        let wait = self.client.wait().at_most(PATIENCE).every(GLANCE);
        wait.for_element(Locator::XPath(path)).await.with_context(|| format!("look for {what}"))
    }

    async fn shows(&self, texts: &[&str]) -> anyhow::Result<bool> {
        let page = self.text().await?;
        Ok(texts.iter().all(|text| page.contains(text)))
    }

    /// The text of the page, as a person sees it; empty while one page gives way to another.
    async fn text(&self) -> anyhow::Result<String> {
        let text = match self.client.find(Locator::Css("main")).await {
            Ok(main) => main.text().await,
            Err(cause) => Err(cause),
        };
        match text {
            Ok(text) => Ok(text),
            Err(cause) if cause.is_no_such_element() || cause.is_stale_element_reference() => {
                Ok(String::new())
            }
            Err(CmdError::Standard(cause))
                if cause.error == fantoccini::error::ErrorStatus::UnknownError =>
            {
                Ok(String::new())
            }
            Err(cause) => Err(cause).context("read the page"),
        }
    }

    async fn look(&self, look: &Look) -> anyhow::Result<()> {
        let Look { width, height, phone, scheme, .. } = look;
        let screen =
            json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone});
        self.command("Emulation.setDeviceMetricsOverride", screen).await?;
        // Without motion, so that no picture shows a colour on its way to another.
        let features = json!([
            {"name": "prefers-color-scheme", "value": scheme},
            {"name": "prefers-reduced-motion", "value": "reduce"},
        ]);
        self.command("Emulation.setEmulatedMedia", json!({"features": features})).await
    }

    async fn command(&self, name: &str, parameters: Value) -> anyhow::Result<()> {
        let body = json!({"cmd": name, "params": parameters});
        let answer = self
            .http
            .post(&self.commands)
            .json(&body)
            .send()
            .await
            .with_context(|| name.to_owned())?;
        answer.error_for_status().with_context(|| format!("Chromium refuses {name}"))?;
        Ok(())
    }
}

fn link(text: &str) -> String {
    format!("//a[normalize-space(.)={}]", quoted(text))
}

/// A text in XPath, which has no escapes: the texts of the tour hold no double quotes.
fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}
