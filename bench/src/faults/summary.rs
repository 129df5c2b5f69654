//! What came of all seeds, and how far they are.

use std::{
    fmt,
    io::{IsTerminal, Write},
    time::Instant,
};

use super::run::Report;

/// After how many seeds progress is told to who does not sit at a terminal.
const OFTEN: usize = 50;

/// How a seed ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    AsPromised,
    Violated,
    /// The program could not be started, or did not answer.
    NotJudged,
}

/// Adds up.
pub(crate) struct Summary {
    wanted: usize,
    began: Instant,
    seeds: usize,
    failed: usize,
    total: Report,
    violations: usize,
    /// How many seeds ended without a word of what waits in the outboxes.
    untold: usize,
}

impl Summary {
    pub(crate) fn new(wanted: usize) -> Summary {
        let (seeds, failed, violations, untold) = (0, 0, 0, 0);
        let (began, total) = (Instant::now(), Report::default());
        Summary { wanted, began, seeds, failed, total, violations, untold }
    }

    /// Adds a seed, and tells how far all are; says how it ended.
    pub(crate) fn add(&mut self, outcome: &anyhow::Result<Report>) -> End {
        self.seeds += 1;
        let mut end = End::NotJudged;
        if let Ok(report) = outcome {
            self.total.acknowledged += report.acknowledged;
            self.total.unknown += report.unknown;
            self.total.refused += report.refused;
            self.total.rows += report.rows;
            self.total.mails += report.mails;
            self.untold += usize::from(!report.told);
            self.violations += report.violations.len();
            end = if report.violations.is_empty() { End::AsPromised } else { End::Violated };
        }
        self.failed += usize::from(end != End::AsPromised);
        self.progress();
        end
    }

    /// Whether all seeds were judged, and as promised.
    pub(crate) fn all_is_well(&self) -> bool {
        self.failed == 0
    }

    fn progress(&self) {
        let (seeds, wanted, failed) = (self.seeds, self.wanted, self.failed);
        let mut out = std::io::stderr();
        let seconds = self.began.elapsed().as_secs();
        let line = format!("{seeds} of {wanted} seeds in {seconds} s, {failed} failed");
        // Who cannot read how far it is loses nothing else.
        if out.is_terminal() {
            let _ = write!(out, "\r{line}{}", if seeds == wanted { "\n" } else { "" });
        } else if seeds.is_multiple_of(OFTEN) || seeds == wanted {
            let _ = writeln!(out, "{line}");
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { acknowledged, unknown, refused, rows, mails, .. } = &self.total;
        let (seeds, violations) = (self.seeds, self.violations);
        write!(
            out,
            "{seeds} seeds, {acknowledged} changes acknowledged, {unknown} unanswered, {refused} refused, {rows} rows, {mails} mails, {violations} violations"
        )?;
        if self.failed > 0 {
            write!(out, " in {} seeds", self.failed)?;
        }
        if self.untold > 0 {
            write!(
                out,
                "; in {} seeds the program did not tell what its outboxes hold",
                self.untold
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::checker::Promise;

    #[test]
    fn seeds_are_added_up() {
        let mut summary = Summary::new(3);
        let report =
            || Report { acknowledged: 10, rows: 5, mails: 6, told: true, ..Report::default() };
        assert_eq!(summary.add(&Ok(report())), End::AsPromised);
        assert!(summary.all_is_well());
        let violations = vec![Promise::RowKept.broken("it is lost")];
        let broken = Report { violations, told: false, ..report() };
        assert_eq!(summary.add(&Ok(broken)), End::Violated);
        assert_eq!(summary.add(&Err(anyhow::anyhow!("no program"))), End::NotJudged);
        assert!(!summary.all_is_well());
        assert_eq!(
            summary.to_string(),
            "3 seeds, 20 changes acknowledged, 0 unanswered, 0 refused, 10 rows, 12 mails, 1 violations in 2 seeds; in 1 seeds the program did not tell what its outboxes hold"
        );
    }
}
