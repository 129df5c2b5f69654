//! The mail server, by Spring's keys.

use std::time::Duration;

use chassis::config::{ConfigError, Length, Settings};
use mail::{Password, RateLimit, Security, SmtpSettings};

/// Where the tutorial's alert service sends its mails when only a user is named.
const TUTORIALS: &str = "smtp.gmail.com";

const PORT: &str = "spring.mail.port";
const PROTOCOL: &str = "spring.mail.protocol";
const FROM: &str = "jhipster.mail.from";
const BOUNCES: &str = "spring.mail.properties.mail.smtp.from";
const RATE_LIMIT: &str = "milena.mail.rate-limit";

/// More than this is not patience.
const LONGEST: Duration = Duration::from_secs(600);

/// What holds for mails whichever server they go to.
#[derive(Debug, Clone)]
pub(crate) struct Mails {
    sender: Option<String>,
    bounces: Option<String>,
    rate_limit: Option<RateLimit>,
}

impl Mails {
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let (sender, bounces) = (address(settings, FROM)?, address(settings, BOUNCES)?);
        Ok(Mails { sender, bounces, rate_limit: rate_limit(settings)? })
    }

    /// A server by name and port that takes these mails.
    pub(crate) fn to(&self, host: &str, port: u16) -> SmtpSettings {
        let mut smtp = SmtpSettings::new(host, port);
        smtp.sender.clone_from(&self.sender);
        smtp.bounces.clone_from(&self.bounces);
        smtp.rate_limit = self.rate_limit;
        smtp
    }
}

/// The mail server that the configuration names; none when it names neither a server nor a user.
pub(super) fn read(
    settings: &Settings,
    mails: &Mails,
) -> Result<Option<SmtpSettings>, ConfigError> {
    let username = settings.text("spring.mail.username");
    let host = match (settings.text("spring.mail.host"), username) {
        ("", "") => return Ok(None),
        ("", _) => TUTORIALS,
        (host, _) => host,
    };
    let security = security(settings)?;
    let port = match security {
        // The default is that of STARTTLS.
        Security::Tls if !settings.is_set(PORT) => 465,
        _ => settings.parse(PORT, "a port, for example 587")?,
    };
    let mut smtp = mails.to(host, port);
    smtp.security = security;
    smtp.connect_timeout = patience(settings, "connectiontimeout")?;
    smtp.timeout = patience(settings, "timeout")?;
    smtp.sender = smtp.sender.or_else(|| known(username));
    let signs_in: bool = settings.parse(&property("auth"), "true or false")?;
    if signs_in && !username.is_empty() {
        smtp.username = Some(username.to_owned());
        smtp.password =
            Some(Password::new(settings.secret("spring.mail.password").expose().clone()));
    }
    Ok(Some(smtp))
}

fn property(name: &str) -> String {
    format!("spring.mail.properties.mail.smtp.{name}")
}

fn security(settings: &Settings) -> Result<Security, ConfigError> {
    let is = |name: &str| settings.parse::<bool>(&property(name), "true or false");
    let (tls, starttls, required) =
        (is("ssl.enable")?, is("starttls.enable")?, is("starttls.required")?);
    let smtps = match settings.text(PROTOCOL) {
        "smtp" => false,
        "smtps" => true,
        _ => return Err(settings.invalid(PROTOCOL, "expected smtp or smtps".to_owned())),
    };
    Ok(match (smtps || tls, starttls, required) {
        (true, _, _) => Security::Tls,
        (false, false, _) => Security::Plain,
        (false, true, false) => Security::StartTlsIfOffered,
        (false, true, true) => Security::StartTlsRequired,
    })
}

fn patience(settings: &Settings, name: &str) -> Result<Duration, ConfigError> {
    let key = property(name);
    let expected = "1ms to 10m, for example 10s or 10000";
    let Length(length) = settings.parse(&key, expected)?;
    match length.is_zero() || length > LONGEST {
        true => Err(settings.invalid(&key, format!("expected {expected}"))),
        false => Ok(length),
    }
}

fn address(settings: &Settings, key: &str) -> Result<Option<String>, ConfigError> {
    match settings.text(key).trim() {
        "" => Ok(None),
        text => known(text).map(Some).ok_or_else(|| {
            let expected = "expected an address, for example me@example.com";
            settings.invalid(key, expected.to_owned())
        }),
    }
}

/// A text that is an address, with or without a name.
fn known(text: &str) -> Option<String> {
    let text = text.to_owned();
    mail::check_recipients(std::slice::from_ref(&text)).is_ok().then_some(text)
}

fn rate_limit(settings: &Settings) -> Result<Option<RateLimit>, ConfigError> {
    match settings.text(RATE_LIMIT) {
        "" => Ok(None),
        _ => settings
            .parse(RATE_LIMIT, "1 to 10000 mails per s, m, h or d, for example 100/m")
            .map(Some),
    }
}

#[cfg(test)]
mod tests {
    use mail::Mailer;

    use super::*;

    /// What is wanted with a mail server and these keys.
    fn wanted(keys: &[(&str, &str)]) -> Result<SmtpSettings, ConfigError> {
        let mut settings =
            crate::defaults().unwrap().argument("spring.mail.host", "mail.example.com").unwrap();
        for (key, value) in keys {
            settings = settings.argument(key, *value).unwrap();
        }
        asked(&settings).map(Option::unwrap)
    }

