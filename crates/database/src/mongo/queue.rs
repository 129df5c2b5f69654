//! Which commits of several steps may begin. Those that write to one row are made one after the other, in the order in which
//! they came. On a replica set, small ones that wait when the group before is done are made in one transaction: to the server
//! it costs little more than that of one.

use std::collections::{HashSet, VecDeque};

use anyhow::anyhow;
use tokio::time::{Duration, Instant};

use super::{job::Job, task::Place};
use crate::CommitError;

/// How many commits may wait here.
const WAITING: usize = 256;
/// How many commits by themselves are made at the same time.
const ALONE: usize = 24;
/// How many groups are, when some of them hang.
const GROUPS: usize = 8;
/// How many commits a group has at most.
const COMMITS: usize = 32;
/// How long the next group waits for the last one.
const PACE: Duration = Duration::from_millis(100);

/// What was begun, to be given back when it has come to its end.
pub(super) struct Begun {
    /// Whether it is one commit that is made by itself, and not a group.
    pub(super) is_alone: bool,
    rows: Vec<Place>,
    /// When it was.
    at: Instant,
}

/// Commits that wait.
pub(super) struct Queue {
    /// Whether there are groups.
    has_groups: bool,
    /// How long a commit may wait here.
    patience: Duration,
    waiting: VecDeque<Job>,
    /// The rows of those that were begun.
    busy: HashSet<Place>,
    /// How many were begun by themselves.
    alone: usize,
    /// How many groups were begun.
    groups: usize,
    /// When the last of them was, as long as it has not ended.
    last: Option<Instant>,
}

impl Queue {
    pub(super) fn new(has_groups: bool, patience: Duration) -> Self {
        let (waiting, busy) = (VecDeque::new(), HashSet::new());
        Queue { has_groups, patience, waiting, busy, alone: 0, groups: 0, last: None }
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= WAITING
    }

    pub(super) fn push(&mut self, mut job: Job) {
        job.is_alone |= !self.has_groups;
        self.waiting.push_back(job);
    }

    /// When more may begin though nothing has come or ended until then, when nothing does now.
    pub(super) fn later(&self, now: Instant) -> Option<Instant> {
        let given_up = self.waiting.iter().map(|job| job.came + self.patience).min()?;
        let next = self.last.map(|last| last + PACE).filter(|_| self.groups < GROUPS);
        let next = next.filter(|next| *next > now);
        Some(next.map_or(given_up, |next| next.min(given_up)))
    }

    fn group_may(&self, now: Instant) -> bool {
        self.groups < GROUPS && self.last.is_none_or(|last| last + PACE <= now)
    }

    /// Begins a group, or a commit by itself, if one may.
    pub(super) fn begin(&mut self, now: Instant) -> Option<(Vec<Job>, Begun)> {
        let (group_may, one_may) = (self.group_may(now), self.alone < ALONE);
        let mut begun = Begun { is_alone: false, rows: Vec::new(), at: now };
        let mut jobs: Vec<Job> = Vec::new();
        // Nobody overtakes another who waits for the same row.
        let mut wanted: HashSet<Place> = HashSet::new();
        for job in std::mem::take(&mut self.waiting) {
            // Who has gone was not told that it was made.
            if job.is_forgotten() {
                continue;
            }
            // What begins has time to end before its caller goes.
            if now - job.came >= self.patience {
                let cause =
                    anyhow!("other commits have taken {:?}; nothing was done", self.patience);
                job.tell(Err(CommitError::Unavailable(cause)));
                continue;
            }
            let has_place = match jobs.len() {
                0 if job.is_alone => one_may,
                0 => group_may,
                others => !begun.is_alone && !job.is_alone && others < COMMITS,
            };
            let is_taken = |row| self.busy.contains(row) || wanted.contains(row);
            if has_place && !job.rows.iter().any(is_taken) {
                begun.is_alone = job.is_alone;
                begun.rows.extend_from_slice(&job.rows);
                self.busy.extend(job.rows.iter().cloned());
                jobs.push(job);
            } else {
                wanted.extend(job.rows.iter().cloned());
                self.waiting.push_back(job);
            }
        }
        if jobs.is_empty() {
            return None;
        }
        if begun.is_alone {
            self.alone += 1;
        } else {
            self.groups += 1;
            self.last = Some(now);
        }
        Some((jobs, begun))
    }

