//! A member that is far behind needs little memory.

use messaging::{Broker, Publish};
use tokio::time::{Duration, Instant};

use crate::{
    SERVER,
    conformance::{leave, message},
    kafka, topic,
};

const BEHIND: usize = 100_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_records_behind_need_less_than_twenty_megabytes() {
    let _alone = SERVER.write().await;
    let (broker, topic) = (kafka(4, &[]), topic("behind"));
    let mut batch: Vec<_> =
        (0..1000).map(|number| message(&topic, "", Some(&format!("key {number}")))).collect();
    for message in &mut batch {
        message.payload = vec![b'x'; 300];
    }
    let began = Instant::now();
    for _ in 0..BEHIND / batch.len() {
        assert!(broker.publish(&batch).await.iter().all(Result::is_ok));
    }
    println!("published {BEHIND} in {:?}", began.elapsed());
    let reader = kafka(4, &[]);
    let before = resident();
    let mut member = reader.subscribe(&topic, "readers").await.unwrap();
    let (began, mut read, mut most) = (Instant::now(), 0, 0);
    let mut first = true;
    while read < BEHIND {
        let records =
            tokio::time::timeout(Duration::from_secs(30), member.poll(256)).await.unwrap().unwrap();
        if std::mem::take(&mut first) {
            // Whoever handles the first batch takes its time, and what is fetched meanwhile piles up.
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        read += records.len();
        member.commit(records.last().unwrap()).await.unwrap();
        most = most.max(resident().saturating_sub(before));
    }
    println!("read {BEHIND} in {:?}, {} MB more", began.elapsed(), most / 1_000_000);
    assert!(most < 20_000_000, "{most} bytes");
    leave(member).await;
}

/// Bytes of memory that this process has.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}
