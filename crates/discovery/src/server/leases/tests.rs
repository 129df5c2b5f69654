use super::*;

fn moment(seconds: u64, start: Instant) -> Moment {
    Moment {
        at: start + Duration::from_secs(seconds),
        millis: i64::try_from(seconds * 1000).unwrap() + 1_000_000,
    }
}

fn book(id: &str, status: &str, dirty: i64) -> Instance {
    let body = format!(
        r#"{{"instance":{{"instanceId":"{id}","app":"BOOK","status":"{status}","lastDirtyTimestamp":{dirty},"leaseInfo":{{"durationInSecs":10}}}}}}"#
    );
    Instance::from_registration(body.as_bytes()).unwrap()
}

fn status(leases: &Leases, id: &str) -> &'static str {
    leases.instance("BOOK", id).map_or("gone", |instance| instance.status.name())
}

/// Registers `book:1` as UP at second 0 with dirty time 100.
fn one_book(start: Instant) -> Leases {
    let mut leases = Leases::default();
    assert_eq!(leases.register(book("book:1", "UP", 100), moment(0, start), 10), Ok(true));
    leases
}

#[test]
fn the_silent_are_evicted_after_their_own_lease_and_no_earlier() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.renew("BOOK", "book:1", Heartbeat::default(), moment(5, start));
    assert_eq!(leases.evict(moment(15, start)), []);
    let evicted = leases.evict(moment(16, start));
    assert_eq!(evicted.iter().map(Instance::id).collect::<Vec<_>>(), ["book:1"]);
    assert_eq!(status(&leases, "book:1"), "gone");
    assert_eq!(leases.instances().count(), 0);
}

#[test]
fn heartbeats_are_answered_by_the_time_of_the_last_change() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let mut check = |id: &str, dirty: Option<i64>, from_peer: bool, expected: &str| {
        let renewal = leases.renew("BOOK", id, Heartbeat { dirty, from_peer }, moment(1, start));
        let renewal = match renewal {
            Renewal::Renewed => "renewed",
            Renewal::Forgotten => "forgotten",
            Renewal::Newer(_) => "newer",
        };
        assert_eq!(renewal, expected, "{id} {dirty:?} {from_peer}");
    };
    check("book:1", None, false, "renewed");
    check("book:1", Some(100), false, "renewed");
    check("book:1", Some(99), false, "renewed");
    check("book:1", Some(99), true, "newer");
    check("book:1", Some(101), false, "forgotten");
    check("book:2", None, false, "forgotten");
}

#[test]
fn an_operators_status_outlives_heartbeats_and_registrations() {
    let start = Instant::now();
    let mut leases = one_book(start);
    assert!(leases.override_status("BOOK", "book:1", Status::OutOfService, moment(1, start)));
    assert_eq!(status(&leases, "book:1"), "OUT_OF_SERVICE");
    leases.renew("BOOK", "book:1", Heartbeat::default(), moment(2, start));
    leases.register(book("book:1", "UP", 200), moment(3, start), 10).unwrap();
    assert_eq!(status(&leases, "book:1"), "OUT_OF_SERVICE");
    assert!(leases.remove_override("BOOK", "book:1", Status::Unknown, moment(4, start)));
    assert_eq!(status(&leases, "book:1"), "UNKNOWN");
    // The instance is asked to register again, and then its own word counts.
    assert_eq!(
        leases.renew("BOOK", "book:1", Heartbeat::default(), moment(5, start)),
        Renewal::Forgotten
    );
    leases.register(book("book:1", "UP", 300), moment(6, start), 10).unwrap();
    assert_eq!(status(&leases, "book:1"), "UP");
}

#[test]
fn nobody_is_sent_to_an_instance_that_is_down_by_its_own_word() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.override_status("BOOK", "book:1", Status::Up, moment(1, start));
    leases.register(book("book:1", "DOWN", 200), moment(2, start), 10).unwrap();
    assert_eq!(status(&leases, "book:1"), "DOWN");
}

#[test]
fn a_late_older_registration_does_not_undo_a_newer_one() {
    let start = Instant::now();
    let mut leases = one_book(start);
    assert_eq!(leases.register(book("book:1", "DOWN", 99), moment(1, start), 10), Ok(false));
    assert_eq!(status(&leases, "book:1"), "UP");
    assert_eq!(leases.register(book("book:1", "DOWN", 101), moment(2, start), 10), Ok(false));
    assert_eq!(status(&leases, "book:1"), "DOWN");
}

#[test]
fn a_full_registry_still_takes_who_is_known() {
    let start = Instant::now();
    let mut leases = one_book(start);
    assert_eq!(leases.register(book("book:2", "UP", 1), moment(1, start), 1), Err(Full));
    assert_eq!(leases.register(book("book:1", "UP", 101), moment(1, start), 1), Ok(false));
}

#[test]
fn recent_changes_name_the_last_of_each_and_end_after_three_minutes() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.register(book("book:2", "UP", 1), moment(1, start), 10).unwrap();
    leases.override_status("BOOK", "book:1", Status::Down, moment(2, start));
    leases.cancel("BOOK", "book:2", moment(100, start));
    let mut check = |seconds: u64, expected: &[(&str, Action)]| {
        let recent = leases.recent(moment(seconds, start));
        let recent: Vec<_> =
            recent.iter().map(|instance| (instance.id(), instance.action_type.unwrap())).collect();
        assert_eq!(recent, expected, "after {seconds} s");
    };
    check(101, &[("book:1", Action::Modified), ("book:2", Action::Deleted)]);
    check(182, &[("book:1", Action::Modified), ("book:2", Action::Deleted)]);
    check(183, &[("book:2", Action::Deleted)]);
    check(281, &[]);
}

#[test]
fn the_time_of_the_first_up_is_kept() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.register(book("book:1", "UP", 200), moment(9, start), 10).unwrap();
    let lease = leases.instance("BOOK", "book:1").unwrap().lease_info;
    assert_eq!((lease.service_up_timestamp, lease.registration_timestamp), (1_000_000, 1_009_000));
}
