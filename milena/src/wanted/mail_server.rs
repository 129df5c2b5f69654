//! The mail server, by Spring's keys.

use chassis::config::{ConfigError, Settings};
use mail::{Password, Security, SmtpSettings};

/// Where the tutorial's alert service sends its mails when only a user is named.
const TUTORIALS: &str = "smtp.gmail.com";

/// The mail server that the configuration names; none when it names neither a server nor a user.
pub(super) fn read(settings: &Settings) -> Result<Option<SmtpSettings>, ConfigError> {
    let username = settings.text("spring.mail.username");
    let host = match (settings.text("spring.mail.host"), username) {
        ("", "") => return Ok(None),
        ("", _) => TUTORIALS,
        (host, _) => host,
    };
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
    if !username.is_empty() {
        smtp.username = Some(username.to_owned());
        smtp.password =
            Some(Password::new(settings.secret("spring.mail.password").expose().clone()));
    }
    Ok(Some(smtp))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_server_is_wanted_when_it_or_its_user_has_a_name() {
        let settings = crate::defaults().unwrap();
        assert!(read(&settings).unwrap().is_none());
        let named = |key: &str, value: &str| settings.clone().argument(key, value).unwrap();
        for (settings, host) in [
            (named("spring.mail.host", "mail.example.com"), "mail.example.com"),
            (named("spring.mail.username", "me@example.com"), TUTORIALS),
        ] {
            let smtp = read(&settings).unwrap().unwrap();
            assert_eq!(
                (smtp.host.as_str(), smtp.port, smtp.security),
                (host, 587, Security::StartTlsRequired)
            );
            let error =
                read(&settings.argument("spring.mail.port", "many").unwrap()).err().unwrap();
            assert_eq!(
                error.to_string(),
                "spring.mail.port = \"many\" (command line): expected a port, for example 587"
            );
        }
    }
}
