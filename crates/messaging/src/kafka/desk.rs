//! Questions that librdkafka answers only to who blocks: asked one after the other by a thread of their own, so that no
//! thread of the runtime waits for a broker.

use std::{
    io,
    sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    thread,
    time::Duration,
};

use anyhow::{Context, anyhow};
use tokio::sync::oneshot;

type Question<T> = Box<dyn FnOnce(&T) + Send>;

/// How many questions may wait.
const WAITING: usize = 64;
/// How long who has asked waits at most; each question has a shorter time-out of its own.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a client's own lines are read while nobody asks.
const IDLE: Duration = Duration::from_secs(1);

/// Where questions to a `T` are handed in. The thread ends when the last clone is dropped.
pub(super) struct Desk<T> {
    questions: SyncSender<Question<T>>,
    hear: fn(&T),
}

impl<T> Clone for Desk<T> {
    fn clone(&self) -> Self {
        Desk { questions: self.questions.clone(), hear: self.hear }
    }
}

impl<T: Send + 'static> Desk<T> {
    /// Starts the thread. `hear` is done after each question, before its answer is given, and now and then.
    pub(super) fn open(name: &str, asked: T, hear: fn(&T)) -> io::Result<Self> {
        let (questions, waiting) = sync_channel(WAITING);
        // A thread and no task: a task must not block, and only the program's own loops may be spawned as tasks. It ends
        // by itself when nobody can ask any more, and touches nothing but what it owns.
        let thread = thread::Builder::new().name(name.to_owned());
        thread.spawn(move || serve(&asked, &waiting, hear))?;
        Ok(Desk { questions, hear })
    }

    /// Asks; whoever stops waiting is passed over when it is their turn.
    pub(super) async fn ask<A: Send + 'static>(
        &self,
        question: impl FnOnce(&T) -> A + Send + 'static,
    ) -> anyhow::Result<A> {
        let (reply, answer) = oneshot::channel();
        let hear = self.hear;
        self.post(move |asked| {
            if !reply.is_closed() {
                let answer = question(asked);
                // Why it failed may stand in a line of the client's.
                hear(asked);
                drop(reply.send(answer));
            }
        })?;
        let answer = tokio::time::timeout(PATIENCE, answer).await;
        answer
            .context("Kafka is asked too much at once")?
            .context("the thread that asks Kafka is gone")
    }

    /// Leaves something to the thread, for example a client to end, which may take a while.
    pub(super) fn post(&self, job: impl FnOnce(&T) + Send + 'static) -> anyhow::Result<()> {
        let full = |_| anyhow!("{WAITING} questions already wait for Kafka's answers");
        self.questions.try_send(Box::new(job)).map_err(full)
    }
}

fn serve<T>(asked: &T, waiting: &Receiver<Question<T>>, hear: fn(&T)) {
    loop {
        match waiting.recv_timeout(IDLE) {
            Ok(question) => question(asked),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return,
        }
        hear(asked);
    }
}
