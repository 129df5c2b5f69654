//! What the environment asks for.

use std::sync::{
    OnceLock,
    atomic::{AtomicU32, Ordering},
};

use crate::{CRASH_AT, MISBEHAVE, Promise};

/// A point to die at, and how many times it may still be passed.
struct Point {
    name: String,
    passes: AtomicU32,
}

pub(super) fn crash_point(name: &str) {
    die_if(|point| point == name);
}

pub(super) fn crash_point_of(name: &str, part: &str) {
    die_if(|point| point.split_once('/') == Some((name, part)));
}

fn die_if(is_here: impl Fn(&str) -> bool) {
    static POINT: OnceLock<Option<Point>> = OnceLock::new();
    let point = POINT.get_or_init(|| variable(CRASH_AT).map(|value| point(&value)));
    let Some(point) = point.as_ref().filter(|point| is_here(&point.name)) else { return };
    if point.passes.fetch_sub(1, Ordering::Relaxed) == 0 {
        // As a kill does it: nothing is flushed, nothing is said.
        std::process::abort();
    }
}

pub(super) fn is_broken(promise: Promise) -> bool {
    static BROKEN: OnceLock<Option<String>> = OnceLock::new();
    let word = match promise {
        Promise::HandledOnce => "inbox-off",
        Promise::OffsetLast => "offset-first",
        Promise::DeleteLast => "delete-first",
    };
    BROKEN.get_or_init(|| variable(MISBEHAVE)).as_deref() == Some(word)
}

fn point(value: &str) -> Point {
    let (name, time) = value.split_once(':').unwrap_or((value, "1"));
    let passes = time.parse::<u32>().map_or(0, |time| time.saturating_sub(1));
    Point { name: name.to_owned(), passes: AtomicU32::new(passes) }
}

#[expect(
    clippy::disallowed_methods,
    reason = "no part of the configuration: for tests of debug builds"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_passed_until_its_time_has_come() {
        for (value, name, passes) in
            [("after-commit", "after-commit", 0), ("after-commit:3", "after-commit", 2)]
        {
            let point = point(value);
            assert_eq!((&*point.name, point.passes.into_inner()), (name, passes));
        }
    }
}
