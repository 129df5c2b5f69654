//! Finds out whether a mail server lets us in with one connection at a time, asks one that refuses us less and less often, and
//! tells whoever runs this what to do about it: once, and now and then again.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::{Context, anyhow};
use tokio::{sync::Semaphore, time::Instant};
use tracing::{error, info};

/// How long to wait after the first refusal; doubled with each one. Some servers lock whoever tries too often.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often it is said that the server still refuses us.
const REMINDER: Duration = Duration::from_secs(600);

/// Why there is no connection.
#[derive(Debug)]
pub(super) enum NotIn {
    /// The server is away, or does not speak as it should.
    Away(anyhow::Error),
    /// It does not want us at the moment.
    NotNow(anyhow::Error),
    /// It does not take the user name or the password.
    Refused(anyhow::Error),
}

/// The way to the connections of one mail server.
pub(super) struct Door {
    server: String,
    state: Mutex<State>,
    /// Who finds out, while it is not known whether the server lets us in.
    turn: Semaphore,
}

#[derive(Default)]
struct State {
    open: bool,
    /// How many tries have failed so far, and why the last one did.
    failures: u64,
    reason: String,
    refusals: u32,
    /// Nobody asks before this time.
    again: Option<Instant>,
    /// When it was said last that the server refuses us.
    said: Option<Instant>,
}

impl Door {
    /// `host` and `port` are for the log.
    pub(super) fn new(host: &str, port: u16) -> Self {
        let server = format!("{host}:{port}");
        Door { server, state: Mutex::default(), turn: Semaphore::new(1) }
    }

    /// Opens a connection, unless the server has been found not to let us in while this waited for its turn, or refused us
    /// a short time ago.
    pub(super) async fn enter<T>(
        &self,
        connect: impl Future<Output = Result<T, NotIn>>,
    ) -> anyhow::Result<T> {
        // The connection before has a time-out for each of its steps, so this wait ends, too.
        let (open, failures) = self.state().now();
        let turn = match open {
            true => None,
            false => Some(self.turn.acquire().await.context("wait for a connection")?),
        };
        if let Some(reason) = self.state().closed_since(failures) {
            return Err(anyhow!(reason));
        }
        let _turn = turn.filter(|_| !self.state().open);
        match connect.await {
            Ok(connection) => {
                if self.state().let_in() {
                    info!(
                        "the mail server {} lets us in again, waiting mails are sent",
                        self.server
                    );
                }
                Ok(connection)
            }
            Err(not_in) => Err(self.failed(not_in)),
        }
    }

