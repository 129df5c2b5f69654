//! The page that tells how much is as in the originals, made from a replay.

use super::replay::{DIFFERENCES, Databases, Difference, GROUPS, Judgement, Outcome};

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
    page.push_str("\n## Different on purpose\n\n| case | asked | theirs | ours | why |\n|---|---|---|---|---|\n");
    for outcome in outcomes {
        let case = &outcome.case;
        for difference in DIFFERENCES.iter().filter(|one| one.is_about(case)) {
            page.push_str(&row(outcome, difference));
        }
    }
    page
}

fn row(outcome: &Outcome, Difference { ours, only, reason, .. }: &Difference) -> String {
    let case = &outcome.case;
    let asked = format!("{} {}", case.request.method, case.request.path).replace('|', "\\|");
    let ours = match only {
        None => ours.to_string(),
        Some(Databases::Embedded) => format!("{ours}, with embedded databases"),
        Some(Databases::Real) => format!("{ours}, with MongoDB and PostgreSQL"),
    };
    let theirs = match case.status() {
        0 => "nothing".to_owned(),
        status => status.to_string(),
    };
    format!(
        "| {}/{:03} {} | `{asked}` | {theirs} | {ours} | {reason} |\n",
        case.group, case.number, case.name
    )
}
