//! The page that tells how much is as in the originals, made from a replay.

use std::collections::BTreeSet;

use super::replay::{DIFFERENCES, Databases, Difference, GROUPS, Judgement, Outcome, case::Case};

const HEAD: &str = "# Compatibility

What the Java originals were asked and answered was recorded (`contracts/recorded/cases`). The same requests are sent to a whole
system here, in the same order; this page is made from that by `milena/tests/it/recorded.rs`.

The same: status, reason phrase, headers and their values, and the body byte for byte. Not compared are times, ids, headers of the
connection, the order of `fieldErrors`, of the methods in `Allow` and of SQL rows, which differ between two runs of the original,
too. Of answers that show a process (health, metrics, configuration, threads) the form is compared; an OpenAPI document has
everything that was recorded, and may have more. Event streams are compared event by event in a test of their own.

";

/// The page.
pub(super) fn of(outcomes: &[Outcome]) -> String {
    let mut page = HEAD.to_owned();
    page.push_str("| interface | recorded as | cases | the same | different on purpose |\n|---|---|--:|--:|--:|\n");
    let mut total = [0; 3];
    for group in &GROUPS {
        let of_group = || outcomes.iter().filter(|outcome| outcome.case.group == group.name);
        let same =
            of_group().filter(|outcome| matches!(outcome.judgement, Judgement::Same)).count();
        let counts = [of_group().count(), same, of_group().count() - same];
        let [cases, same, different] = counts;
        page.push_str(&format!(
            "| {} | `{}` | {cases} | {same} | {different} |\n",
            group.about, group.name
        ));
        total = std::array::from_fn(|at| total[at] + counts[at]);
    }
    let [cases, same, different] = total;
    page.push_str(&format!("| all | | {cases} | {same} | {different} |\n"));
    page.push_str(
        "\n## Different on purpose\n\n| cases | theirs | ours | why |\n|---|---|---|---|\n",
    );
    for difference in DIFFERENCES {
        page.push_str(&row(difference, outcomes));
    }
    page
}

fn row(difference: &Difference, outcomes: &[Outcome]) -> String {
    let cases: Vec<&Case> = outcomes
        .iter()
        .map(|outcome| &outcome.case)
        .filter(|case| difference.is_about(case))
        .collect();
    let theirs: BTreeSet<String> = cases
        .iter()
        .map(|case| match case.status() {
            0 => "nothing".to_owned(),
            status => status.to_string(),
        })
        .collect();
    let only = match difference.only {
        None => "",
        Some(Databases::Embedded) => ", with embedded databases",
        Some(Databases::Real) => ", with MongoDB and PostgreSQL",
    };
    format!(
        "| {} | {} | {}{only} | {} |\n",
        numbers(&cases),
        theirs.into_iter().collect::<Vec<_>>().join(", "),
        difference.ours,
        difference.reason
    )
}

/// `store` 008–010, 020; `alert` 006.
fn numbers(cases: &[&Case]) -> String {
    let groups = GROUPS.iter().filter_map(|group| {
        let mut runs: Vec<(u16, u16)> = Vec::new();
        for number in cases.iter().filter(|case| case.group == group.name).map(|case| case.number) {
            match runs.last_mut() {
                Some((_, last)) if *last + 1 == number => *last = number,
                _ => runs.push((number, number)),
            }
        }
        let runs: Vec<String> = runs
            .into_iter()
            .map(|(first, last)| match first == last {
                true => format!("{first:03}"),
                false => format!("{first:03}–{last:03}"),
            })
            .collect();
        (!runs.is_empty()).then(|| format!("`{}` {}", group.name, runs.join(", ")))
    });
    groups.collect::<Vec<_>>().join("; ")
}
