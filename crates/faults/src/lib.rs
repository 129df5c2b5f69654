//! Lets tests break a debug build on purpose: it dies at a named point, or breaks a promise that a checker must notice.
//! A release build has none of this in it.

#[cfg(debug_assertions)]
mod told;

/// The environment variable that names the point to die at: `NAME`, `NAME/PART` when several parts pass a point of this
/// name, `NAME:3` for the third time.
pub const CRASH_AT: &str = "CRASH_AT";

/// The environment variable that names the promise to break; see [`Promise`].
pub const MISBEHAVE: &str = "MISBEHAVE";

/// A promise that a debug build can be told to break, so that a checker can be checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// `inbox-off`: a message that was handled before is not handled again.
    HandledOnce,
    /// `offset-first`: an offset is committed after what its record changes.
    OffsetLast,
    /// `delete-first`: a message leaves the outbox after its destination has it.
    DeleteLast,
}

/// Ends the process without warning when a test has asked for it here. `docs/reliability.md` lists the points.
#[inline]
pub fn crash_point(name: &'static str) {
    #[cfg(debug_assertions)]
    told::crash_point(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// The same at a point that several parts pass, each under its own name.
#[inline]
pub fn crash_point_of(name: &'static str, part: &str) {
    #[cfg(debug_assertions)]
    told::crash_point_of(name, part);
    #[cfg(not(debug_assertions))]
    let _ = (name, part);
}

/// Whether a test has asked for this promise to be broken.
#[inline]
pub fn is_broken(promise: Promise) -> bool {
    #[cfg(debug_assertions)]
    return told::is_broken(promise);
    #[cfg(not(debug_assertions))]
    {
        let _ = promise;
        false
    }
}
