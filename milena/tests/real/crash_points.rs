//! The program dies between any two effects, on every database and with both brokers, and nothing is lost.

use crate::{address, fresh, postgresql_database, program::crash_points::survives_every_point};

/// Points that only a stand-alone MongoDB passes.
const MONGODB_ALONE: [&str; 2] = ["before-move", "before-unset"];

/// What a system is put on.
struct Ground {
    variables: Vec<(String, String)>,
    more: &'static [&'static str],
}

fn embedded() -> Ground {
    Ground { variables: Vec::new(), more: &[] }
}

async fn postgresql() -> Ground {
    let variables = vec![
        ("SPRING_DATASOURCE_URL".to_owned(), postgresql_database(&fresh("crash")).await),
        ("SPRING_DATASOURCE_USERNAME".to_owned(), "postgres".to_owned()),
    ];
    Ground { variables, more: &[] }
}

fn mongodb(server: &str, more: &'static [&'static str]) -> Ground {
    let variables = vec![
        ("SPRING_DATA_MONGODB_URI".to_owned(), address(server)),
        ("SPRING_DATA_MONGODB_DATABASE".to_owned(), fresh("crash")),
    ];
    Ground { variables, more }
}

impl Ground {
    /// With Kafka for the broker, under names that no other test uses.
    fn on_kafka(mut self) -> Self {
        const BINDINGS: &str = "SPRING_CLOUD_STREAM_BINDINGS_BINDING";
        let topic = fresh("crash");
        let variables = [
            ("SPRING_CLOUD_STREAM_KAFKA_BINDER_BROKERS".to_owned(), address("REAL_KAFKA")),
            (format!("{BINDINGS}_OUT_STORE_ALERT_DESTINATION"), topic.clone()),
            (format!("{BINDINGS}_IN_STORE_ALERT_DESTINATION"), topic.clone()),
            (format!("{BINDINGS}_IN_STORE_ALERT_GROUP"), topic),
        ];
        self.variables.extend(variables);
        self
    }

    async fn survive_on(self) {
        let folder = tempfile::tempdir().unwrap();
        let variables: Vec<(&str, &str)> =
            self.variables.iter().map(|(name, value)| (&**name, &**value)).collect();
        survives_every_point(folder.path(), &variables, self.more).await;
    }
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_postgresql() {
    postgresql().await.survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_mongodb_alone() {
    mongodb("REAL_MONGODB", &MONGODB_ALONE).survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_a_replica_set() {
    mongodb("REAL_MONGODB_REPLICA_SET", &[]).survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_with_kafka() {
    embedded().on_kafka().survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_postgresql_with_kafka() {
    postgresql().await.on_kafka().survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_mongodb_alone_with_kafka() {
    mongodb("REAL_MONGODB", &MONGODB_ALONE).on_kafka().survive_on().await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_a_replica_set_with_kafka() {
    mongodb("REAL_MONGODB_REPLICA_SET", &[]).on_kafka().survive_on().await;
}
