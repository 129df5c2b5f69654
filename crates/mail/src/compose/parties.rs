//! Who writes a mail and who gets it, read from text.

use anyhow::{Context, ensure};
use lettre::{Address, message::Mailbox as Party};

use super::text::one_line;

/// RFC 5321 §4.5.3.1.8: what every server takes in one transaction.
const MAX_RECIPIENTS: usize = 100;

/// In whose name mails are sent.
#[derive(Debug, Clone)]
pub(crate) struct Sender {
    pub(super) author: Party,
    /// Who hears of mails that could not be delivered, when that is not the author.
    pub(super) bounces: Option<Address>,
}

impl Sender {
    /// Reads `a@example.com` or `Name <a@example.com>`, and an address for the envelope.
    pub(crate) fn new(author: &str, bounces: Option<&str>) -> anyhow::Result<Self> {
        let author = party(author).context("the sender's address for mails without one")?;
        let bounces = bounces.map(address).transpose();
        Ok(Sender { author, bounces: bounces.context("the sender's address in the envelope")? })
    }
}

/// Looks whether mails can go to these recipients: 1 to 100, each `a@example.com` or `Name <a@example.com>`.
///
/// # Errors
/// Says what is wrong with which.
pub fn check_recipients(to: &[String]) -> anyhow::Result<()> {
    recipients(to).map(drop)
}

pub(super) fn recipients(to: &[String]) -> anyhow::Result<Vec<Party>> {
    ensure!(!to.is_empty(), "the mail has no recipient");
    ensure!(to.len() <= MAX_RECIPIENTS, "the mail has more than {MAX_RECIPIENTS} recipients");
    let parties = to.iter().enumerate().map(|(index, text)| {
        party(text).with_context(|| format!("recipient {} of the mail", index + 1))
    });
    parties.collect()
}

/// The address of a recipient.
pub(crate) fn address(text: &str) -> anyhow::Result<Address> {
    party(text).map(|party| party.email)
}

/// Reads the author; a bare name stands in front of the transport's own address, unless that has a name already.
pub(super) fn author(text: &str, sender: &Party) -> anyhow::Result<Party> {
    if text.contains('@') {
        return party(text);
    }
    if sender.name.is_some() {
        return Ok(sender.clone());
    }
    let name = one_line(text);
    Ok(Party::new((!name.is_empty()).then_some(name), sender.email.clone()))
}

/// Reads `a@example.com` or `Name <a@example.com>`, and nothing else: a list in one text would lose all but the first.
fn party(text: &str) -> anyhow::Result<Party> {
    ensure!(!text.chars().any(char::is_control), "the address contains control characters");
    let text = text.trim();
    let Some((name, address)) = text.strip_suffix('>').and_then(|rest| rest.rsplit_once('<'))
    else {
        return Ok(Party::new(None, text.parse().context("not an address")?));
    };
    let name = name.trim().trim_matches('"').to_owned();
    let address = address.trim().parse().context("not an address")?;
    Ok(Party::new((!name.is_empty()).then_some(name), address))
}
