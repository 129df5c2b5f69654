//! Names of keys: whose they are, how the environment spells them, and what a misspelt one may have meant.

/// The first segments of keys that belong to Spring, Eureka or JHipster: they have many more than we know, and set in the
/// environment they may be meant for somebody else.
pub(super) const THEIRS: [&str; 6] =
    ["spring", "jhipster", "logging", "server", "management", "eureka"];

/// Whether a key belongs to Spring and its relatives.
pub(super) fn is_theirs(key: &str) -> bool {
    key.split(['.', '[']).next().is_some_and(|segment| THEIRS.contains(&segment))
}

/// Whether a variable is one of a family: `SPRING_KAFKA_X` of `spring`.
pub(super) fn begins_with(variable: &str, family: &str) -> bool {
    variable.strip_prefix(&family.to_ascii_uppercase()).is_some_and(|rest| rest.starts_with('_'))
}

/// The environment's form of a key: `spring.cloud.config.fail-fast` is `SPRING_CLOUD_CONFIG_FAILFAST`.
pub fn environment_name(key: &str) -> String {
    key.chars()
        .filter(|c| *c != '-')
        .map(|c| if c == '.' { '_' } else { c.to_ascii_uppercase() })
        .collect()
}

/// The form with underscores for dashes, which Spring takes too and the tutorial uses: `…_CLIENT_ID`.
pub(super) fn legacy_name(key: &str) -> String {
    key.chars().map(|c| if matches!(c, '.' | '-') { '_' } else { c.to_ascii_uppercase() }).collect()
}

/// The known name that is most like a misspelt one, if any is near.
pub fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a String>) -> Option<String> {
    known
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name.clone())
}
