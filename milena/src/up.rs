//! `milena up`: the whole system in one process, with embedded parts for everything that was not named.

mod addresses;
mod folder;
mod ports;
mod system;
mod wanted;

pub use addresses::Addresses;
pub use ports::Ports;
pub use system::{Options, System};

use tracing::warn;

/// How the variables begin, of the tutorial's compose file and of its relatives, that this version does not follow: its
/// embedded part is used instead.
const UNUSED: [(&str, &str); 11] = [
    ("SPRING_DATA_MONGODB_", "stores are kept in the data folder"),
    ("SPRING_MONGODB_", "stores are kept in the data folder"),
    ("SPRING_DATASOURCE_", "alerts are kept in the data folder"),
    ("SPRING_JPA_", "alerts are kept in the data folder"),
    ("SPRING_LIQUIBASE_", "the tables are made by the program itself"),
    ("SPRING_R2DBC_", "sessions are kept in the data folder"),
    ("SPRING_KAFKA_", "the embedded broker is used"),
    ("SPRING_CLOUD_STREAM_", "the embedded broker is used"),
    ("SPRING_CLOUD_CONFIG_", "no Config server is asked"),
    ("EUREKA_CLIENT_", "the registry of this process is used"),
    ("EUREKA_INSTANCE_", "services register by themselves"),
];

/// Names in the log the environment variables that somebody has set and that have no effect.
pub fn warn_of_unused(variables: &[(String, String)]) {
    for line in unused(variables) {
        warn!("{line}");
    }
}

/// One sentence for each kind of variable without effect.
fn unused(variables: &[(String, String)]) -> Vec<String> {
    let sentence = |(prefix, instead): &(&str, &str)| {
        let set = variables.iter().map(|(name, _)| name.as_str());
        let mut names: Vec<&str> = set.filter(|name| name.starts_with(prefix)).collect();
        names.sort_unstable();
        let have = match names.len() {
            0 => return None,
            1 => "is set but has",
            _ => "are set but have",
        };
        Some(format!("{} {have} no effect in this version: {instead}", names.join(", ")))
    };
    UNUSED.iter().filter_map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::unused;

    fn check(names: &[&str], expected: &[&str]) {
        let variables: Vec<_> =
            names.iter().map(|name| ((*name).to_owned(), "hunter2".to_owned())).collect();
        let lines = unused(&variables);
        assert_eq!(lines.len(), expected.len(), "{lines:?}");
        for (line, start) in lines.iter().zip(expected) {
            assert!(line.starts_with(start) && !line.contains("hunter2"), "{line}");
        }
    }

    #[test]
    fn what_has_no_effect_is_named_once() {
        check(&["HOME", "SPRING_MAIL_HOST", "SPRING_KAFKA"], &[]);
        check(
            &["SPRING_DATASOURCE_URL", "SPRING_DATASOURCE_PASSWORD", "SPRING_LIQUIBASE_CONTEXTS"],
            &[
                "SPRING_DATASOURCE_PASSWORD, SPRING_DATASOURCE_URL are set but have no effect",
                "SPRING_LIQUIBASE_CONTEXTS is set but has no effect",
            ],
        );
        for prefix in [
            "SPRING_KAFKA_",
            "SPRING_CLOUD_STREAM_",
            "SPRING_DATA_MONGODB_",
            "SPRING_DATASOURCE_",
            "SPRING_LIQUIBASE_",
            "SPRING_R2DBC_",
            "EUREKA_CLIENT_",
            "SPRING_CLOUD_CONFIG_",
        ] {
            let name = format!("{prefix}X");
            check(&[&name], &[&format!("{name} is set but has no effect in this version: ")]);
        }
    }
}
