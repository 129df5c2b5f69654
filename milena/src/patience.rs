//! Waiting at the start for what is not up yet, and saying so.

use std::time::Duration;

use messaging::Backoff;
use tokio::time::{Instant, sleep};
use tracing::{info, warn};

/// How often a wait is mentioned in the log.
const REMINDER: Duration = Duration::from_secs(30);

/// Why something is not there.
pub(crate) enum Trouble {
    /// It may be there later.
    Later(anyhow::Error),
    /// Waiting is of no use.
    Never(anyhow::Error),
}

/// Tries again and again until it works; says at once, and every half minute, what is waited for and why.
///
/// # Errors
/// When waiting is of no use.
pub(crate) async fn until_it_works<T>(
    what: &str,
    mut attempt: impl AsyncFnMut() -> Result<T, Trouble>,
) -> anyhow::Result<T> {
    let (mut backoff, mut said) = (Backoff::default(), None::<Instant>);
    loop {
        let cause = match attempt().await {
            Ok(found) => {
                if said.is_some() {
                    info!("{what} is there");
                }
                return Ok(found);
            }
            Err(Trouble::Never(cause)) => return Err(cause),
            Err(Trouble::Later(cause)) => cause,
        };
        if said.is_none_or(|time| time.elapsed() >= REMINDER) {
            warn!("waiting for {what}, which is not there yet: {cause:#}");
            said = Some(Instant::now());
        }
        sleep(backoff.next_delay()).await;
    }
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    #[tokio::test]
    async fn does_not_give_up_while_there_is_hope() {
        let mut tries = 0;
        let mut attempt = async |most: u32| {
            tries += 1;
            match tries {
                3 => Ok("thing"),
                tries if tries == most => Err(Trouble::Never(anyhow!("never"))),
                _ => Err(Trouble::Later(anyhow!("not yet"))),
            }
        };
        assert_eq!(
            until_it_works("a thing", async || attempt(2).await).await.unwrap_err().to_string(),
            "never"
        );
        assert_eq!(until_it_works("a thing", async || attempt(9).await).await.unwrap(), "thing");
    }
}
