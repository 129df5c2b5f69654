//! How far one partition of this member has come: what was handed out, what is handled, what the broker knows of it.

/// Offsets of one partition since it was assigned.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Progress {
    first_out: Option<i64>,
    last_out: Option<i64>,
    handled: Option<i64>,
    confirmed: Option<i64>,
}

impl Progress {
    /// A record goes to who handles it.
    pub(super) fn hand_out(&mut self, offset: i64) {
        self.first_out.get_or_insert(offset);
        self.last_out = Some(offset);
    }

    /// Everything up to this record is handled; false when that is old news, or a record of an earlier assignment, which
    /// would move back a group that has gone on without us.
    pub(super) fn handle(&mut self, offset: i64) -> bool {
        let ours = self.first_out.is_some_and(|first| first <= offset)
            && self.last_out.is_some_and(|last| offset <= last);
        let new = ours && self.handled.is_none_or(|handled| handled < offset);
        if new {
            self.handled = Some(offset);
        }
        new
    }

    /// Whether something handed out is not yet handled.
    pub(super) fn is_open(&self) -> bool {
        self.last_out > self.handled
    }

    /// The offset to commit, when the broker does not know it yet: that of the next record to read.
    pub(super) fn due(&self) -> Option<i64> {
        let next = self.handled? + 1;
        self.confirmed.is_none_or(|confirmed| confirmed < next).then_some(next)
    }

    /// Where to go on when the group deals the partition to us again: behind what was handed out, unless somebody else has
    /// committed more than we have handled, and so has had it in between.
    pub(super) fn resume(&self, committed: Option<i64>) -> Option<i64> {
        let ours = self.handled.map_or(self.first_out?, |handled| handled + 1);
        let next = self.last_out? + 1;
        committed.is_none_or(|committed| committed <= ours).then_some(next)
    }

    /// The broker has this offset.
    pub(super) fn confirm(&mut self, next: i64) {
        self.confirmed = self.confirmed.max(Some(next));
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    fn handed_out(offsets: std::ops::Range<i64>) -> Progress {
        let mut progress = Progress::default();
        offsets.for_each(|offset| progress.hand_out(offset));
        progress
    }

    #[test]
    fn commits_the_offset_after_the_highest_handled_one() {
        let mut progress = handed_out(10..13);
        assert_eq!((progress.is_open(), progress.due()), (true, None));
        assert!(progress.handle(12));
        assert!(!progress.handle(11), "a late one does not move it back");
        assert_eq!((progress.is_open(), progress.due()), (false, Some(13)));
        progress.confirm(13);
        assert_eq!(progress.due(), None);
        progress.confirm(11);
        assert_eq!(progress.due(), None, "an answer out of order changes nothing");
    }

    #[test]
    fn goes_on_where_it_was_unless_somebody_else_was_there() {
        let fresh = handed_out(10..13);
        let mut half = fresh.clone();
        half.handle(11);
        for (progress, committed, expected) in [
            (&fresh, None, Some(13)),
            (&fresh, Some(10), Some(13)),
            (&fresh, Some(11), None),
            (&half, Some(10), Some(13)),
            (&half, Some(12), Some(13)),
            (&half, Some(13), None),
            (&Progress::default(), Some(10), None),
        ] {
            assert_eq!(progress.resume(committed), expected, "{progress:?} {committed:?}");
        }
    }

    #[test]
    fn knows_what_it_has_not_handed_out_itself() {
        let mut progress = handed_out(10..13);
        for (offset, ours) in [(9, false), (13, false), (10, true)] {
            assert_eq!(progress.handle(offset), ours, "{offset}");
        }
        assert!(!Progress::default().handle(0));
        assert!(!Progress::default().is_open());
    }
}
