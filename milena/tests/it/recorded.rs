//! What the Java originals were asked and answered, asked again here: every answer is the same, or is listed as different on
//! purpose with its reason.

mod page;
pub(crate) mod replay;
mod streams;

use std::{fs, path::Path};

use self::replay::Databases;
use crate::support::Running;

#[tokio::test]
async fn every_answer_is_as_recorded_or_different_on_purpose() {
    let system = Running::start().await;
    let outcomes = replay::all(&system, Databases::Embedded).await;
    system.stop().await;
    let open = replay::open(&outcomes);
    assert!(
        open.is_empty(),
        "{} of {} answers are neither as recorded nor listed as different on purpose:\n\n{}",
        open.len(),
        outcomes.len(),
        open.join("\n\n")
    );

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/compatibility.md");
    let page = page::of(&outcomes);
    if fs::read_to_string(&path).unwrap_or_default() != page {
        fs::write(&path, page).unwrap();
        panic!("{} was not current; it is now: look at it and commit it", path.display());
    }
}
