//! Where our answers differ from the recorded ones on purpose, and why. Whatever is not listed here has to be the same,
//! and whatever is listed has to differ.

mod table;

use super::{
    case::{self, Case},
    compare::{Deviation, Part},
};
pub(crate) use table::DIFFERENCES;

/// Group, first and last number of each run of cases.
type Cases = &'static [(&'static str, u16, u16)];

/// A difference on purpose.
pub(crate) struct Difference {
    cases: Cases,
    pub(crate) ours: Ours,
    /// With which databases; none: with all.
    pub(crate) only: Option<Databases>,
    pub(crate) reason: &'static str,
}

/// The databases of a system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Databases {
    Embedded,
    /// Those of the originals: MongoDB and PostgreSQL.
    Real,
}

/// In what an answer of ours differs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Ours {
    /// It has this status, and everything may differ.
    Answers(u16),
    /// It has these headers besides, or with other values.
    Headers(&'static [&'static str]),
    /// Its body is another one.
    Body,
}

/// What came of a case.
pub(crate) enum Judgement {
    Same,
    OnPurpose,
    /// Neither, and how.
    Open(String),
}

/// Judges how the answer to a case deviates.
pub(super) fn judge(
    case: &Case,
    databases: Databases,
    status: u16,
    deviations: &[Deviation],
) -> Judgement {
    let listed: Vec<&Difference> = DIFFERENCES
        .iter()
        .filter(|difference| difference.only.is_none_or(|only| only == databases))
        .filter(|difference| difference.is_about(case))
        .collect();
    let gone: Vec<String> = listed
        .iter()
        .filter(|difference| !difference.ours.is_seen(status, deviations))
        .map(|Difference { ours, reason, .. }| {
            let how = if deviations.is_empty() {
                "no longer different"
            } else {
                "different in another way"
            };
            format!("   {how}; listed is: {ours}, because {reason}")
        })
        .collect();
    let unlisted = deviations
        .iter()
        .filter(|deviation| {
            !listed.iter().any(|listed| listed.ours.covers(status, &deviation.part))
        })
        .map(|Deviation { part, text }| format!("   {part:?}: {text}"));
    let open: Vec<String> = unlisted.chain(gone).collect();
    match (open.is_empty(), listed.is_empty()) {
        (true, true) => Judgement::Same,
        (true, false) => Judgement::OnPurpose,
        (false, _) => Judgement::Open(open.join("\n")),
    }
}

impl Difference {
    pub(crate) fn is_about(&self, case: &Case) -> bool {
        let mut runs = self.cases.iter();
        runs.any(|(group, first, last)| {
            *group == case.group && (*first..=*last).contains(&case.number)
        })
    }
}

impl Ours {
    /// Whether it explains why a part is not as recorded.
    fn covers(self, status: u16, part: &Part) -> bool {
        match self {
            Ours::Answers(ours) => ours == status,
            Ours::Headers(names) => {
                matches!(part, Part::Header(name) if names.contains(&name.as_str()))
            }
            Ours::Body => *part == Part::Body,
        }
    }

    /// Whether everything is there that it says.
    fn is_seen(self, status: u16, deviations: &[Deviation]) -> bool {
        let has = |part: &Part| deviations.iter().any(|deviation| deviation.part == *part);
        match self {
            Ours::Answers(ours) => ours == status && !deviations.is_empty(),
            Ours::Headers(names) => names.iter().all(|name| has(&Part::Header((*name).to_owned()))),
            Ours::Body => has(&Part::Body),
        }
    }
}

/// What the page of differences says about it.
impl std::fmt::Display for Ours {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Ours::Answers(status) => write!(formatter, "{status}"),
            Ours::Headers(names) => {
                let names: Vec<_> = names.iter().map(|name| format!("`{name}`")).collect();
                write!(formatter, "other headers: {}", names.join(", "))
            }
            Ours::Body => write!(formatter, "another body"),
        }
    }
}

#[test]
fn every_deviation_needs_a_difference_and_every_difference_a_deviation() {
    let of = |part| Deviation { part, text: String::new() };
    let status = || of(Part::Status);
    let header = |name: &str| of(Part::Header(name.to_owned()));
    for (ours, came, deviations, covered, seen) in [
        (Ours::Answers(204), 204, vec![status(), of(Part::Body)], 2, true),
        (Ours::Answers(204), 404, vec![status(), of(Part::Body)], 0, false),
        (Ours::Answers(200), 200, vec![], 0, false),
        (Ours::Headers(&["etag"]), 200, vec![header("etag"), of(Part::Body)], 1, true),
        (Ours::Headers(&["etag", "link"]), 200, vec![header("etag")], 1, false),
        (Ours::Body, 200, vec![of(Part::Body), header("etag")], 1, true),
        (Ours::Body, 200, vec![], 0, false),
    ] {
        let count = deviations.iter().filter(|found| ours.covers(came, &found.part)).count();
        assert_eq!((count, ours.is_seen(came, &deviations)), (covered, seen), "{ours:?}");
    }
}

#[test]
fn every_listed_case_is_recorded() {
    for (group, first, last) in DIFFERENCES.iter().flat_map(|difference| difference.cases) {
        let numbers: Vec<u16> = case::of(group).iter().map(|case| case.number).collect();
        for number in [first, last] {
            assert!(numbers.contains(number), "{group}/{number}");
        }
    }
}
