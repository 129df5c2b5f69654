//! The program dies between any two effects, on every database and with both brokers, and nothing is lost.

use messaging::{Kafka, KafkaSettings, Publish};

use crate::{
    address,
    ground::{Ground, embedded, mongodb, postgresql},
    it::crash::{
        dead_letters::{self, publish_embedded},
        too_large,
    },
    program::crash_points::survives_every_point,
};

/// Points that only a stand-alone MongoDB passes.
const MONGODB_ALONE: [&str; 2] = ["before-move", "before-unset"];

impl Ground {
    /// `more` are points that only this ground has.
    async fn survive_on(self, more: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        survives_every_point(folder.path(), &self.variables(), more).await;
    }

    async fn keep_refused_mails_on(self) {
        let folder = tempfile::tempdir().unwrap();
        dead_letters::refused_mails_are_kept_once(folder.path(), &self.variables()).await;
    }

    async fn keep_an_unreadable_record_on(self) {
        let folder = tempfile::tempdir().unwrap();
        let kafka = Kafka::new(&KafkaSettings::new(&address("REAL_KAFKA")).unwrap()).unwrap();
        let publish = async |records: &[_]| match self.topic {
            Some(_) => kafka.publish(records).await,
            None => publish_embedded(folder.path(), records).await,
        };
        let (variables, topic) = (self.variables(), self.topic.as_deref());
        let topic = topic.unwrap_or("store-alerts-topic");
        dead_letters::an_unreadable_record_is_kept_once(folder.path(), &variables, topic, publish)
            .await;
    }

    async fn keep_a_message_too_large_on(self) {
        let folder = tempfile::tempdir().unwrap();
        too_large::a_message_too_large_is_kept_once(folder.path(), &self.variables()).await;
    }
}

/// Everything that becomes a dead letter is kept once, each on a new ground.
async fn keeps_dead_letters(ground: impl AsyncFn() -> Ground) {
    ground().await.keep_refused_mails_on().await;
    ground().await.keep_an_unreadable_record_on().await;
    let last = ground().await;
    // The embedded broker takes messages of every size.
    if last.topic.is_some() {
        last.keep_a_message_too_large_on().await;
    }
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_postgresql() {
    postgresql().await.survive_on(&[]).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_mongodb_alone() {
    mongodb("REAL_MONGODB").survive_on(&MONGODB_ALONE).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_a_replica_set() {
    mongodb("REAL_MONGODB_REPLICA_SET").survive_on(&[]).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_with_kafka() {
    embedded().on_kafka().survive_on(&[]).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_postgresql_with_kafka() {
    postgresql().await.on_kafka().survive_on(&[]).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_mongodb_alone_with_kafka() {
    mongodb("REAL_MONGODB").on_kafka().survive_on(&MONGODB_ALONE).await;
}

#[tokio::test]
async fn an_update_survives_a_crash_at_every_point_on_a_replica_set_with_kafka() {
    mongodb("REAL_MONGODB_REPLICA_SET").on_kafka().survive_on(&[]).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_postgresql() {
    keeps_dead_letters(async || postgresql().await).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_mongodb_alone() {
    keeps_dead_letters(async || mongodb("REAL_MONGODB")).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_a_replica_set() {
    keeps_dead_letters(async || mongodb("REAL_MONGODB_REPLICA_SET")).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_sqlite_with_kafka() {
    keeps_dead_letters(async || embedded().on_kafka()).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_postgresql_with_kafka() {
    keeps_dead_letters(async || postgresql().await.on_kafka()).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_mongodb_alone_with_kafka() {
    keeps_dead_letters(async || mongodb("REAL_MONGODB").on_kafka()).await;
}

#[tokio::test]
async fn dead_letters_are_kept_once_whenever_the_program_dies_on_a_replica_set_with_kafka() {
    keeps_dead_letters(async || mongodb("REAL_MONGODB_REPLICA_SET").on_kafka()).await;
}
