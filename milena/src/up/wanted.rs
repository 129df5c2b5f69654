//! What the configuration asks for, read and checked before a port is bound or a file is touched.

use std::{num::NonZeroU8, str::FromStr, sync::Arc};

use chassis::config::{ConfigError, Settings};
use gateway::SignIn;
use identity::Provider;
use mail::{Password, Security, SmtpSettings};

const ISSUER: &str = "spring.security.oauth2.client.provider.oidc.issuer-uri";
const REGISTRY_PASSWORD: &str = "spring.security.user.password";

/// What the configuration asks for.
pub(super) struct Wanted {
    pub(super) sign_in: SignIn,
    /// The identity provider; none when the development one is to run here.
    pub(super) provider: Option<Arc<Provider>>,
    /// The mail server; none when the sink is to run here.
    pub(super) mail_server: Option<SmtpSettings>,
    pub(super) distribution_list: Vec<String>,
    /// How many partitions a new topic gets.
    pub(super) partitions: i32,
    pub(super) registry: registry::Settings,
}

impl Wanted {
    /// Reads the settings.
    ///
    /// # Errors
    /// Names the key whose value cannot be used.
    pub(super) fn read(settings: &Settings) -> Result<Self, ConfigError> {
        let sign_in = SignIn::read(settings);
        let provider = match settings.is_set(ISSUER) {
            true => Some(
                Provider::new(&sign_in.issuer)
                    .map_err(|cause| unusable(settings, ISSUER, &cause))?,
            ),
            false => None,
        };
        let recipients: Recipients = settings.parse(
            "alert.distribution-list",
            "1 to 100 addresses, separated by commas, for example me@example.com",
        )?;
        let partitions: NonZeroU8 =
            settings.parse("milena.broker.partitions", "a number from 1 to 255")?;
        let registry = registry::Settings::read(settings);
        if registry.password.expose().is_empty() {
            return Err(unusable(
                settings,
                REGISTRY_PASSWORD,
                &anyhow::anyhow!("the registry needs a password"),
            ));
        }
        Ok(Wanted {
            sign_in,
            provider,
            mail_server: mail_server(settings)?,
            distribution_list: recipients.0,
            partitions: partitions.get().into(),
            registry,
        })
    }
}

/// The distribution list.
struct Recipients(Vec<String>);

impl FromStr for Recipients {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> anyhow::Result<Self> {
        let list: Vec<String> = text
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect();
        mail::check_recipients(&list)?;
        Ok(Recipients(list))
    }
}

fn mail_server(settings: &Settings) -> Result<Option<SmtpSettings>, ConfigError> {
    let host = settings.text("spring.mail.host");
    if host.is_empty() {
        return Ok(None);
    }
    let mut smtp =
        SmtpSettings::new(host, settings.parse("spring.mail.port", "a port, for example 587")?);
    let starttls = |name: &str| {
        settings
            .parse(&format!("spring.mail.properties.mail.smtp.starttls.{name}"), "true or false")
    };
    smtp.security = match (starttls("enable")?, starttls("required")?) {
        (false, _) => Security::Plain,
        (true, false) => Security::StartTlsIfOffered,
        (true, true) => Security::StartTlsRequired,
    };
    let username = settings.text("spring.mail.username");
    if !username.is_empty() {
        smtp.username = Some(username.to_owned());
        smtp.password =
            Some(Password::new(settings.secret("spring.mail.password").expose().clone()));
    }
    Ok(Some(smtp))
}

fn unusable(settings: &Settings, key: &str, cause: &anyhow::Error) -> ConfigError {
    settings.invalid(key, format!("{cause:#}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, expected: &str) {
        let settings = crate::defaults().unwrap().argument(key, value).unwrap();
        let error = Wanted::read(&settings).err().unwrap().to_string();
        assert!(error.starts_with(&format!("{key} = ")) && error.contains(expected), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_used_is_named() {
        check("alert.distribution-list", "", "for example me@example.com");
        check("alert.distribution-list", "a@example.com, nobody", "for example me@example.com");
        check("alert.distribution-list", &"a@example.com,".repeat(101), "1 to 100 addresses");
        check("milena.broker.partitions", "0", "a number from 1");
        check(ISSUER, "sso.example.com", "issuer's address");
        check(ISSUER, "ftp://sso.example.com", "must start with http:// or https://");
        check(REGISTRY_PASSWORD, "", "needs a password");
    }

    #[test]
    fn a_mail_server_is_wanted_when_it_has_a_name() {
        let settings = crate::defaults().unwrap();
        assert!(Wanted::read(&settings).unwrap().mail_server.is_none());
        let settings = settings.argument("spring.mail.host", "mail.example.com").unwrap();
        let smtp = Wanted::read(&settings).unwrap().mail_server.unwrap();
        assert_eq!(
            (smtp.host.as_str(), smtp.port, smtp.security),
            ("mail.example.com", 587, Security::StartTlsRequired)
        );
        let settings = settings.argument("spring.mail.port", "many").unwrap();
        let error = Wanted::read(&settings).err().unwrap().to_string();
        assert_eq!(
            error,
            "spring.mail.port = \"many\" (command line): expected a port, for example 587"
        );
    }
}
