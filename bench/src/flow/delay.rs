//! How long an update takes until its mail has arrived: one at a time, and at fixed rates.

use std::{sync::Arc, time::Duration};

use super::{Run, arguments::Kind, java};
use crate::{
    disk,
    goal::Goal,
    load::{Awaiting, Load, Outcome},
    mailbox::Mailbox,
    percentiles::Percentiles,
    servers,
    table::{Figure, less},
};

/// An update is on disk three times, one after the other, before its mail leaves: as entity, as record, as alert.
const COMMITS: f64 = 3.0;

/// How many times that an update may take at most, one at a time.
const TIMES_THE_LEAST: f64 = 2.0;

/// The most at the greater rate, in milliseconds.
const BUSY: Goal = Goal::AtMost(20.0);

/// How many appends tell what the disk can do.
const APPENDS: usize = 500;

/// How many updates warm a service up.
const WARM_UP: usize = 2_000;

/// How long no mail may come before those that are missing count as lost.
const PATIENCE: Duration = Duration::from_secs(30);

impl Run<'_> {
    /// What the disk of the servers can do; returns the most that an update may take.
    async fn disk(&mut self) -> anyhow::Result<Goal> {
        let folder = &servers::data()?;
        eprintln!("measuring the disk below {}", folder.display());
        let appends = Percentiles::of(disk::durable_appends(folder, APPENDS).await?);
        let (typical, slow) = (appends.milliseconds(50), appends.milliseconds(99));
        let table = &mut self.table;
        table.add("disk.p50", "disk: 4 KiB append + fdatasync, p50", typical, less("ms"));
        table.add("disk.p99", "the same, p99", slow, less("ms"));
        table.add("least", "three of them: the least PUT → mail", typical * COMMITS, less("ms"));
        Ok(Goal::AtMost(typical * COMMITS * TIMES_THE_LEAST))
    }

    /// Alert runs, and store on one kind of database after the other.
    pub(super) async fn delays(&mut self) -> anyhow::Result<()> {
        let quick = self.disk().await?;
        let name = self.system.name.clone();
        let mailbox = Mailbox::open(([127, 0, 0, 1], 0).into(), Load::subjects_of(&name)).await?;
        let alert = self.system.mailing_alert(mailbox.address())?.start().await?;
        for kind in self.arguments.mongodb.clone() {
            eprintln!("PUT → mail, {}", kind.label());
            let store = self.system.store(kind)?.start().await?;
            let caller = self.system.caller(store.addresses.of("store")?)?;
            let load = Load::prepare(caller, &format!("{name}-{}", kind.key())).await?;
            self.delays_of(kind, &load, &mailbox, quick).await?;
            store.stop().await?;
        }
        alert.stop().await?;
        Ok(())
    }

    async fn delays_of(
        &mut self,
        kind: Kind,
        load: &Arc<Load>,
        mailbox: &Mailbox,
        quick: Goal,
    ) -> anyhow::Result<()> {
        let awaiting = Awaiting { mailbox, patience: PATIENCE };
        let arguments = self.arguments;
        let warm_up = load.saturate("warm-up", arguments.callers, WARM_UP).await;
        warm_up.wait_for_mails(&awaiting).await;
        self.count(warm_up, mailbox);

        let alone = load.one_at_a_time("one", arguments.updates_alone, &awaiting).await?;
        let [median, slowest] = java::ALONE;
        let figures = [less("ms").beside(median).goal(quick), less("ms").beside(slowest)];
        self.times((kind, "one", "one at a time"), alone, mailbox, figures);

        let at_200 = load.steady("at-200", 200, arguments.seconds).await;
        at_200.wait_for_mails(&awaiting).await;
        let figures = java::AT_200.map(|java| less("ms").beside(java));
        self.times((kind, "at_200", "200/s"), at_200, mailbox, figures);

        let at_500 = load.steady("at-500", 500, arguments.seconds).await;
        at_500.wait_for_mails(&awaiting).await;
        let figures = [less("ms").goal(BUSY), less("ms")];
        self.times((kind, "at_500", "500/s"), at_500, mailbox, figures);
        Ok(())
    }

    fn times(
        &mut self,
        (kind, key, label): (Kind, &str, &str),
        phase: Outcome,
        mailbox: &Mailbox,
        [median, slowest]: [Figure; 2],
    ) {
        let answer = Percentiles::of(phase.until_answer());
        let mail = Percentiles::of(phase.until_mail(mailbox));
        let (key, label) = (format!("{}.{key}", kind.key()), format!("{label}, {}", kind.label()));
        let table = &mut self.table;
        let mut add = |name: &str, what: &str, value, figure| {
            table.add(format!("{key}.{name}"), format!("PUT → {what}, {label}"), value, figure);
        };
        add("answer.p50", "answer p50", answer.milliseconds(50), less("ms"));
        add("mail.p50", "mail p50", mail.milliseconds(50), median);
        add("mail.p99", "mail p99", mail.milliseconds(99), slowest);
        self.count(phase, mailbox);
    }

    /// Remembers what was acknowledged, refused and lost.
    fn count(&mut self, phase: Outcome, mailbox: &Mailbox) {
        self.acknowledged += phase.acknowledged.len() as u64;
        self.without_mail += phase.lost(mailbox) as u64;
        for cause in phase.refused {
            self.refuse(1, Some(cause));
        }
    }
}
