//! One group of two kinds of members: ours, and a stranger. Either is killed, and the other takes over what it had.

use std::collections::BTreeSet;

use super::{
    ours::{Alerts, Ours},
    sorted,
    strangers::{Kind, Stranger, Style},
    topic::{Topic, announcement},
};
use crate::{
    program::until,
    smtp::{Mails, Smtp},
};

/// How many records come while a member is killed.
const LOAD: usize = 300;
/// How many of them it has handled by then.
const MIDDLE: usize = 10;

#[tokio::test]
async fn a_java_service_of_annotations_and_ours_take_over_from_each_other() {
    check(Kind::Java(Style::Annotation)).await;
}

#[tokio::test]
async fn a_java_service_of_functions_and_ours_take_over_from_each_other() {
    check(Kind::Java(Style::Functional)).await;
}

#[tokio::test]
async fn a_client_of_another_library_and_ours_take_over_from_each_other() {
    check(Kind::Python).await;
}

async fn check(kind: Kind) {
    let smtp = Smtp::alone().await;
    let mut fleet = Fleet::assemble(kind, smtp.mails()).await;
    fleet.share_the_work().await;
    fleet.lose_the_stranger().await;
    fleet.lose_ours().await;
    fleet.come_back().await;
}

/// Two members of a group over four partitions.
struct Fleet {
    kind: Kind,
    topic: Topic,
    database: Alerts,
    mails: Mails,
    ours: Ours,
    stranger: Stranger,
    /// What strangers had handled that are dead by now.
    handed_on: Vec<String>,
    /// Everything that was announced.
    announced: Vec<String>,
}

impl Fleet {
    async fn assemble(kind: Kind, mails: Mails) -> Fleet {
        let (topic, database) = (Topic::create(4).await, Alerts::create().await);
        let ours = Ours::alert(&topic, &database).await;
        let stranger = Stranger::join(kind, &topic);
        topic.shared_by(2).await;
        let (handed_on, announced) = (Vec::new(), Vec::new());
        Fleet { kind, topic, database, mails, ours, stranger, handed_on, announced }
    }

    /// While nobody dies, everything is handled once, by one or the other.
    async fn share_the_work(&mut self) {
        let names = self.topic.names("shared", 100);
        let records: Vec<_> =
            names.iter().enumerate().map(|(at, name)| announcement(at, name)).collect();
        self.topic.produce(&records).await;
        self.announced.extend(names);
        self.nothing_is_lost().await;
        let (ours, theirs) = (self.database.names().await, self.stranger.names());
        assert!(!ours.is_empty() && !theirs.is_empty(), "both had something to do");
        assert_eq!(sorted(&[ours, theirs].concat()), sorted(&self.announced));
    }

    /// The stranger is killed in the middle of its work.
    async fn lose_the_stranger(&mut self) {
        let names = self.topic.names("stranger killed", LOAD);
        let enough = self.stranger.names().len() + MIDDLE;
        let stranger = &mut self.stranger;
        let killing = async {
            until("work of the stranger", async || {
                (stranger.names().len() >= enough).then_some(())
            })
            .await;
            stranger.kill().await;
        };
        self.topic.produce_while(&names, killing).await;
        self.handed_on.extend(self.stranger.names());
        self.announced.extend(names);
        self.nothing_is_lost().await;
    }

    /// Ours is killed in the middle of its work, with another stranger beside it.
    async fn lose_ours(&mut self) {
        self.stranger = Stranger::join(self.kind, &self.topic);
        self.topic.shared_by(2).await;
        let names = self.topic.names("ours killed", LOAD);
        let (ours, database) = (&mut self.ours, &self.database);
        let enough = database.rows().await.len() + MIDDLE;
        let killing = async {
            until("work of ours", async || (database.rows().await.len() >= enough).then_some(()))
                .await;
            ours.kill().await;
        };
        self.topic.produce_while(&names, killing).await;
        self.announced.extend(names);
        self.nothing_is_lost().await;
    }

    /// Ours is started again: each of its rows is there once and is mailed, and it works on.
    async fn come_back(mut self) {
        self.ours.again().await;
        self.topic.shared_by(2).await;
        let names = self.topic.names("after all", 100);
        self.topic.produce_while(&names, async {}).await;
        self.announced.extend(names);
        self.nothing_is_lost().await;
        let rows = self.database.names().await;
        assert!(rows.iter().any(|name| name.starts_with("after all")), "ours works on");
        until("a mail for every row", async || {
            (self.mails.names().len() >= rows.len()).then_some(())
        })
        .await;
        assert_eq!(sorted(&self.mails.names()), sorted(&rows));
        let rejected = self.database.rejected().await;
        assert!(rejected.is_empty(), "{rejected:?}");
        self.topic.all_committed().await;
        self.stranger.end().await;
        self.ours.stop().await;
    }

    /// Every announcement was handled by somebody, and by ours at most once.
    async fn nothing_is_lost(&self) {
        let announced: BTreeSet<_> = self.announced.iter().cloned().collect();
        until("the end of the work", async || {
            let mut handled: BTreeSet<_> = self.database.names().await.into_iter().collect();
            handled.extend(self.handed_on.iter().cloned().chain(self.stranger.names()));
            (handled == announced).then_some(())
        })
        .await;
        let rows = self.database.names().await;
        let once: BTreeSet<_> = rows.iter().collect();
        assert_eq!(once.len(), rows.len(), "a row is there twice");
    }
}
