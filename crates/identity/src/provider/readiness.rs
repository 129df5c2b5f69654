//! Keeps the provider's keys at hand: fetches them at start, and again from time to time, so that a key that the
//! provider takes back is noticed.

use std::time::Duration;

use chassis::Stop;
use tracing::{info, warn};

use super::{Provider, ProviderState};

/// How often the keys are fetched again.
const REFRESH: Duration = Duration::from_secs(5 * 60);
/// How long to wait after the first failure, and at most, each wait twice as long as the one before.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);

impl Provider {
    /// Fetches the provider's keys now and every five minutes, until `stop`. Nothing else has to wait for this: tokens
    /// make the keys be fetched too. Says once that the provider is away, and once that it is back.
    ///
    /// # Errors
    /// None: a provider that does not answer is asked again, after 30 s at the latest.
    pub async fn keep_ready(&self, stop: Stop) -> anyhow::Result<()> {
        let mut failures = 0;
        loop {
            let fetched = tokio::select! {
                () = stop.cancelled() => return Ok(()),
                fetched = self.keys.fetch(self.fetch_keys()) => fetched,
            };
            let pause = match fetched {
                Ok(_) => {
                    if failures > 0 {
                        info!("the identity provider {} answers again", self.issuer);
                    }
                    failures = 0;
                    REFRESH
                }
                Err(cause) => {
                    if failures == 0 {
                        self.complain(&cause);
                    }
                    failures += 1;
                    wait_after(failures)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    fn complain(&self, cause: &anyhow::Error) {
        let consequence = match self.state() {
            ProviderState::NotYet(_) => "no token can be checked until it does",
            _ => "the keys known so far go on working",
        };
        let issuer = &self.issuer;
        warn!(
            "the identity provider {issuer} does not answer, trying again: {consequence}: {cause:#}"
        );
    }
}

fn wait_after(failures: u32) -> Duration {
    FIRST_WAIT.saturating_mul(1 << failures.saturating_sub(1).min(10)).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_from_failure_to_failure() {
        let seconds: Vec<u64> =
            [1, 2, 3, 5, 6, 7, u32::MAX].map(|count| wait_after(count).as_secs()).to_vec();
        assert_eq!(seconds, [1, 2, 4, 16, 30, 30, 30]);
    }
}