    fn asked(settings: &Settings) -> Result<Option<SmtpSettings>, ConfigError> {
        read(settings, &Mails::read(settings)?)
    }

    #[test]
    fn a_mail_server_is_wanted_when_it_or_its_user_has_a_name() {
        let settings = crate::defaults().unwrap();
        assert!(asked(&settings).unwrap().is_none());
        let user = settings.argument("spring.mail.username", "me@example.com").unwrap();
        for (smtp, host) in [
            (wanted(&[]).unwrap(), "mail.example.com"),
            (asked(&user).unwrap().unwrap(), TUTORIALS),
        ] {
            assert_eq!(
                (smtp.host.as_str(), smtp.port, smtp.security),
                (host, 587, Security::StartTlsRequired)
            );
            assert_eq!((smtp.timeout, smtp.connect_timeout), (LONGEST / 60, LONGEST / 60));
            assert_eq!(smtp.rate_limit, None);
        }
    }

    #[test]
    fn what_holds_for_mails_holds_for_any_server() {
        let keys = [(FROM, "shop@example.com"), (BOUNCES, "back@example.com"), (RATE_LIMIT, "9/m")];
        let mut settings = crate::defaults().unwrap();
        for (key, value) in keys {
            settings = settings.argument(key, value).unwrap();
        }
        let sink = Mails::read(&settings).unwrap().to("127.0.0.1", 1025);
        for smtp in [sink, wanted(&keys).unwrap()] {
            let addresses = [&smtp.sender, &smtp.bounces].map(Option::as_deref);
            assert_eq!(addresses, [Some("shop@example.com"), Some("back@example.com")]);
            assert_eq!(smtp.rate_limit, Some("9/m".parse().unwrap()));
        }
    }

    #[test]
    fn the_connection_is_protected_as_the_keys_say() {
        const ENABLE: &str = "spring.mail.properties.mail.smtp.starttls.enable";
        const REQUIRED: &str = "spring.mail.properties.mail.smtp.starttls.required";
        const SSL: &str = "spring.mail.properties.mail.smtp.ssl.enable";
        for (key, value, security, port) in [
            (PROTOCOL, "smtps", Security::Tls, 465),
            (SSL, "true", Security::Tls, 465),
            (REQUIRED, "false", Security::StartTlsIfOffered, 587),
            (ENABLE, "false", Security::Plain, 587),
        ] {
            let smtp = wanted(&[(key, value)]).unwrap();
            assert_eq!((smtp.security, smtp.port), (security, port), "{key}={value}");
            assert_eq!(wanted(&[(key, value), (PORT, "2525")]).unwrap().port, 2525);
        }
    }

    #[test]
    fn who_sends_and_who_signs_in_are_two_questions() {
        const USER: (&str, &str) = ("spring.mail.username", "me@example.com");
        const AUTH: &str = "spring.mail.properties.mail.smtp.auth";
        let smtp = wanted(&[USER]).unwrap();
        assert_eq!(
            (smtp.username.as_deref(), smtp.sender.as_deref()),
            (Some(USER.1), Some(USER.1))
        );
        let smtp = wanted(&[USER, (AUTH, "false"), (FROM, "Shop <shop@example.com>")]).unwrap();
        assert_eq!((smtp.username.as_deref(), smtp.password.is_some()), (None, false));
        assert_eq!(smtp.sender.as_deref(), Some("Shop <shop@example.com>"));
        let smtp =
            wanted(&[("spring.mail.username", "apikey"), (BOUNCES, "b@example.com")]).unwrap();
        assert_eq!(
            (smtp.sender.as_deref(), smtp.bounces.as_deref()),
            (None, Some("b@example.com"))
        );
        Mailer::new(smtp).unwrap();
    }

    #[test]
    fn patience_and_a_limit_are_taken_from_the_keys() {
        let smtp = wanted(&[
            (&property("timeout"), "5000"),
            (&property("connectiontimeout"), "3s"),
            (RATE_LIMIT, "100/m"),
        ]);
        let smtp = smtp.unwrap();
        assert_eq!((smtp.timeout.as_millis(), smtp.connect_timeout.as_millis()), (5000, 3000));
        assert_eq!(smtp.rate_limit.map(|limit| limit.to_string()).as_deref(), Some("100/m"));
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        for (key, value, expected) in [
            (PORT, "many", "expected a port, for example 587"),
            (PROTOCOL, "imap", "expected smtp or smtps"),
            (FROM, "StoreAlert", "expected an address"),
            (BOUNCES, "nobody", "expected an address"),
            (RATE_LIMIT, "10", "for example 100/m"),
            (&property("timeout"), "0", "for example 10s or 10000"),
            (&property("connectiontimeout"), "1h", "for example 10s or 10000"),
            (&property("auth"), "maybe", "true or false"),
        ] {
            let error = wanted(&[(key, value)]).unwrap_err().to_string();
            let start = format!("{key} = \"{value}\" (command line): ");
            assert!(error.starts_with(&start) && error.contains(expected), "{error}");
        }
    }
}
