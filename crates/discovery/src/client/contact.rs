//! Losing and finding a server: how long to wait, and one log line each way.

use std::time::Duration;

use chassis::Outside;
use tokio::time::Instant;
use tracing::{debug, info, warn};

/// The first wait after a failure; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(100);
/// The longest wait.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What a loop knows of its contact with a server.
pub(super) struct Contact<'a> {
    /// For example `the registry at http://host:8761/eureka`.
    server: String,
    outside: &'a Outside,
    lost: Option<Instant>,
    wait: Duration,
}

impl<'a> Contact<'a> {
    pub(super) fn new(server: String, outside: &'a Outside) -> Self {
        Contact { server, outside, lost: None, wait: FIRST_WAIT }
    }

    /// Notes a failure and tells how long to wait before the next attempt.
    pub(super) fn failed(&mut self, error: &anyhow::Error) -> Duration {
        let server = &self.server;
        if self.lost.is_some() {
            debug!("{server} is still away: {error:#}");
        } else {
            warn!("no contact with {server}, trying again until there is: {error:#}");
            self.lost = Some(Instant::now());
        }
        let wait = self.wait;
        self.wait = (wait * 2).min(LONGEST_WAIT);
        spread(wait, self.outside)
    }

    /// Notes that the server answered.
    pub(super) fn made(&mut self) {
        if let Some(lost) = self.lost.take() {
            info!("{} answers again after {:.1} s", self.server, lost.elapsed().as_secs_f64());
        }
        self.wait = FIRST_WAIT;
    }
}

/// Between half and all of a wait, so that those who lost it together do not come back together.
fn spread(wait: Duration, outside: &Outside) -> Duration {
    let [byte] = outside.bytes::<1>();
    wait.mul_f64(0.5 + f64::from(byte) / 510.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_five_seconds_and_start_again_after_contact() {
        let outside = Outside::fixed("2026-01-01T00:00:00Z".parse().unwrap(), 1);
        let mut contact = Contact::new("here".to_owned(), &outside);
        let error = anyhow::anyhow!("away");
        let check = |contact: &mut Contact<'_>, expected: u64| {
            let wait = contact.failed(&error).as_millis();
            assert!(
                (u128::from(expected / 2)..=u128::from(expected)).contains(&wait),
                "{wait} for {expected}"
            );
        };
        for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            check(&mut contact, expected);
        }
        contact.made();
        check(&mut contact, 100);
    }
}