    /// Something has come to its end. `left` is of it, and is still to be made, each by itself.
    pub(super) fn end(&mut self, begun: &Begun, left: Vec<Job>) {
        if begun.is_alone {
            self.alone -= 1;
        } else {
            self.groups -= 1;
            self.last = self.last.filter(|last| *last != begun.at);
        }
        for row in &begun.rows {
            self.busy.remove(row);
        }
        for mut job in left.into_iter().rev() {
            job.is_alone = true;
            self.waiting.push_front(job);
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        sync::oneshot::{self, Receiver},
        time::advance,
    };

    use super::{super::write, *};
    use crate::{Changes, Id, IdKind, Table, Value, Write};

    const PATIENCE: Duration = Duration::from_secs(5);

    /// Who wants to know.
    type Caller = Receiver<Result<(), CommitError>>;

    fn table() -> Table {
        let (name, key, id) = ("book".into(), "id".into(), IdKind::Sequence);
        Table { name, key, id, class: None, columns: vec![].into() }
    }

    fn to(row: i64, text: &str) -> Write {
        Write::Overwrite { table: table(), id: Id::Integer(row), values: vec![text.into()] }
    }

    fn push(queue: &mut Queue, writes: impl IntoIterator<Item = Write>) -> Caller {
        let (answer, caller) = oneshot::channel();
        let changes = writes.into_iter().fold(Changes::new(), Changes::write);
        queue.push(Job::new(changes, answer));
        caller
    }

    /// What the commits that begin write.
    fn texts(jobs: &[Job]) -> Vec<&str> {
        let values = jobs.iter().flat_map(|job| &job.changes.writes).filter_map(write::left);
        values
            .flatten()
            .filter_map(
                |value| if let Value::Text(text) = value { Some(text.as_str()) } else { None },
            )
            .collect()
    }

    fn begin(queue: &mut Queue) -> (Vec<Job>, Begun) {
        queue.begin(Instant::now()).expect("something may begin")
    }

    #[test]
    fn those_of_one_moment_are_a_group_and_those_of_one_row_come_one_after_the_other() {
        let mut queue = Queue::new(true, PATIENCE);
        let _callers = [(1, "a"), (2, "b"), (1, "c"), (3, "d"), (1, "e")]
            .map(|(row, text)| push(&mut queue, [to(row, text)]));
        let (jobs, first) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["a", "b", "d"]);
        assert!(queue.begin(Instant::now()).is_none(), "there is one group at a time");
        queue.end(&first, Vec::new());
        let (jobs, second) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["c"]);
        queue.end(&second, Vec::new());
        assert_eq!(texts(&begin(&mut queue).0), ["e"]);
    }

    #[test]
    fn nobody_overtakes_who_waits_for_one_of_its_rows() {
        let mut queue = Queue::new(true, PATIENCE);
        let _one = push(&mut queue, [to(1, "a")]);
        let (_, first) = begin(&mut queue);
        let _others = [push(&mut queue, [to(1, "b"), to(2, "b")]), push(&mut queue, [to(2, "c")])];
        let remove = Write::Delete { table: table(), id: Id::Integer(2), version: None };
        let _remover = push(&mut queue, [remove]);
        let _by_itself = push(&mut queue, [to(3, "d"), to(3, "e")]);
        let (jobs, second) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["d", "e"]);
        assert!(second.is_alone && queue.begin(Instant::now()).is_none());
        queue.end(&first, Vec::new());
        let (jobs, third) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["b", "b"]);
        assert!(queue.begin(Instant::now()).is_none());
        queue.end(&third, Vec::new());
        assert_eq!(texts(&begin(&mut queue).0), ["c"]);
    }

    #[test]
    fn what_is_left_of_a_group_is_made_one_by_one_and_first() {
        let mut queue = Queue::new(true, PATIENCE);
        let _callers = [(1, "a"), (2, "b")].map(|(row, text)| push(&mut queue, [to(row, text)]));
        let (jobs, begun) = begin(&mut queue);
        let _later = [(1, "c"), (3, "d")].map(|(row, text)| push(&mut queue, [to(row, text)]));
        queue.end(&begun, jobs);
        for (expected, is_alone) in [("a", true), ("b", true), ("d", false)] {
            let (jobs, begun) = begin(&mut queue);
            assert_eq!((texts(&jobs), begun.is_alone), (vec![expected], is_alone));
        }
        assert!(queue.begin(Instant::now()).is_none());
    }

    #[test]
    fn a_group_has_its_limits() {
        let mut queue = Queue::new(true, PATIENCE);
        let large = "x".repeat(32 * 1024);
        let _large = push(&mut queue, [to(0, &large)]);
        let _small: Vec<Caller> = (1..100).map(|row| push(&mut queue, [to(row, "")])).collect();
        let (jobs, begun) = begin(&mut queue);
        assert!(jobs.len() == 1 && begun.is_alone);
        for expected in [COMMITS, COMMITS, COMMITS, 3] {
            let (jobs, begun) = begin(&mut queue);
            assert_eq!(jobs.len(), expected);
            queue.end(&begun, Vec::new());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_group_that_hangs_holds_others_back_for_a_moment_only() {
        let mut queue = Queue::new(true, PATIENCE);
        assert_eq!(queue.later(Instant::now()), None);
        let _first = push(&mut queue, [to(1, "hangs")]);
        let (_, hangs) = begin(&mut queue);
        let _callers = [2, 1, 3].map(|row| push(&mut queue, [to(row, &row.to_string())]));
        let (next, just_before) = (hangs.at + PACE, hangs.at + PACE - Duration::from_nanos(1));
        assert!(queue.begin(just_before).is_none());
        assert_eq!(queue.later(just_before), Some(next), "whatever the time is meanwhile");
        tokio::time::sleep_until(next).await;
        let (jobs, second) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["2", "3"]);
        let _fourth = push(&mut queue, [to(4, "4")]);
        assert!(queue.begin(Instant::now()).is_none());
        queue.end(&second, Vec::new());
        let (jobs, _third) = begin(&mut queue);
        assert_eq!(texts(&jobs), ["4"], "one that ends lets the next begin, whatever hangs");
        tokio::time::sleep_until(queue.later(Instant::now()).expect("it waits")).await;
        assert!(queue.begin(Instant::now()).is_none(), "its row is taken");
        assert_eq!(queue.later(Instant::now()).map(|later| later - hangs.at), Some(PATIENCE));
        for row in 5..5 + GROUPS as i64 - 2 {
            let caller = push(&mut queue, [to(row, "")]);
            assert!(begin(&mut queue).1.rows.len() == 1 && queue.begin(Instant::now()).is_none());
            advance(PACE).await;
            drop(caller);
        }
        let _last = push(&mut queue, [to(100, "")]);
        assert!(queue.begin(Instant::now()).is_none(), "there are as many groups as may be");
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_waited_too_long_is_not_begun() {
        let mut queue = Queue::new(true, PATIENCE);
        let mut late = push(&mut queue, [to(1, "late")]);
        drop(push(&mut queue, [to(1, "gone")]));
        advance(PATIENCE).await;
        let _new = push(&mut queue, [to(1, "new")]);
        assert_eq!(texts(&begin(&mut queue).0), ["new"]);
        assert!(matches!(late.try_recv(), Ok(Err(CommitError::Unavailable(_)))));
    }

    #[test]
    fn without_transactions_there_are_no_groups() {
        let mut queue = Queue::new(false, PATIENCE);
        let _callers: Vec<Caller> = (0..100).map(|row| push(&mut queue, [to(row, "")])).collect();
        for _ in 0..ALONE {
            assert_eq!(begin(&mut queue).0.len(), 1);
        }
        assert!(queue.begin(Instant::now()).is_none());
    }
}
