//! The flags of `milena dead-letters`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use reqwest::Url;

/// What is done, and as whom.
#[derive(Debug, Args)]
pub struct DeadLettersArguments {
    /// What is done.
    #[command(subcommand)]
    pub action: Action,
    /// Where, and as whom.
    #[command(flatten)]
    pub access: Access,
}

/// Where the service is, and who asks. Without a flag the token is in the environment, in DEAD_LETTERS_TOKEN.
#[derive(Debug, Args)]
pub struct Access {
    /// The service whose dead letters they are; also by the gateway: http://localhost:8081/services/alert.
    #[arg(long, global = true, value_name = "URL", default_value = "http://localhost:8083")]
    pub at: Url,
    /// A file that holds an administrator's access token.
    #[arg(long, global = true, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Sign in by name and password, where the identity provider allows it; the development one does.
    #[arg(long, global = true, value_name = "NAME")]
    pub user: Option<String>,
    /// A file that holds the user's password; without it, the password is asked for.
    #[arg(long, global = true, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// The identity provider that knows the user.
    #[arg(
        long,
        global = true,
        value_name = "URL",
        default_value = "http://localhost:9080/realms/jhipster"
    )]
    pub issuer: String,
    /// The client of the identity provider by which the user signs in.
    #[arg(long, global = true, value_name = "ID", default_value = "web_app")]
    pub client_id: String,
    /// A file that holds the client's secret, if it has one.
    #[arg(long, global = true, value_name = "FILE")]
    pub client_secret_file: Option<PathBuf>,
}

/// What can be done with dead letters.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// List them, the latest first.
    List(ListArguments),
    /// Show everything that is known of one.
    Show(ShowArguments),
    /// Send some on their way again.
    Replay(ReplayArguments),
    /// Change what one of them holds; it stays a dead letter until it is replayed.
    Edit(EditArguments),
    /// Remove some for ever.
    Discard(DiscardArguments),
}

/// The flags of `list`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// Only those of this reason, word by word.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Only those of this channel.
    #[arg(long, value_name = "NAME")]
    pub channel: Option<String>,
    /// List the reasons, and how many have each.
    #[arg(long, conflicts_with_all = ["reason", "channel", "page", "size"])]
    pub reasons: bool,
    /// Which page, from 0.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub page: u32,
    /// How many are on a page.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=100))]
    pub size: u32,
    /// As JSON, for machines.
    #[arg(long)]
    pub json: bool,
}

/// The flags of `show`.
#[derive(Debug, Args)]
pub struct ShowArguments {
    /// The dead letter.
    #[arg(value_parser = id)]
    pub id: String,
    /// As JSON, for machines.
    #[arg(long)]
    pub json: bool,
    /// Nothing but the payload, byte by byte.
    #[arg(long, conflicts_with = "json")]
    pub payload: bool,
}

/// Which ones are replayed.
#[derive(Debug, Args)]
#[group(required = true)]
pub struct ReplayArguments {
    /// The dead letters.
    #[arg(value_name = "ID", value_parser = id, conflicts_with_all = ["reason", "channel", "all"])]
    pub ids: Vec<String>,
    /// All of this reason, word by word.
    #[arg(long, value_name = "TEXT", conflicts_with = "all")]
    pub reason: Option<String>,
    /// All of this channel.
    #[arg(long, value_name = "NAME", conflicts_with = "all")]
    pub channel: Option<String>,
    /// All.
    #[arg(long)]
    pub all: bool,
}

/// The flags of `edit`.
#[derive(Debug, Args)]
pub struct EditArguments {
    /// The dead letter.
    #[arg(value_parser = id)]
    pub id: String,
    /// A file that holds the new payload; - is the standard input.
    #[arg(long, value_name = "FILE", required_unless_present = "key")]
    pub payload: Option<PathBuf>,
    /// The new key.
    #[arg(long, value_name = "TEXT")]
    pub key: Option<String>,
}

/// The flags of `discard`.
#[derive(Debug, Args)]
pub struct DiscardArguments {
    /// The dead letters.
    #[arg(value_name = "ID", required = true, value_parser = id)]
    pub ids: Vec<String>,
    /// Do not ask whether that is meant.
    #[arg(long)]
    pub yes: bool,
}

fn id(text: &str) -> Result<String, String> {
    let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    match text.len() == 24 && text.bytes().all(is_digit) {
        true => Ok(text.to_owned()),
        false => Err("expected the 24 hexadecimal digits that `list` shows".to_owned()),
    }
}
