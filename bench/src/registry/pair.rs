//! The registry of the program, the server that it is compared with, and what one part of the run came to at both.

use super::server::Server;

/// The servers under test.
pub(super) struct Servers {
    pub(super) ours: Server,
    pub(super) other: Option<Server>,
}

/// What was measured at both; nothing where it failed, or there is no other server.
pub(super) struct Pair<T> {
    pub(super) ours: Option<T>,
    pub(super) other: Option<T>,
}

impl<T> Pair<T> {
    /// One figure of both; not a number where ours failed.
    pub(super) fn figure(&self, of: impl Fn(&T) -> f64) -> (f64, Option<f64>) {
        (self.ours.as_ref().map_or(f64::NAN, &of), self.other.as_ref().map(&of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_failed_has_no_figure() {
        let half = |value: &u32| f64::from(*value) / 2.0;
        let both = Pair { ours: Some(1), other: Some(4) };
        assert_eq!(both.figure(half), (0.5, Some(2.0)));
        let alone = Pair { ours: Some(1), other: None };
        assert_eq!(alone.figure(half), (0.5, None));
        let (ours, other) = Pair { ours: None, other: Some(4) }.figure(half);
        assert!(ours.is_nan() && other == Some(2.0));
    }
}
