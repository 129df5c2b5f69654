//! Reads addresses as PostgreSQL's JDBC driver does: `jdbc:postgresql:[//host[:port][,…]/][name][?key=value&…]`.

use std::time::Duration;

use percent_encoding::percent_decode_str;

use super::{Mode, PostgresSettings, SettingsError, Tls};

/// PostgreSQL's port.
const PORT: u16 = 5432;
/// Hikari's `maximumPoolSize`.
const CONNECTIONS: u32 = 10;
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(10);

/// The settings, and what is to be said about the address.
pub(super) fn parse(
    url: &str,
    username: Option<&str>,
    password: Option<&str>,
) -> Result<(PostgresSettings, Vec<String>), SettingsError> {
    let Some(rest) = url.strip_prefix("jdbc:postgresql:") else {
        return Err(SettingsError(format!(
            "the database address begins with {:?}, not with jdbc:postgresql:",
            scheme(url)
        )));
    };
    let (location, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut remarks = Vec::new();
    let (host, port, name) = match location.strip_prefix("//") {
        None => ("localhost".to_owned(), PORT, location.trim_start_matches('/')),
        Some(location) => {
            let (hosts, name) = location.split_once('/').unwrap_or((location, ""));
            let (first, others) = hosts.split_once(',').unwrap_or((hosts, ""));
            let (host, port) = place(first)?;
            if !others.is_empty() {
                remarks.push(format!("of several hosts only the first, {host}, is used"));
            }
            (host, port, name)
        }
    };
    let mut settings = PostgresSettings {
        connections: CONNECTIONS,
        statement_timeout: STATEMENT_TIMEOUT,
        application: "milena".to_owned(),
        host,
        port,
        database: decoded(name, "the database's name")?,
        username: username.unwrap_or_default().to_owned(),
        password: password.map(str::to_owned),
        schema: None,
        tls: Tls::default(),
    };
    for parameter in query.split('&').filter(|parameter| !parameter.is_empty()) {
        let (key, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let value = decoded(&value.replace('+', " "), key)?;
        remarks.extend(apply(&mut settings, key, value)?);
    }
    if settings.username.is_empty() {
        return Err(SettingsError("the user of the database has no name".to_owned()));
    }
    if settings.database.is_empty() {
        settings.database.clone_from(&settings.username);
    }
    Ok((settings, remarks))
}

/// Takes one parameter of the address; answers what is to be said about it.
fn apply(
    settings: &mut PostgresSettings,
    key: &str,
    value: String,
) -> Result<Option<String>, SettingsError> {
    let tls = &mut settings.tls;
    match key {
        "user" => settings.username = value,
        "password" => settings.password = Some(value),
        "currentSchema" => settings.schema = Some(value).filter(|schema| !schema.is_empty()),
        "ApplicationName" => settings.application = value,
        "sslmode" => tls.mode = mode(&value)?,
        // As the driver reads it: whoever asks for TLS without saying how wants to know whom he talks to.
        "ssl" if value.is_empty() || value == "true" => {
            if tls.mode == Mode::Prefer {
                tls.mode = Mode::VerifyFull;
            }
        }
        "ssl" => {}
        "sslrootcert" => tls.root = Some(value.into()),
        "sslcert" => tls.certificate = Some(value.into()),
        "sslkey" => tls.key = Some(value.into()),
        _ => return Ok(Some(format!("parameter {key:?} of the address has no effect here"))),
    }
    Ok(None)
}

fn mode(text: &str) -> Result<Mode, SettingsError> {
    Ok(match text {
        "disable" => Mode::Disable,
        "allow" => Mode::Allow,
        "prefer" => Mode::Prefer,
        "require" => Mode::Require,
        "verify-ca" => Mode::VerifyCa,
        "verify-full" => Mode::VerifyFull,
        _ => {
            return Err(SettingsError(format!(
                "sslmode is {text:?}, not disable, allow, prefer, require, verify-ca or verify-full"
            )));
        }
    })
}

/// What stands before the part of an address that may hold a secret.
fn scheme(url: &str) -> &str {
    let end = url.match_indices(':').nth(1).map_or(url.len(), |(at, _)| at + 1);
    let scheme = url.get(..end.min(30)).unwrap_or_default();
    scheme.split(['/', '@', '?']).next().unwrap_or_default()
}

/// Host and port, from `host`, `host:port`, `[::1]`, `[::1]:port` or nothing.
fn place(text: &str) -> Result<(String, u16), SettingsError> {
    if text.contains('@') {
        return Err(SettingsError(
            "the database address has a user before its host; set the username and the password beside it"
                .to_owned(),
        ));
    }
    let wrong = |what| SettingsError(format!("{text:?} in the database address has {what}"));
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (host, rest) = rest.split_once(']').ok_or_else(|| wrong("no ]"))?;
            host.parse::<std::net::Ipv6Addr>().map_err(|_| wrong("no address between [ and ]"))?;
            match (rest.strip_prefix(':'), rest) {
                (port, _) if port.is_some() => (host, port),
                (_, "") => (host, None),
                _ => return Err(wrong("more than a port after ]")),
            }
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    let port = match port {
        None | Some("") => PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port > 0)
            .ok_or_else(|| wrong("a port that is no number from 1 to 65535"))?,
    };
    let host = decoded(host, "the host's name")?;
    Ok((if host.is_empty() { "localhost".to_owned() } else { host }, port))
}

fn decoded(text: &str, what: &str) -> Result<String, SettingsError> {
    let decoded = percent_decode_str(text).decode_utf8();
    let decoded = decoded.ok().filter(|text| !text.contains('\0'));
    let decoded = decoded
        .ok_or_else(|| SettingsError(format!("{what} in the database address is not readable")))?;
    Ok(decoded.into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(url: &str) -> Result<(PostgresSettings, Vec<String>), SettingsError> {
        parse(url, Some("reader"), Some("from-settings"))
    }

    #[test]
    fn reads_every_form_of_an_address() {
        for (url, address) in [
            ("jdbc:postgresql://db.example:6432/books", "db.example:6432/books"),
            ("jdbc:postgresql://db.example/books", "db.example:5432/books"),
            ("jdbc:postgresql://db.example:/books", "db.example:5432/books"),
            ("jdbc:postgresql://127.0.0.1:1/b%C3%BCcher%2F", "127.0.0.1:1/bücher/"),
            ("jdbc:postgresql://[::1]:6432/books", "[::1]:6432/books"),
            ("jdbc:postgresql://[::1]/books", "[::1]:5432/books"),
            ("jdbc:postgresql:///books", "localhost:5432/books"),
            ("jdbc:postgresql:books", "localhost:5432/books"),
            ("jdbc:postgresql:/", "localhost:5432/reader"),
            ("jdbc:postgresql:", "localhost:5432/reader"),
            ("jdbc:postgresql://db.example", "db.example:5432/reader"),
            ("jdbc:postgresql://db.example/?currentSchema=a", "db.example:5432/reader"),
            ("jdbc:postgresql://one:1,two:2,[::1]:3/books", "one:1/books"),
        ] {
            assert_eq!(parsed(url).map(|(settings, _)| settings.address()), Ok(address.to_owned()));
        }
    }

    #[test]
    fn says_what_is_wrong_with_an_address() {
        for (url, reason) in [
            ("jdbc:h2:file:./target/secret", "\"jdbc:h2:\""),
            ("jdbc:h2://a:secret@b/c", "\"jdbc:h2:\""),
            ("postgres://a:secret@b/c", "\"postgres:\""),
            ("", "jdbc:postgresql:"),
            ("jdbc:postgresql://a:secret@b/c", "set the username"),
            ("jdbc:postgresql://b:0/c", "65535"),
            ("jdbc:postgresql://b:65536/c", "65535"),
            ("jdbc:postgresql://b:x/c", "65535"),
            ("jdbc:postgresql://[::1/c", "no ]"),
            ("jdbc:postgresql://[x]/c", "no address"),
            ("jdbc:postgresql://[::1]x/c", "more than a port"),
            ("jdbc:postgresql://b/%ff", "the database's name"),
            ("jdbc:postgresql://b/%00", "the database's name"),
            ("jdbc:postgresql://b/c?sslmode=on", "verify-full"),
            ("jdbc:postgresql://b/c?password=%ff", "password"),
            ("jdbc:postgresql://b/c?user=", "no name"),
        ] {
            let error = parsed(url).expect_err(url).to_string();
            assert!(error.contains(reason) && !error.contains("secret"), "{url}: {error}");
        }
    }

    #[test]
    fn reads_the_parameters_of_an_address() {
        let (settings, remarks) = parsed(
            "jdbc:postgresql://h/n?user=a%26b&password=p%2B%3D+q&sslmode=verify-ca&sslrootcert=/r&sslcert=/c\
             &sslkey=/k&currentSchema=books,public&ApplicationName=library&reWriteBatchedInserts=true&&x",
        )
        .unwrap();
        assert_eq!(settings.username, "a&b");
        assert_eq!(settings.password.as_deref(), Some("p+= q"));
        assert_eq!(settings.schema.as_deref(), Some("books,public"));
        assert_eq!(settings.application, "library");
        let tls = Tls {
            mode: Mode::VerifyCa,
            root: Some("/r".into()),
            certificate: Some("/c".into()),
            key: Some("/k".into()),
        };
        assert_eq!(settings.tls, tls);
        assert_eq!(
            remarks,
            [
                "parameter \"reWriteBatchedInserts\" of the address has no effect here",
                "parameter \"x\" of the address has no effect here"
            ]
        );
    }

    #[test]
    fn says_which_of_several_hosts_is_used() {
        let (_, remarks) = parsed("jdbc:postgresql://one:1,two:2/books").unwrap();
        assert_eq!(remarks, ["of several hosts only the first, one, is used"]);
    }

    #[test]
    fn verifies_the_server_when_asked_for_tls_without_a_mode() {
        for (query, expected) in [
            ("", Mode::Prefer),
            ("?ssl=false", Mode::Prefer),
            ("?ssl=true", Mode::VerifyFull),
            ("?ssl", Mode::VerifyFull),
            ("?ssl=true&sslmode=require", Mode::Require),
            ("?sslmode=require&ssl=true", Mode::Require),
            ("?sslmode=disable", Mode::Disable),
        ] {
            let (settings, _) = parsed(&format!("jdbc:postgresql://h/n{query}")).unwrap();
            assert_eq!(settings.tls.mode, expected, "{query}");
        }
    }

    #[test]
    fn takes_the_user_from_beside_the_address() {
        let (settings, _) = parsed("jdbc:postgresql://h/n").unwrap();
        assert_eq!(settings.username, "reader");
        assert_eq!(settings.password.as_deref(), Some("from-settings"));
        assert!(parse("jdbc:postgresql://h/n", None, None).is_err());
    }

    #[test]
    fn prints_no_password() {
        let (settings, _) = parsed("jdbc:postgresql://h/n").unwrap();
        let printed = format!("{settings:?}");
        assert!(printed.contains("Secret(_)") && !printed.contains("from-settings"), "{printed}");
    }
}
