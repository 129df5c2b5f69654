//! Keeps every log line of every system of this process, so that tests can look for what must not be in it.

use std::{
    collections::BTreeSet,
    io,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tracing_subscriber::filter::LevelFilter;

static LINES: Mutex<String> = Mutex::new(String::new());

/// Keeps every line from now on, the least severe included.
pub(super) fn capture() {
    tracing_subscriber::fmt()
        .with_max_level(LevelFilter::TRACE)
        .with_ansi(false)
        .with_writer(|| Lines)
        .try_init()
        .unwrap();
}

/// The last lines.
pub(super) fn end(count: usize) -> String {
    let lines = lines();
    let mut last: Vec<&str> = lines.lines().rev().take(count).collect();
    last.reverse();
    last.join("\n")
}

/// Whether a text stands in the log.
pub(crate) fn has(text: &str) -> bool {
    lines().contains(text)
}

/// What was seen by a test and must not stand in the log.
#[derive(Default)]
pub(crate) struct Secrets(Mutex<BTreeSet<String>>);

impl Secrets {
    /// Adds a password, a cookie's value, a code.
    pub(crate) fn add(&self, secret: &str) {
        assert!(secret.len() >= 8, "{secret:?} is too short to be told from other text");
        self.0.lock().unwrap().insert(secret.to_owned());
    }

    /// Adds a JSON Web Token: its signature, which alone makes it worth something, stands in every copy of it.
    pub(crate) fn add_token(&self, token: &str) {
        let signature = token.rsplit('.').next().filter(|signature| !signature.is_empty());
        self.add(signature.unwrap_or(token));
    }

    /// Fails if the log has one of the secrets.
    pub(crate) fn check_log(&self) {
        for secret in self.0.lock().unwrap().iter() {
            let lines = lines();
            let leak = lines.lines().find(|line| line.contains(secret.as_str()));
            assert_eq!(leak, None, "the log has the secret {secret}");
        }
    }
}

fn lines() -> MutexGuard<'static, String> {
    LINES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Where log lines go.
struct Lines;

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lines().push_str(&String::from_utf8_lossy(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