    fn failed(&self, not_in: NotIn) -> anyhow::Error {
        let now = Instant::now();
        match not_in {
            NotIn::Away(cause) => {
                self.state().fail(&cause);
                cause
            }
            NotIn::NotNow(cause) => {
                self.state().pause(now, &cause);
                cause
            }
            NotIn::Refused(cause) => {
                if self.state().refuse(now, &cause) {
                    error!("{}", advice(&self.server, &cause));
                }
                cause
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // The state is whole after every method, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn now(&self) -> (bool, u64) {
        (self.open, self.failures)
    }

    /// Why not to ask, for somebody who began to wait after so many failures.
    fn closed_since(&self, failures: u64) -> Option<String> {
        let paused = self.again.is_some_and(|again| Instant::now() < again);
        (paused || (!self.open && self.failures > failures)).then(|| self.reason.clone())
    }

    /// Answers whether the server refused us before, and it was said.
    fn let_in(&mut self) -> bool {
        let said = self.said.is_some();
        *self = State { open: true, failures: self.failures, ..State::default() };
        said
    }

    fn fail(&mut self, cause: &anyhow::Error) {
        self.open = false;
        self.failures += 1;
        self.reason = format!("{cause:#}");
    }

    fn pause(&mut self, now: Instant, cause: &anyhow::Error) {
        self.fail(cause);
        let pause = FIRST_PAUSE.saturating_mul(1 << self.refusals.min(10)).min(LONGEST_PAUSE);
        self.refusals = self.refusals.saturating_add(1);
        self.again = Some(now + pause);
    }

    /// Answers whether it is to be said.
    fn refuse(&mut self, now: Instant, cause: &anyhow::Error) -> bool {
        self.pause(now, cause);
        let say = self.said.is_none_or(|at| now.duration_since(at) >= REMINDER);
        if say {
            self.said = Some(now);
        }
        say
    }
}

/// What to do about a refused password.
fn advice(server: &str, cause: &anyhow::Error) -> String {
    let host = server.rsplit_once(':').map_or(server, |(host, _)| host);
    let google = ["gmail.com", "googlemail.com", "google.com"];
    let password = if google.iter().any(|domain| host.ends_with(domain)) {
        "Google takes only an app password, not that of the account: https://support.google.com/accounts/answer/185833"
    } else {
        "many providers take only an app password, not that of the account"
    };
    format!(
        "the mail server {server} does not take the user name or the password, so all mails wait until it does: {cause:#}. \
         Correct spring.mail.username (SPRING_MAIL_USERNAME) and spring.mail.password (SPRING_MAIL_PASSWORD) and start again; \
         {password}"
    )
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;
    use tokio::time::{advance, sleep};

    use super::*;

    /// Asks at the door every second for a while; answers how often the server was asked and how often a refusal was said.
    async fn ask(door: &Door, seconds: u32, answer: fn(anyhow::Error) -> NotIn) -> u32 {
        let mut asked = 0;
        for _ in 0..seconds {
            let connect = async {
                asked += 1;
                Err::<(), _>(answer(anyhow!("535 no")))
            };
            assert_eq!(door.enter(connect).await.unwrap_err().to_string(), "535 no");
            advance(Duration::from_secs(1)).await;
        }
        asked
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_refuses_us_is_asked_less_and_less_often() {
        for answer in [NotIn::Refused, NotIn::NotNow] {
            let door = Door::new("mail.example.com", 587);
            assert_eq!(ask(&door, 60, answer).await, 6, "after 1, 2, 4, 8, 16 and 32 seconds");
            let asked = ask(&door, 3_600, answer).await;
            assert!((59..=61).contains(&asked), "once a minute, not {asked} times an hour");
        }
        assert_eq!(ask(&Door::new("mail.example.com", 587), 60, NotIn::Away).await, 60);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_is_said_once_then_every_ten_minutes_and_its_end_once() {
        let mut state = State::default();
        let cause = anyhow!("535 no");
        let mut said = 0;
        for _ in 0..60 {
            said += u32::from(state.refuse(Instant::now(), &cause));
            advance(Duration::from_secs(60)).await;
        }
        assert_eq!(said, 6);
        assert!(state.let_in());
        assert!(!state.let_in());
        assert!(state.refuse(Instant::now(), &cause), "a new refusal is news");
    }

    #[tokio::test(start_paused = true)]
    async fn while_nothing_is_known_one_asks_for_all() {
        let door = Door::new("mail.example.com", 587);
        let asked = std::cell::Cell::new(0);
        let connect = |works: bool| {
            let asked = &asked;
            async move {
                asked.set(asked.get() + 1);
                sleep(Duration::from_secs(10)).await;
                if works { Ok(()) } else { Err(NotIn::Away(anyhow!("silence"))) }
            }
        };
        let start = Instant::now();
        let outcomes = join_all((0..8).map(|_| door.enter(connect(false)))).await;
        assert!(outcomes.iter().all(Result::is_err));
        assert_eq!((asked.get(), start.elapsed()), (1, Duration::from_secs(10)));

        let start = Instant::now();
        let outcomes = join_all((0..8).map(|_| door.enter(connect(true)))).await;
        assert!(outcomes.iter().all(Result::is_ok));
        assert_eq!((asked.get(), start.elapsed()), (9, Duration::from_secs(20)));
    }

    #[test]
    fn the_advice_says_what_to_do() {
        let advice = |server| advice(server, &anyhow!("535 5.7.8 not accepted"));
        let google = advice("smtp.gmail.com:587");
        for word in [
            "smtp.gmail.com:587",
            "535 5.7.8 not accepted",
            "all mails wait",
            "spring.mail.username",
            "SPRING_MAIL_PASSWORD",
            "app password",
            "https://support.google.com/accounts/answer/185833",
        ] {
            assert!(google.contains(word), "{google}");
        }
        assert!(!advice("mail.example.com:587").contains("google"));
    }
}
