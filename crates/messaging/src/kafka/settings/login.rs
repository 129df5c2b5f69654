//! The line of `sasl.jaas.config`: a login module and its options.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

/// A login as Java's clients are told it. No `Debug`: it holds passwords.
pub(super) struct Login {
    /// The class, without its package.
    pub(super) module: String,
    pub(super) options: BTreeMap<String, String>,
}

impl Login {
    /// Reads `package.Module required name="value" … ;`.
    pub(super) fn parse(text: &str) -> anyhow::Result<Self> {
        let mut words = words(text)?.into_iter();
        let class = words.next().context("sasl.jaas.config is empty")?;
        let module = class.rsplit('.').next().unwrap_or_default().to_owned();
        let flag = words.next().unwrap_or_default().to_ascii_lowercase();
        ensure!(
            ["required", "requisite", "sufficient", "optional"].contains(&flag.as_str()),
            "sasl.jaas.config needs the word \"required\" after the login module"
        );
        let mut options = BTreeMap::new();
        for word in words {
            let (name, value) =
                word.split_once('=').context("an option of sasl.jaas.config has no value")?;
            options.insert(name.to_owned(), value.to_owned());
        }
        Ok(Login { module, options })
    }

    pub(super) fn option(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.options.get(name);
        value
            .map(String::as_str)
            .with_context(|| format!("sasl.jaas.config lacks the option {name}"))
    }
}

/// The words up to the semicolon; quotes and backslashes are taken off.
fn words(text: &str) -> anyhow::Result<Vec<String>> {
    let (mut words, mut word, mut letters) = (Vec::new(), None::<String>, text.chars());
    while let Some(letter) = letters.next() {
        match letter {
            ';' => break,
            space if space.is_whitespace() => words.extend(word.take()),
            quote @ ('"' | '\'') => {
                let word = word.get_or_insert_default();
                loop {
                    match letters.next() {
                        Some('\\') => word.extend(letters.next()),
                        Some(end) if end == quote => break,
                        Some(inside) => word.push(inside),
                        None => bail!("sasl.jaas.config has a quote without its end"),
                    }
                }
            }
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    Ok(words)
}
