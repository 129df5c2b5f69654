//! Opens a connection to the mail server: TCP, encryption, signing in.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use lettre::transport::smtp::{
    self,
    authentication::{Credentials, DEFAULT_MECHANISMS},
    client::{AsyncSmtpConnection, Certificate, TlsParameters},
    commands::Ehlo,
    extension::{ClientId, Extension},
};
use tokio::{net::TcpStream, time::timeout};
use tracing::{debug, warn};

use super::{
    answers::words,
    dialogue::Connection,
    door::NotIn,
    settings::{Password, Security, SmtpSettings},
    wire::Wire,
};

/// Knows everything that a new connection needs.
pub(super) struct Connector {
    settings: SmtpSettings,
    hello: ClientId,
    tls: Option<TlsParameters>,
    credentials: Option<Credentials>,
    warned: AtomicBool,
}

impl Connector {
    pub(super) fn new(settings: SmtpSettings) -> anyhow::Result<Self> {
        let tls = match settings.security {
            Security::Plain => None,
            Security::StartTlsRequired | Security::StartTlsIfOffered | Security::Tls => {
                Some(tls(&settings)?)
            }
        };
        let credentials = settings.username.clone().map(|username| {
            let password = settings.password.as_ref().map(|Password(password)| password.clone());
            Credentials::new(username, password.unwrap_or_default())
        });
        Ok(Connector {
            settings,
            hello: ClientId::default(),
            tls,
            credentials,
            warned: AtomicBool::new(false),
        })
    }

    /// Opens a connection on which a mail can be sent at once. Each step has the settings' time-out.
    pub(super) async fn connect(&self) -> Result<Connection, NotIn> {
        let SmtpSettings { host, port, .. } = &self.settings;
        let mut smtp = self
            .open()
            .await
            .with_context(|| format!("connect to the mail server {host}:{port}"))
            .map_err(NotIn::Away)?;
        let pipelining = self.pipelining(&mut smtp).await?;
        self.sign_in(&mut smtp).await?;
        let SmtpSettings { timeout, accept_timeout, .. } = self.settings;
        Ok(Connection::new(smtp, pipelining, timeout, accept_timeout))
    }

    async fn open(&self) -> anyhow::Result<AsyncSmtpConnection> {
        let SmtpSettings { host, port, connect_timeout, security, .. } = &self.settings;
        let server = (host.as_str(), *port);
        if *security == Security::Tls {
            let (limit, tls) = (Some(*connect_timeout), self.tls.clone());
            let connecting =
                AsyncSmtpConnection::connect_tokio1(server, limit, &self.hello, tls, None);
            return within(*connect_timeout + self.settings.timeout, connecting).await;
        }
        let tcp = timeout(*connect_timeout, TcpStream::connect(server))
            .await
            .context("no connection in time")??;
        // A command is a small write that waits for an answer: Nagle's algorithm would add 40 ms to each mail.
        tcp.set_nodelay(true).context("set TCP_NODELAY")?;
        let wire = Box::new(Wire::new(tcp));
        let greeting = AsyncSmtpConnection::connect_with_transport(wire, &self.hello);
        let mut smtp = self.answer(greeting).await.context("greeting")?;
        let Some(tls) = &self.tls else { return Ok(smtp) };
        if smtp.can_starttls() {
            self.answer(smtp.starttls(tls.clone(), &self.hello)).await.context("STARTTLS")?;
        } else if *security == Security::StartTlsRequired {
            bail!("the server does not offer STARTTLS, which the settings require");
        }
        Ok(smtp)
    }

    /// Whether the server takes several commands at once (RFC 2920). The library keeps to itself what it heard of that, so
    /// the server is greeted once more.
    async fn pipelining(&self, smtp: &mut AsyncSmtpConnection) -> Result<bool, NotIn> {
        let hello = smtp.command(Ehlo::new(self.hello.clone()));
        let answer = timeout(self.settings.timeout, hello).await;
        let answer = answer.map_err(|_| NotIn::Away(anyhow!(LATE).context("second greeting")))?;
        match answer {
            Ok(answer) => {
                Ok(answer.message().skip(1).any(|line| line.eq_ignore_ascii_case("PIPELINING")))
            }
            // A server that is leaving says so once more.
            Err(error) if error.status().is_some() => Ok(false),
            Err(error) => Err(NotIn::Away(anyhow!(said(&error)).context("second greeting"))),
        }
    }

    async fn answer<T>(
        &self,
        answer: impl Future<Output = Result<T, smtp::Error>>,
    ) -> anyhow::Result<T> {
        within(self.settings.timeout, answer).await
    }

    /// Signs in when we have a user name and the server wants it, as JavaMail does.
    async fn sign_in(&self, smtp: &mut AsyncSmtpConnection) -> Result<(), NotIn> {
        let Some(credentials) = &self.credentials else { return Ok(()) };
        let offered =
            |mechanism| smtp.server_info().supports_feature(Extension::Authentication(mechanism));
        if !DEFAULT_MECHANISMS.iter().copied().any(offered) {
            debug!("the mail server asks for no password; going on without");
            return Ok(());
        }
        if !smtp.is_encrypted() && !self.warned.swap(true, Ordering::Relaxed) {
            warn!(
                "the password for the mail server {} travels unencrypted; require STARTTLS or TLS",
                self.settings.host
            );
        }
        let SmtpSettings { host, port, timeout: limit, .. } = &self.settings;
        let failed = |cause: anyhow::Error| {
            cause.context(format!("sign in at the mail server {host}:{port}"))
        };
        let answer = timeout(*limit, smtp.auth(DEFAULT_MECHANISMS, credentials)).await;
        let answer = answer.map_err(|_| NotIn::Away(failed(anyhow!(LATE))))?;
        answer.map(drop).map_err(|error| {
            let cause = failed(anyhow!(said(&error)));
            match error.status().map(u16::from) {
                // The server is leaving.
                None | Some(421) => NotIn::Away(cause),
                Some(400..500) => NotIn::NotNow(cause),
                Some(_) => NotIn::Refused(cause),
            }
        })
    }
}

const LATE: &str = "no answer in time";

/// The answer to a step, unless it fails or takes too long.
async fn within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, smtp::Error>>,
) -> anyhow::Result<T> {
    let answer = timeout(limit, answer).await.context(LATE)?;
    answer.map_err(|error| anyhow!(said(&error)))
}

/// What an error says. Its text already holds its cause, and may hold addresses.
fn said(error: &smtp::Error) -> String {
    words(&error.to_string())
}

fn tls(settings: &SmtpSettings) -> anyhow::Result<TlsParameters> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(pem) = &settings.certificate_authority {
        let certificate = Certificate::from_pem(pem.as_bytes())
            .context("read the mail server's certificate authority")?;
        builder = builder.add_root_certificate(certificate);
    }
    builder.build_rustls().context("prepare TLS for the mail server")
}
