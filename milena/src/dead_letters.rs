//! `milena dead-letters`: looks at what a running service could not process, and decides about it, by the service's own
//! resource below `/management/deadletters`.

mod input;
mod print;
mod service;
mod sign_in;

use std::{
    fmt,
    io::{self, ErrorKind, Write},
};

use anyhow::{Context, bail};
use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::arguments::{
    Action, DeadLettersArguments, DiscardArguments, EditArguments, ListArguments, ReplayArguments,
    ShowArguments,
};
use service::Service;

/// The largest payload that an edit takes; with its wrapping it has to fit into a request.
const LARGEST: u64 = 700 * 1024;

/// The command line cannot be meant: what is wrong, and what to do.
#[derive(Debug)]
pub struct Misuse(pub(crate) String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misuse {}

/// Does what was asked for. `variables` is the environment.
///
/// # Errors
/// A [`Misuse`] when the command line cannot be meant, else what the service says against it.
pub async fn run(
    arguments: &DeadLettersArguments,
    variables: &[(String, String)],
) -> anyhow::Result<()> {
    let at = &arguments.access.at;
    if !matches!(at.scheme(), "http" | "https") || at.cannot_be_a_base() {
        return Err(Misuse(format!("--at {at} must start with http:// or https://")).into());
    }
    let token = sign_in::token(&arguments.access, variables).await?;
    let service = Service::new(at.clone(), token)?;
    match &arguments.action {
        Action::List(list) if list.reasons => reasons(&service, list).await,
        Action::List(list) => self::list(&service, list).await,
        Action::Show(show) => self::show(&service, show).await,
        Action::Replay(replay) => self::replay(&service, replay).await,
        Action::Edit(edit) => self::edit(&service, edit).await,
        Action::Discard(discard) => self::discard(&service, discard).await,
    }
}

async fn list(service: &Service, asked: &ListArguments) -> anyhow::Result<()> {
    let (page, size) = (asked.page.to_string(), asked.size.to_string());
    let mut query = vec![("page", &*page), ("size", &*size)];
    query.extend(asked.reason.as_deref().map(|reason| ("reason", reason)));
    query.extend(asked.channel.as_deref().map(|channel| ("channel", channel)));
    let listing = service.list(&query).await?;
    match asked.json {
        true => say_json(&listing.letters),
        false => say(print::list(&listing, asked.page).as_bytes()),
    }
}

async fn reasons(service: &Service, asked: &ListArguments) -> anyhow::Result<()> {
    let reasons = service.reasons().await?;
    match asked.json {
        true => say_json(&reasons),
        false => say(print::reasons(&reasons).as_bytes()),
    }
}

async fn show(service: &Service, asked: &ShowArguments) -> anyhow::Result<()> {
    let letter = service.show(&asked.id).await?;
    if asked.payload {
        return say(&payload(&letter)?);
    }
    match asked.json {
        true => say_json(&letter),
        false => say(print::letter(&letter).as_bytes()),
    }
}

fn payload(letter: &Value) -> anyhow::Result<Vec<u8>> {
    match (&letter["payload"], &letter["payloadBase64"]) {
        (Value::String(text), _) => Ok(text.clone().into_bytes()),
        (_, Value::String(text)) => BASE64_STANDARD.decode(text).context("read the payload"),
        _ => Ok(Vec::new()),
    }
}

async fn replay(service: &Service, asked: &ReplayArguments) -> anyhow::Result<()> {
    if !asked.ids.is_empty() {
        let replayed = each(&asked.ids, async |id| service.replay(id).await).await;
        return tell(replayed, asked.ids.len(), "replayed");
    }
    let mut query: Vec<(&str, &str)> = Vec::new();
    query.extend(asked.reason.as_deref().map(|reason| ("reason", reason)));
    query.extend(asked.channel.as_deref().map(|channel| ("channel", channel)));
    query.extend(asked.all.then_some(("all", "true")));
    let first = service.replay_some(&query).await?;
    let (mut replayed, mut left) = first;
    // What dies again at once is left, too: each is replayed once, and no more.
    let wanted = first.0.saturating_add(first.1);
    let mut last = first;
    while last.0 > 0 && last.1 > 0 && replayed < wanted {
        last = service.replay_some(&query).await?;
        replayed = replayed.saturating_add(last.0);
        left = last.1;
    }
    let such = if asked.all { "" } else { " such" };
    let text =
        format!("{} replayed; there are {left}{such} dead letters now\n", print::letters(replayed));
    say(text.as_bytes())
}

async fn edit(service: &Service, asked: &EditArguments) -> anyhow::Result<()> {
    let mut body = json!({});
    if let Some(file) = &asked.payload {
        match String::from_utf8(input::bytes(file, LARGEST)?) {
            Ok(text) => body["payload"] = text.into(),
            Err(raw) => body["payloadBase64"] = BASE64_STANDARD.encode(raw.as_bytes()).into(),
        }
    }
    if let Some(key) = &asked.key {
        body["key"] = key.as_str().into();
    }
    service.edit(&asked.id, &body).await?;
    say(format!("dead letter {} is changed; `replay {0}` sends it on its way\n", asked.id)
        .as_bytes())
}

async fn discard(service: &Service, asked: &DiscardArguments) -> anyhow::Result<()> {
    let count = asked.ids.len();
    if !asked.yes
        && !input::confirms(&format!("Discard {} for ever?", print::letters(count as u64)))?
    {
        bail!("nothing is discarded");
    }
    let discarded = each(&asked.ids, async |id| service.discard(id).await).await;
    tell(discarded, count, "discarded")
}

/// Does something with each letter, names those with which it did not work, and counts the others.
async fn each(ids: &[String], act: impl AsyncFn(&str) -> anyhow::Result<()>) -> usize {
    let mut done = 0;
    for id in ids {
        match act(id).await {
            Ok(()) => done += 1,
            Err(cause) => eprintln!("milena: {id}: {cause:#}"),
        }
    }
    done
}

fn tell(done: usize, wanted: usize, what: &str) -> anyhow::Result<()> {
    if done < wanted {
        bail!("{done} of {} {what}", print::letters(wanted as u64));
    }
    say(format!("{} {what}\n", print::letters(done as u64)).as_bytes())
}

fn say_json(value: &Value) -> anyhow::Result<()> {
    say(format!("{value:#}\n").as_bytes())
}

/// Writes to the standard output; whoever has closed it wants no more.
fn say(text: &[u8]) -> anyhow::Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("write the answer")
        }
        _ => Ok(()),
    }
}
