//! What runs where, for people and for machines.

use std::net::SocketAddr;

use serde_json::{Value, json};

/// The addresses of a running system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    /// The pages, and the way to the services.
    pub gateway: String,
    /// Eureka below `/eureka`, Config below `/config`.
    pub registry: String,
    /// The store service.
    pub store: String,
    /// The alert service.
    pub alert: String,
    /// The issuer of tokens.
    pub issuer: String,
    /// The mail server, as `host:port`.
    pub smtp: String,
    /// Whether the identity provider is the development one.
    pub development_issuer: bool,
    /// Whether the mail server is the sink, whose mails have a page.
    pub sink: bool,
    /// Where everything is kept.
    pub data: String,
}

impl Addresses {
    /// The line for machines.
    pub fn json(&self) -> Value {
        json!({
            "gateway": self.gateway, "registry": self.registry, "store": self.store, "alert": self.alert,
            "issuer": self.issuer, "smtp": self.smtp, "pid": std::process::id(),
        })
    }

    /// The text for a person: what runs where, who may sign in, what to try.
    pub fn greeting(&self) -> String {
        let Addresses { gateway, registry, store, alert, issuer, smtp, data, .. } = self;
        let users = match self.development_issuer {
            true => "Users      admin / admin (administrator), user / user\n",
            false => "",
        };
        let mails =
            if self.sink { "the Mails page" } else { "the mailbox of the distribution list" };
        format!(
            "Milena is up.

  Pages      {gateway}
  Registry   {registry}/eureka   (admin and the registry's password)
  Store      {store}
  Alert      {alert}
  Identity   {issuer}
  Mail       {smtp}
  Data       {data}
  {users}
Three things to try:
  1. Open {gateway} and sign in.
  2. Create a store, then edit it and change its status.
  3. See the new alert in the list, and the mail in {mails}.

Ctrl-C stops; everything is still there the next time.
"
        )
    }
}

pub(super) fn local(address: SocketAddr, host: &str) -> String {
    format!("http://{host}:{}", address.port())
}
