//! How fast messages leave an outbox in PostgreSQL for Kafka. Nothing of the story puts many of them there, so they are
//! written into the table, whose columns are those of Debezium's outbox convention.

use std::time::Duration;

use anyhow::Context;
use serde_json::{Value, json};
use tokio::time::sleep;

use super::{Run, backlog, progress::watch};
use crate::{
    goal::Goal,
    table::{less, more},
};

const DRAINED: Goal = Goal::AtLeast(10_000.0);

/// How many messages warm the relay up.
const WARM_UP: usize = 5_000;

/// How many keys they have.
const KEYS: usize = 1_000;

/// Until a relay that nobody has woken has looked at the table, and tried.
const NOTICED: Duration = Duration::from_secs(8);

impl Run<'_> {
    /// Alert runs and keeps its mails; its messages for Kafka wait until Kafka is back.
    pub(super) async fn outbox(&mut self) -> anyhow::Result<()> {
        eprintln!("relaying {} messages from PostgreSQL", self.arguments.waiting);
        let topic = format!("{}_relayed", self.system.name);
        let alert = self.system.relaying_alert()?.start().await?;
        let process = alert.process()?;
        self.fill(&topic, WARM_UP).await?;
        self.relayed(&topic, WARM_UP).await?;
        let memory = process.resident_megabytes()?;

        self.system.stop_kafka().await?;
        let waiting = self.arguments.waiting;
        self.fill(&topic, waiting).await?;
        sleep(NOTICED).await;
        let more_memory = process.resident_megabytes()? - memory;
        let what = format!("more memory of alert with {waiting} waiting");
        self.table.add("sql.memory", what, more_memory, less("MB").goal(backlog::MEMORY));

        self.system.start_kafka().await?;
        let spent = process.processor_time()?;
        let progress = self.relayed(&topic, WARM_UP + waiting).await?;
        let spent = (process.processor_time()? - spent).as_secs_f64();
        let peak = process.peak_megabytes()? - memory;
        alert.stop().await?;
        let table = &mut self.table;
        let idle = progress.idle().as_secs_f64();
        table.add("sql.relay.idle", "Kafka back → first message", idle, less("s"));
        let rate = more("per s").goal(DRAINED);
        table.add("sql.relay.rate", "messages relayed, PostgreSQL → Kafka", progress.rate(), rate);
        let per_thousand = spent * 1e3 / progress.grown() as f64;
        let what = "processor time of alert per 1,000 of them";
        table.add("sql.relay.processor", what, per_thousand, less("s"));
        let what = "memory of alert, the most ever more than before";
        table.add("sql.relay.memory", what, peak, less("MB"));
        Ok(())
    }

    async fn fill(&self, topic: &str, count: usize) -> anyhow::Result<()> {
        let sql = insert(topic, count);
        self.system.sql(&self.system.name, &sql).await
    }

    async fn relayed(
        &self,
        topic: &str,
        count: usize,
    ) -> anyhow::Result<super::progress::Progress> {
        let kafka = self.system.kafka();
        let relayed = watch(count as u64, async || kafka.written(topic).await).await;
        relayed.context("messages relayed from PostgreSQL")
    }
}

/// Messages as large as announcements, with as many headers.
fn insert(topic: &str, count: usize) -> String {
    let headers: Vec<Value> = [
        ("contentType", "\"application/json\""),
        ("spring_json_header_types", "{\"contentType\":\"java.lang.String\"}"),
        ("ce_id", "018f4d3a-0000-7000-8000-000000000001"),
        ("ce_source", "/services/store"),
        ("ce_type", "com.okta.developer.store.updated"),
        ("ce_time", "2026-11-25T10:00:00.123456789Z"),
        ("ce_specversion", "1.0"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ]
    .iter()
    .map(|(name, value)| json!({"name": name, "value": value.as_bytes()}))
    .collect();
    let headers = Value::from(headers);
    format!(
        "insert into outbox (channel, id, aggregatetype, aggregateid, type, payload, headers, created)
        select 'broker', gen_random_uuid()::text, '{topic}', 'key-' || n % {KEYS}, 'bench',
            convert_to('{{\"storeName\":\"bench-flow-' || n || '\",\"storeStatus\":\"CLOSED\"}}', 'UTF8'), '{headers}', now()
        from generate_series(1, {count}) as n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_keys_and_headers_as_the_table_keeps_them() {
        let sql = insert("t", 7);
        assert!(sql.contains("generate_series(1, 7)") && sql.contains("'t', 'key-' || n % 1000"));
        assert!(sql.contains(r#"{"name":"ce_specversion","value":[49,46,48]}"#), "{sql}");
        assert!(sql.contains(r#"'{"storeName":"bench-flow-' || n || '","#), "{sql}");
    }
}
