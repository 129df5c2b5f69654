//! Levels of log lines that are changed while the program runs, under names as the Java services have them:
//! `ROOT`, `messaging`, `discovery.server`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use anyhow::Context;
use tracing::{info, level_filters::LevelFilter};
use tracing_subscriber::{Registry, filter::Targets, reload};

use super::{Counts, LogFilter};

/// The levels by their Java names, the least talkative first.
pub(crate) const LEVELS: [(&str, LevelFilter); 6] = [
    ("OFF", LevelFilter::OFF),
    ("ERROR", LevelFilter::ERROR),
    ("WARN", LevelFilter::WARN),
    ("INFO", LevelFilter::INFO),
    ("DEBUG", LevelFilter::DEBUG),
    ("TRACE", LevelFilter::TRACE),
];

/// The Java name of a level.
pub(crate) fn level_name(level: LevelFilter) -> &'static str {
    LEVELS.iter().find(|(_, known)| *known == level).map_or("OFF", |(name, _)| name)
}

/// How many names that mean nothing here are remembered.
const REMEMBERED: usize = 1000;
/// How long a name may be.
const NAME: usize = 200;

/// Changes the levels of log lines, and knows them.
#[derive(Clone)]
pub struct Loggers(Arc<Inner>);

struct Inner {
    ours: &'static [&'static str],
    counts: Arc<Counts>,
    handle: Option<reload::Handle<Targets, Registry>>,
    levels: Mutex<Levels>,
}

struct Levels {
    /// What the root goes back to.
    first: LevelFilter,
    now: LogFilter,
    /// Loggers that Java programs have and we do not: shown as they were set, without effect.
    foreign: BTreeMap<String, Option<LevelFilter>>,
}

/// A logger as the management endpoints show it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Logger {
    pub(crate) configured: Option<LevelFilter>,
    pub(crate) effective: LevelFilter,
}

impl Loggers {
    pub(super) fn new(
        filter: LogFilter,
        ours: &'static [&'static str],
        counts: Arc<Counts>,
        handle: Option<reload::Handle<Targets, Registry>>,
    ) -> Self {
        let levels = Levels { first: filter.root, now: filter, foreign: BTreeMap::new() };
        Loggers(Arc::new(Inner { ours, counts, handle, levels: Mutex::new(levels) }))
    }

    /// Levels that no log line obeys, for tests.
    pub fn detached(filter: LogFilter, ours: &'static [&'static str]) -> Self {
        Loggers::new(filter, ours, Arc::new(Counts::default()), None)
    }

    /// Gives a logger a level, or takes its own away so that it has that of what it is a part of. A name that means
    /// nothing here is remembered, and has no effect.
    ///
    /// # Errors
    /// When there are too many such names, the name is too long, or logging has ended.
    pub fn set(&self, name: &str, level: Option<LevelFilter>) -> anyhow::Result<()> {
        anyhow::ensure!(name.len() <= NAME, "a logger's name has at most {NAME} bytes");
        let mut levels = self.levels();
        match self.part(&levels, name) {
            Part::Root => levels.now.root = level.unwrap_or(levels.first),
            Part::Ours(target) => match level {
                Some(level) => drop(levels.now.parts.insert(target, level)),
                None => drop(levels.now.parts.remove(&target)),
            },
            Part::Foreign => {
                let free = levels.foreign.len() < REMEMBERED || levels.foreign.contains_key(name);
                anyhow::ensure!(free, "there are {REMEMBERED} unknown loggers already");
                levels.foreign.insert(name.to_owned(), level);
            }
        }
        if let Some(handle) = &self.0.handle {
            handle.reload(levels.now.targets()).context("change the levels of log lines")?;
        }
        drop(levels);
        let shown = level.map_or("that of its parent", level_name);
        info!(logger.name = %name, "the level of logger {name} is now {shown}");
        Ok(())
    }

    /// Gives all loggers of ours the levels of a filter, because the configuration has another one now.
    ///
    /// # Errors
    /// When logging has ended.
    pub fn replace(&self, filter: LogFilter) -> anyhow::Result<()> {
        let mut levels = self.levels();
        (levels.first, levels.now) = (filter.root, filter);
        if let Some(handle) = &self.0.handle {
            handle.reload(levels.now.targets()).context("change the levels of log lines")?;
        }
        Ok(())
    }

    /// Looks a logger up; one that nobody has ever heard of is none.
    pub(crate) fn get(&self, name: &str) -> Option<Logger> {
        let levels = self.levels();
        match self.part(&levels, name) {
            Part::Root => {
                Some(Logger { configured: Some(levels.now.root), effective: levels.now.root })
            }
            Part::Ours(target) => Some(levels.of_ours(&target)),
            Part::Foreign => levels.of_foreign(name),
        }
    }

    /// Every logger's name: the root first, then by name.
    pub(crate) fn names(&self) -> Vec<String> {
        let levels = self.levels();
        let mut names: Vec<String> = self.0.ours.iter().map(|name| (*name).to_owned()).collect();
        names.extend(levels.now.parts.keys().map(|target| target.replace("::", ".")));
        for name in levels.foreign.keys() {
            let ends = name.match_indices('.').map(|(at, _)| &name[..at]);
            names.extend(ends.chain([name.as_str()]).map(str::to_owned));
        }
        names.sort();
        names.dedup();
        names.insert(0, "ROOT".to_owned());
        names
    }

    /// How many lines there were of each level.
    pub(crate) fn counts(&self) -> &Counts {
        &self.0.counts
    }

    fn part(&self, levels: &Levels, name: &str) -> Part {
        if name == "ROOT" {
            return Part::Root;
        }
        let target = name.replace('.', "::");
        let first = target.split("::").next().unwrap_or_default();
        // Only whole names of crates: a filter for `a` would apply to everything that begins with this letter.
        match self.0.ours.contains(&first) || levels.now.parts.contains_key(&target) {
            true => Part::Ours(target),
            false => Part::Foreign,
        }
    }

    fn levels(&self) -> MutexGuard<'_, Levels> {
        self.0.levels.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a name stands for.
