//! How fast alert takes what waits in Kafka and records it, and how fast the mails of that leave when there is a mail
//! server.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context;
use tokio::{net::TcpListener, task::JoinSet};

use super::{Run, java, progress::watch};
use crate::{
    goal::Goal,
    smtp::{self, Answer},
    table::{less, more},
};

const RECORDED: Goal = Goal::AtLeast(5_000.0);
const PROCESSOR: Goal = Goal::AtMost(0.15);

/// A mail server that only counts.
struct Counter {
    address: SocketAddr,
    mails: Arc<AtomicU64>,
    _receiver: JoinSet<()>,
}

impl Counter {
    async fn open() -> anyhow::Result<Counter> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("listen for mails")?;
        let address = listener.local_addr()?;
        let mails = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&mails);
        let mut receiver = JoinSet::new();
        receiver.spawn(smtp::receive(listener, move |_| {
            count.fetch_add(1, Ordering::Relaxed);
            std::future::ready(Answer::Accept)
        }));
        Ok(Counter { address, mails, _receiver: receiver })
    }

    fn mails(&self) -> u64 {
        self.mails.load(Ordering::Relaxed)
    }
}

impl Run<'_> {
    /// Records all that was announced while alert did not run; then sends their mails.
    pub(super) async fn records(&mut self) -> anyhow::Result<()> {
        let waiting = self.record().await?;
        eprintln!("sending the mails of {waiting} alerts");
        let counter = Counter::open().await?;
        let alert = self.system.mailing_alert(counter.address)?.start().await?;
        let sent = watch(waiting, async || Ok(counter.mails())).await.context("mails")?;
        alert.stop().await?;
        let rate = more("per s").beside(java::RECORDS);
        self.table.add("mails.rate", "waiting mails sent, PostgreSQL → SMTP", sent.rate(), rate);
        let twice = counter.mails().saturating_sub(waiting);
        self.table.add("mails.twice", "mails that came more than once", twice as f64, less(""));
        Ok(())
    }

    async fn record(&mut self) -> anyhow::Result<u64> {
        let announced = self.system.announced().await?;
        let already = self.system.recorded().await?;
        eprintln!("recording {} announcements", announced - already);
        let alert = self.system.alert()?.start().await?;
        let process = alert.process()?;
        let (spent, memory) = (process.processor_time()?, process.resident_megabytes()?);
        let begin = self.system.recorded().await?;
        let recorded = watch(announced, async || self.system.recorded().await).await;
        let recorded = recorded.context("announcements that alert has recorded")?;
        let spent = process.processor_time()? - spent;
        let per_thousand = spent.as_secs_f64() * 1e3 / (announced - begin) as f64;
        let after = process.resident_megabytes()?;
        let peak = process.peak_megabytes()? - memory;

        let caller = self.system.caller(alert.addresses.of("alert")?)?;
        self.rows = caller.count("store-alerts").await?;
        alert.stop().await?;
        let table = &mut self.table;
        let rate = more("per s").beside(java::RECORDS).goal(RECORDED);
        table.add("records.rate", "records, Kafka → PostgreSQL", recorded.rate(), rate);
        let cost = less("s").beside(java::RECORDS_PROCESSOR).goal(PROCESSOR);
        let what = "processor time of alert per 1,000 of them";
        table.add("records.processor", what, per_thousand, cost);
        let what = "their last fifth ÷ first fifth, per second";
        table.add("records.last", what, recorded.last_to_first(), more("×"));
        let what = "resident memory of alert after them";
        table.add("records.memory", what, after, less("MB").beside(java::ALERT_MEMORY));
        let what = "the most ever more than at its start";
        table.add("records.memory.more", what, peak, less("MB"));
        Ok(announced - already)
    }
}
