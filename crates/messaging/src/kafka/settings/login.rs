//! A login module and its options: the line of `sasl.jaas.config`, or Spring's keys for the same.

use std::collections::BTreeMap;

use anyhow::{Context, bail, ensure};

use super::Pairs;

const LINE: &str = "sasl.jaas.config";
const BOOT: &str = "spring.kafka.jaas";
const BINDER: &str = "spring.cloud.stream.kafka.binder.jaas";
const FLAGS: [&str; 4] = ["required", "requisite", "sufficient", "optional"];

/// A login as Java's clients are told it. No `Debug`: it holds passwords.
pub(super) struct Login {
    /// The property that holds it, or the key above those that do.
    pub(super) origin: &'static str,
    /// The class, without its package.
    pub(super) module: String,
    pub(super) options: BTreeMap<String, String>,
}

impl Login {
    /// The login among these properties. As in Java, the client's own property goes before what is set for the whole process.
    pub(super) fn find(given: &Pairs) -> anyhow::Result<Option<Self>> {
        if let Some(line) = given.get(LINE) {
            return Login::parse(line).map(Some);
        }
        let boot = given.get(&format!("{BOOT}.enabled"));
        if boot.is_some_and(|enabled| enabled.trim().eq_ignore_ascii_case("true")) {
            return Login::below(BOOT, given).map(Some);
        }
        let is_set = |start: &str| given.keys().any(|name| name.starts_with(start));
        if is_set(BINDER) {
            return Login::below(BINDER, given).map(Some);
        }
        ensure!(
            boot.is_some() || !is_set(BOOT),
            "{BOOT} has no effect unless {BOOT}.enabled is true"
        );
        Ok(None)
    }

    /// Reads Spring's keys below this one.
    fn below(origin: &'static str, given: &Pairs) -> anyhow::Result<Self> {
        // Spring's own default is Kerberos.
        let class = given.get(&format!("{origin}.login-module"));
        let class = class.map_or("Krb5LoginModule", |class| class.trim());
        let flag = given.get(&format!("{origin}.control-flag"));
        let flag = flag.map_or("required", |flag| flag.trim()).to_ascii_lowercase();
        ensure!(
            FLAGS.contains(&flag.as_str()),
            "{origin}.control-flag {flag:?} is none of {}",
            FLAGS.join(", ")
        );
        let start = format!("{origin}.options.");
        let option = |(name, value): (&String, &String)| {
            Some((name.strip_prefix(&start)?.to_owned(), value.clone()))
        };
        let options = given.iter().filter_map(option).collect();
        Ok(Login { origin, module: without_package(class), options })
    }

    /// Reads `package.Module required name="value" … ;`.
    fn parse(text: &str) -> anyhow::Result<Self> {
        let mut words = words(text)?.into_iter();
        let class = words.next().context("sasl.jaas.config is empty")?;
        let module = without_package(&class);
        let flag = words.next().unwrap_or_default().to_ascii_lowercase();
        ensure!(
            FLAGS.contains(&flag.as_str()),
            "sasl.jaas.config needs the word \"required\" after the login module"
        );
        let mut options = BTreeMap::new();
        for word in words {
            let (name, value) =
                word.split_once('=').context("an option of sasl.jaas.config has no value")?;
            options.insert(name.to_owned(), value.to_owned());
        }
        Ok(Login { origin: LINE, module, options })
    }

    pub(super) fn option(&self, name: &str) -> anyhow::Result<&str> {
        let value = self.options.get(name);
        value
            .map(String::as_str)
            .with_context(|| format!("{} lacks the option {name}", self.origin))
    }
}

fn without_package(class: &str) -> String {
    class.rsplit('.').next().unwrap_or_default().to_owned()
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