enum Part {
    Root,
    /// A target of log lines.
    Ours(String),
    Foreign,
}

impl Levels {
    fn of_ours(&self, target: &str) -> Logger {
        let holds = |part: &str| {
            target.strip_prefix(part).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
        };
        let around = self.now.parts.iter().filter(|(part, _)| holds(part));
        let nearest = around.max_by_key(|(part, _)| part.len()).map(|(_, level)| *level);
        Logger {
            configured: self.now.parts.get(target).copied(),
            effective: nearest.unwrap_or(self.now.root),
        }
    }

    fn of_foreign(&self, name: &str) -> Option<Logger> {
        let inside = format!("{name}.");
        if !self.foreign.keys().any(|known| known == name || known.starts_with(&inside)) {
            return None;
        }
        let configured = self.foreign.get(name).copied().flatten();
        let mut ends = name.rmatch_indices('.').map(|(at, _)| &name[..at]);
        let inherited = ends.find_map(|parent| self.foreign.get(parent).copied().flatten());
        let effective = configured.or(inherited).unwrap_or(self.now.root);
        Some(Logger { configured, effective })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loggers() -> Loggers {
        Loggers::detached("info,discovery::server=warn".parse().unwrap(), &["discovery", "mail"])
    }

    fn check(loggers: &Loggers, name: &str, expected: Option<(Option<&str>, &str)>) {
        let logger = loggers.get(name);
        let shown =
            logger.map(|logger| (logger.configured.map(level_name), level_name(logger.effective)));
        assert_eq!(shown, expected, "{name}");
    }

    #[test]
    fn a_part_has_the_level_of_what_it_is_in() {
        let loggers = loggers();
        check(&loggers, "ROOT", Some((Some("INFO"), "INFO")));
        check(&loggers, "discovery", Some((None, "INFO")));
        check(&loggers, "discovery.server", Some((Some("WARN"), "WARN")));
        check(&loggers, "discovery::server::leases", Some((None, "WARN")));
        check(&loggers, "discovery.servers", Some((None, "INFO")));
        check(&loggers, "nope.nope", None);
        loggers.set("discovery", Some(LevelFilter::DEBUG)).unwrap();
        check(&loggers, "discovery.client", Some((None, "DEBUG")));
        loggers.set("ROOT", Some(LevelFilter::ERROR)).unwrap();
        loggers.set("discovery", None).unwrap();
        check(&loggers, "discovery", Some((None, "ERROR")));
        loggers.set("ROOT", None).unwrap();
        check(&loggers, "mail", Some((None, "INFO")));
    }

    #[test]
    fn loggers_of_java_programs_are_remembered() {
        let loggers = loggers();
        loggers.set("org.example.a", Some(LevelFilter::DEBUG)).unwrap();
        check(&loggers, "org.example.a", Some((Some("DEBUG"), "DEBUG")));
        check(&loggers, "org.example", Some((None, "INFO")));
        check(&loggers, "org.example.b", None);
        loggers.set("org.example", Some(LevelFilter::WARN)).unwrap();
        loggers.set("org.example.a", None).unwrap();
        check(&loggers, "org.example.a", Some((None, "WARN")));
        let names = ["ROOT", "discovery", "discovery.server", "mail", "org", "org.example"];
        assert_eq!(loggers.names()[..6], names);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let loggers = loggers();
        for number in 0..REMEMBERED {
            loggers.set(&format!("x{number}"), None).unwrap();
        }
        assert!(loggers.set("one.more", None).is_err());
        loggers.set("x1", Some(LevelFilter::INFO)).unwrap();
        assert!(loggers.set(&"x".repeat(NAME + 1), None).is_err());
    }

    #[test]
    fn log_lines_obey() {
        use tracing_subscriber::layer::SubscriberExt;

        let filter: LogFilter = "info".parse().unwrap();
        let (layer, handle) = reload::Layer::new(filter.targets());
        let lines = tracing_subscriber::registry().with(layer);
        let counts = Arc::default();
        let loggers = Loggers::new(filter, &["chassis"], counts, Some(handle));
        tracing::subscriber::with_default(lines, || {
            assert!(!tracing::enabled!(target: "chassis::run", tracing::Level::DEBUG));
            loggers.set("chassis.run", Some(LevelFilter::DEBUG)).unwrap();
            assert!(tracing::enabled!(target: "chassis::run", tracing::Level::DEBUG));
            assert!(!tracing::enabled!(target: "chassis::http", tracing::Level::DEBUG));
            loggers.set("chassis.run", None).unwrap();
            assert!(!tracing::enabled!(target: "chassis::run", tracing::Level::DEBUG));
        });
    }
}
