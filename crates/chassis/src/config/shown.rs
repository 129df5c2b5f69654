//! Settings as an administrator may see them: with their origins, without their secrets.

use serde_json::{Value, json};

use super::Settings;

/// What stands for a secret.
const MASK: &str = "******";
/// What in a key's name means that its value is a secret.
const SECRET: [&str; 8] = [
    "password",
    "secret",
    "credential",
    "token",
    "vcap_services",
    "jaas",
    "private-key",
    "encrypt.key",
];

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Shown<'a> {
    pub(crate) key: &'a str,
    /// With secrets masked; numbers and truth values as such, where they come from a file.
    pub(crate) value: Value,
    /// The layer, under Spring's name for it.
    pub(crate) source: String,
    /// Where in the layer.
    pub(crate) origin: String,
}

impl Settings {
    /// Every setting, in the order of keys.
    pub(crate) fn shown(&self) -> impl Iterator<Item = Shown<'_>> {
        self.settings.iter().map(|(key, setting)| {
            let (source, origin) = described(&setting.origin);
            let text = masked(key, &setting.value);
            let value = match source.as_str() {
                "systemEnvironment" | "commandLineArgs" => json!(text),
                _ => typed(text),
            };
            Shown { key, value, source, origin }
        })
    }
}

/// The layer and the place that an origin names.
fn described(origin: &str) -> (String, String) {
    if let Some(name) = origin.strip_prefix("environment variable ") {
        let origin = format!("System Environment Property \"{name}\"");
        return ("systemEnvironment".to_owned(), origin);
    }
    let source = match origin {
        "default" => "defaultProperties".to_owned(),
        "command line" => "commandLineArgs".to_owned(),
        _ => match (origin.strip_prefix("Config server, "), origin.rsplit_once(", line ")) {
            (Some(name), _) => format!("bootstrapProperties-{name}"),
            (None, Some((file, _))) => format!("Config resource 'file [{file}]'"),
            (None, None) => origin.to_owned(),
        },
    };
    (source, origin.to_owned())
}

fn typed(text: String) -> Value {
    let number = text.parse::<i64>().ok().filter(|number| number.to_string() == text);
    match (text.as_str(), number) {
        (_, Some(number)) => json!(number),
        ("true", _) => json!(true),
        ("false", _) => json!(false),
        _ => json!(text),
    }
}

/// A value without its secrets: all of it when the key says so, else passwords inside of addresses.
pub fn masked(key: &str, value: &str) -> String {
    let key = key.to_ascii_lowercase();
    if key.ends_with("key") || SECRET.iter().any(|word| key.contains(word)) {
        return MASK.to_owned();
    }
    without_parameters(&without_passwords(value))
}

/// `http://admin:secret@host/` without the secret, however many addresses there are. A password may have any letter in
/// it, so everything up to an address's last `@` counts as one: rather too much is hidden than too little.
fn without_passwords(text: &str) -> String {
    let mut addresses = text.split("://");
    let mut hidden = addresses.next().unwrap_or_default().to_owned();
    for address in addresses {
        hidden.push_str("://");
        let user = address.rsplit_once('@').and_then(|(user, _)| user.split_once(':'));
        match (user, address.rsplit_once('@')) {
            (Some((name, _)), Some((_, host))) => {
                hidden.push_str(&format!("{name}:{MASK}@{host}"));
            }
            _ => hidden.push_str(address),
        }
    }
    hidden
}

/// `…?password=secret&x=y` without the secret, and the like.
fn without_parameters(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let found = ["password=", "pwd=", "secret=", "token="]
        .iter()
        .filter_map(|name| lower.find(name).map(|at| at + name.len()))
        .min();
    let Some(begin) = found else { return text.to_owned() };
    let end = text[begin..].find(['&', ';', ',', ' ']).map_or(text.len(), |length| begin + length);
    format!("{}{MASK}{}", &text[..begin], without_parameters(&text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, expected: &str) {
        assert_eq!(masked(key, value), expected, "{key} = {value}");
    }

    #[test]
    fn secrets_are_masked() {
        check("spring.mail.password", "x", "******");
        check("app.client-secret", "x", "******");
        check("app.signing-key", "", "******");
        check("app.credential", "x", "******");
        check("app.private-key-pem", "x", "******");
        check("encrypt.key-of-today", "x", "******");
        check("jhipster.jwt.base64-secret", "x", "******");
        check("server.port", "8082", "8082");
        check(
            "defaultZone",
            "http://admin:p@a:8761/eureka,http://b:c@d/",
            "http://admin:******@a:8761/eureka,http://b:******@d/",
        );
        check("url", "mongodb://u:p@ss@host/db", "mongodb://u:******@host/db");
        check("app.keyboard", "x", "x");
        check("app.access-token", "x", "******");
        check("app.url", "http://admin:p@h:1/x", "http://admin:******@h:1/x");
        check("app.urls", "http://a:p@h/,http://b:q@i/", "http://a:******@h/,http://b:******@i/");
        check("app.url", "mongodb://a:p/q@h:1/x", "mongodb://a:******@h:1/x");
        check("app.url", "http://ann@h:1/x", "http://ann@h:1/x");
        check("app.url", "http://h:1/x@y", "http://h:******@y");
        check(
            "app.url",
            "jdbc:db://h/x?user=u&password=p&z=1",
            "jdbc:db://h/x?user=u&password=******&z=1",
        );
        check("app.text", "a://b://c:d@e", "a://b://c:******@e");
        check("app.name", "K\u{fc}che", "K\u{fc}che");
    }

    #[test]
    fn settings_have_layers_under_springs_names() {
        let settings =
            Settings::defaults(&["server.port: 8081\na.name: x\na.on: true\nb: '08'"]).unwrap();
        let settings = settings.environment([("SERVER_PORT".to_owned(), "1".to_owned())]).unwrap();
        let settings = settings.argument("a.name", "7").unwrap();
        let shown: Vec<_> = settings
            .shown()
            .map(|one| (one.key.to_owned(), one.value, one.source, one.origin))
            .collect();
        let expected = [
            ("a.name", json!("7"), "commandLineArgs", "command line"),
            ("a.on", json!(true), "defaultProperties", "default"),
            ("b", json!("08"), "defaultProperties", "default"),
            (
                "server.port",
                json!("1"),
                "systemEnvironment",
                "System Environment Property \"SERVER_PORT\"",
            ),
        ];
        assert_eq!(
            shown,
            expected.map(|(a, b, c, d)| (a.to_owned(), b, c.to_owned(), d.to_owned()))
        );
        assert_eq!(described("/etc/x.yml, line 3").0, "Config resource 'file [/etc/x.yml]'");
        assert_eq!(described("Config server, x.yml").0, "bootstrapProperties-x.yml");
    }
}
