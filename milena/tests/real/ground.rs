//! The real servers that a system is put on, each with names that no other test uses.

use crate::{address, fresh, postgresql_database};

/// What a system is put on, as it is told in its environment.
pub(crate) struct Ground {
    variables: Vec<(String, String)>,
    /// The topic in Kafka, unless the broker is the embedded one.
    pub(crate) topic: Option<String>,
}

/// Embedded parts only.
pub(crate) fn embedded() -> Ground {
    Ground { variables: Vec::new(), topic: None }
}

/// Alerts in PostgreSQL.
pub(crate) async fn postgresql() -> Ground {
    let variables = vec![
        ("SPRING_DATASOURCE_URL".to_owned(), postgresql_database(&fresh("ground")).await),
        ("SPRING_DATASOURCE_USERNAME".to_owned(), "postgres".to_owned()),
    ];
    Ground { variables, topic: None }
}

/// Stores in the MongoDB at the address in this variable.
pub(crate) fn mongodb(server: &str) -> Ground {
    let variables = vec![
        ("SPRING_DATA_MONGODB_URI".to_owned(), address(server)),
        ("SPRING_DATA_MONGODB_DATABASE".to_owned(), fresh("ground")),
    ];
    Ground { variables, topic: None }
}

impl Ground {
    /// With Kafka for the broker, under names that no other test uses.
    pub(crate) fn on_kafka(mut self) -> Self {
        const BINDINGS: &str = "SPRING_CLOUD_STREAM_BINDINGS_BINDING";
        let topic = fresh("ground");
        let variables = [
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS".to_owned(), address("REAL_KAFKA")),
            (format!("{BINDINGS}_OUT_STORE_ALERT_DESTINATION"), topic.clone()),
            (format!("{BINDINGS}_IN_STORE_ALERT_DESTINATION"), topic.clone()),
            (format!("{BINDINGS}_IN_STORE_ALERT_GROUP"), topic.clone()),
        ];
        self.variables.extend(variables);
        self.topic = Some(topic);
        self
    }

    /// With what another ground has, too.
    pub(crate) fn and(mut self, other: Ground) -> Self {
        self.variables.extend(other.variables);
        self
    }

    pub(crate) fn variables(&self) -> Vec<(&str, &str)> {
        self.variables.iter().map(|(name, value)| (&**name, &**value)).collect()
    }
}
