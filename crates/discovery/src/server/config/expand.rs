//! Placeholders in what is served: `${key}` and `${key:default}`, as Spring's configuration server fills them in.

use std::collections::HashMap;

use super::source::{Source, Value};

/// How deep placeholders may lead to other placeholders.
const DEPTH: usize = 24;
/// The longest text that may come out, in bytes.
const LENGTH: usize = 8 * 1024 * 1024;
/// Stands for an escaped `${` in between.
const MASK: &str = "$_{";

/// Fills in the placeholders of a text. What no source has, and has no default, stays as it is; `\${` becomes `${`.
///
/// # Errors
/// When placeholders lead in a circle or blow the text up.
pub(super) fn expand(text: &str, sources: &[Source]) -> Result<String, String> {
    let masked = text.replace("\\\\${", MASK).replace("\\${", MASK);
    if !masked.contains("${") {
        return Ok(masked.replace(MASK, "${"));
    }
    let mut values = HashMap::new();
    for property in sources.iter().flat_map(|source| source.properties.iter()) {
        values.entry(property.key.as_str()).or_insert(&property.value);
    }
    let mut expansion = Expansion { values, left: LENGTH };
    Ok(expansion.fill(&masked, 0)?.replace(MASK, "${"))
}

struct Expansion<'a> {
    values: HashMap<&'a str, &'a Value>,
    left: usize,
}

impl Expansion<'_> {
    fn fill(&mut self, text: &str, depth: usize) -> Result<String, String> {
        if depth > DEPTH {
            return Err("Placeholders lead in a circle".to_owned());
        }
        self.left = self.left.checked_sub(text.len()).ok_or_else(|| {
            format!("With its placeholders the text is longer than {LENGTH} bytes")
        })?;
        let (mut filled, mut rest) = (String::new(), text);
        while let Some((before, after)) = rest.split_once("${") {
            filled.push_str(before);
            let Some(end) = closing(after) else {
                filled.push_str("${");
                filled.push_str(after);
                return Ok(filled);
            };
            let name = self.fill(&after[..end], depth + 1)?;
            match self.value(&name) {
                Some(value) => filled.push_str(&self.fill(&value, depth + 1)?),
                None => filled.push_str(&format!("${{{}}}", &after[..end])),
            }
            rest = &after[end + 1..];
        }
        filled.push_str(rest);
        Ok(filled)
    }

    /// What a placeholder means: the value of the whole name, else of what is before the first colon, else what follows.
    fn value(&self, name: &str) -> Option<String> {
        let named = |key: &str| self.values.get(key).map(|value| value.to_string());
        let split = || name.split_once(':');
        named(name).or_else(|| named(split()?.0)).or_else(|| Some(split()?.1.to_owned()))
    }
}

/// Where the brace that closes a placeholder is.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in text.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return Some(at),
            '}' => depth -= 1,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::config::source;

    fn expanded(text: &str) -> Result<String, String> {
        let bytes: &[u8] = b"who: world\nkey: who\nn: 5\nx: ${y}\ny: ${x}\nh: ${missing} ${who}\nnamed: {'a:b': colon}";
        let document = source::parse("a.yml", bytes).unwrap().remove(0);
        let sources = [Source {
            name: String::new(),
            file: String::new(),
            commit: None,
            properties: document.properties,
        }];
        expand(text, &sources)
    }

    #[test]
    fn placeholders_are_filled_in_as_by_the_original() {
        for (text, expected) in [
            ("hello ${who}", "hello world"),
            ("${nobody:x${n}}", "x5"),
            ("${${key}}", "world"),
            ("${nobody}", "${nobody}"),
            ("${h}", "${missing} world"),
            ("\\${who} \\\\${who}", "${who} ${who}"),
            ("${who", "${who"),
            ("$who {}", "$who {}"),
            ("${nobody:}", ""),
            ("${named.a:b}", "colon"),
            ("${a:{b}}", "{b}"),
            ("${who}${n}", "world5"),
        ] {
            assert_eq!(expanded(text).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn circles_and_bombs_are_refused() {
        assert!(expanded("${x}").unwrap_err().contains("circle"));
        let mut text = "a0: xxxxxxxxxxxxxxxx\n".to_owned();
        for n in 1..=20 {
            text.push_str(&format!("a{n}: ${{a{0}}}${{a{0}}}${{a{0}}}\n", n - 1));
        }
        let document = source::parse("a.yml", text.as_bytes()).unwrap().remove(0);
        let (name, file) = (String::new(), String::new());
        let sources = [Source { name, file, commit: None, properties: document.properties }];
        assert!(expand("${a20}", &sources).unwrap_err().contains("longer than"));
    }
}
