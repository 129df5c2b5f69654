//! Placeholders in values: `${other.key}` and `${other.key:default}`, as Spring has them.

use super::{ConfigError, Settings};

/// How deep placeholders may lead to other placeholders.
const DEPTH: usize = 16;

impl Settings {
    /// Replaces every placeholder by what it names: a key of ours, else its default.
    ///
    /// # Errors
    /// Names the key whose placeholder leads nowhere, or in a circle.
    pub fn resolved(self) -> Result<Self, ConfigError> {
        let mut resolved = self.clone();
        for (key, setting) in &mut resolved.settings {
            if setting.value.contains("${") {
                setting.value =
                    self.filled(&setting.value, 0).map_err(|reason| ConfigError::Invalid {
                        key: key.clone(),
                        value: "_".to_owned(),
                        origin: setting.origin.clone(),
                        reason,
                    })?;
            }
        }
        Ok(resolved)
    }

    fn filled(&self, text: &str, depth: usize) -> Result<String, String> {
        let Some((before, rest)) = text.split_once("${") else { return Ok(text.to_owned()) };
        if depth == DEPTH {
            return Err("its placeholders lead in a circle".to_owned());
        }
        let end = closing(rest).ok_or("a placeholder is not closed by }")?;
        let (name, default) = match rest[..end].split_once(':') {
            Some((name, default)) => (name, Some(default)),
            None => (&rest[..end], None),
        };
        let named = self.known(name.trim()).and_then(|key| self.settings.get(&key));
        let value = match (named, default) {
            (Some(setting), default) if !setting.value.is_empty() || default.is_none() => {
                &setting.value
            }
            (_, Some(default)) => default,
            (_, None) => {
                return Err(format!("nobody here knows the key {name} of its placeholder"));
            }
        };
        let value = self.filled(value, depth + 1)?;
        Ok(format!("{before}{value}{}", self.filled(&rest[end + 1..], depth)?))
    }
}

/// The position of the brace that closes a placeholder; there may be others inside it.
fn closing(text: &str) -> Option<usize> {
    let mut open = 1;
    for (at, letter) in text.char_indices() {
        match letter {
            '{' => open += 1,
            '}' => open -= 1,
            _ => continue,
        }
        if open == 0 {
            return Some(at);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, expected: Result<&str, &str>) {
        let settings = Settings::defaults(&[
            "registry: {password: p}\nempty: ''\nself: '${self}'\nregistry-host: '${host:localhost}'\naddress: x",
        ])
        .unwrap();
        let resolved = settings.argument("self", "x").unwrap().argument("address", value).unwrap();
        match (resolved.resolved(), expected) {
            (Ok(settings), Ok(expected)) => assert_eq!(settings.text("address"), expected),
            (Err(error), Err(expected)) => {
                let text = error.to_string();
                assert!(text.starts_with("address = ") && text.contains(expected), "{text}");
            }
            (actual, expected) => panic!("{actual:?} is not {expected:?}"),
        }
    }

    #[test]
    fn placeholders_are_replaced() {
        check("plain", Ok("plain"));
        check("http://admin:${registry.password}@h/", Ok("http://admin:p@h/"));
        check("${registry-host}:${port:8761}", Ok("localhost:8761"));
        check("${empty:full}${empty}", Ok("full"));
        check("${nobody:${registry.password}}!", Ok("p!"));
        check("$${x", Err("not closed"));
        check("${nobody}", Err("nobody here knows the key nobody"));
        check("${address}", Err("circle"));
    }
}
