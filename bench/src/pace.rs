//! The instants of an even pace.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// The instants at which `count` requests are due, `rate` a second, each handed out when it has come. They come from a thread of their own because
/// the runtime's timer rounds up to whole milliseconds, which would be added to every figure.
pub(crate) fn pace(rate: u32, count: u32) -> mpsc::Receiver<(usize, Instant)> {
    let (sender, instants) = mpsc::channel(1024);
    let begin = Instant::now() + Duration::from_millis(10);
    tokio::task::spawn_blocking(move || {
        for number in 0..count {
            let due = begin + Duration::from_secs(1) * number / rate;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            if sender.blocking_send((number as usize, due)).is_err() {
                return;
            }
        }
    });
    instants
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pace_is_even_and_never_early() {
        let mut instants = pace(500, 500);
        let mut before: Option<Instant> = None;
        let mut count = 0;
        while let Some((number, due)) = instants.recv().await {
            assert_eq!(number, count);
            assert!(Instant::now() >= due);
            if let Some(before) = before {
                assert_eq!(due - before, Duration::from_millis(2));
            }
            before = Some(due);
            count += 1;
        }
        assert_eq!(count, 500);
    }
}
