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
    leases.instance("BOOK", id).map_or("gone", |listed| listed.description().status.name())
}

fn room_for(most: usize) -> RegistrySettings {
    RegistrySettings { most_instances: most, ..RegistrySettings::default() }
}

fn to(status: Status) -> StatusChange {
    StatusChange { status, dirty: None }
}

const CLIENT: Origin = Origin::Client(None);
const SAME: Result<Registered, Full> = Ok(Registered::Again { status_changed: false });
const OTHER: Result<Registered, Full> = Ok(Registered::Again { status_changed: true });

/// Registers at second `at` with room for ten.
fn register(leases: &mut Leases, instance: Instance, at: Moment) -> Result<Registered, Full> {
    leases.register(instance, CLIENT, at, &room_for(10))
}

fn ids(evicted: &[Arc<Record>]) -> Vec<&str> {
    evicted.iter().map(|record| record.description().id()).collect()
}

/// Registers `book:1` as UP at second 0 with dirty time 100.
fn one_book(start: Instant) -> Leases {
    let mut leases = Leases::new(start);
    let registered = register(&mut leases, book("book:1", "UP", 100), moment(0, start));
    assert_eq!(registered, Ok(Registered::New));
    leases
}

#[test]
fn the_silent_are_evicted_after_their_own_lease_and_no_earlier() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.renew("BOOK", "book:1", Heartbeat::default(), moment(5, start));
    let mut evicted = |seconds| leases.evict(moment(seconds, start), &room_for(10), |_| 0);
    assert_eq!(ids(&evicted(15)), [""; 0]);
    assert_eq!(ids(&evicted(16)), ["book:1"]);
    assert_eq!(status(&leases, "book:1"), "gone");
    assert_eq!(leases.list(|_| true).len(), 0);
    assert_eq!(leases.figures(moment(16, start), &room_for(10)).instances, 0);
}

#[test]
fn heartbeats_are_answered_by_the_time_of_the_last_change() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let mut check = |id: &str, dirty: Option<i64>, from_peer: bool, expected: &str| {
        let heartbeat = Heartbeat { dirty, from_peer, overridden: None };
        let (renewal, _) = leases.renew("BOOK", id, heartbeat, moment(1, start));
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
    assert!(leases.override_status("BOOK", "book:1", to(Status::OutOfService), moment(1, start)));
    assert_eq!(status(&leases, "book:1"), "OUT_OF_SERVICE");
    leases.renew("BOOK", "book:1", Heartbeat::default(), moment(2, start));
    register(&mut leases, book("book:1", "UP", 200), moment(3, start)).unwrap();
    assert_eq!(status(&leases, "book:1"), "OUT_OF_SERVICE");
    assert!(leases.remove_override("BOOK", "book:1", to(Status::Unknown), moment(4, start)));
    assert_eq!(status(&leases, "book:1"), "UNKNOWN");
    // The instance is asked to register again, and then its own word counts.
    let (renewal, _) = leases.renew("BOOK", "book:1", Heartbeat::default(), moment(5, start));
    assert!(matches!(renewal, Renewal::Forgotten));
    register(&mut leases, book("book:1", "UP", 300), moment(6, start)).unwrap();
    assert_eq!(status(&leases, "book:1"), "UP");
}

#[test]
fn nobody_is_sent_to_an_instance_that_is_down_by_its_own_word() {
    let start = Instant::now();
    let mut leases = one_book(start);
    leases.override_status("BOOK", "book:1", to(Status::Up), moment(1, start));
    register(&mut leases, book("book:1", "DOWN", 200), moment(2, start)).unwrap();
    assert_eq!(status(&leases, "book:1"), "DOWN");
}

#[test]
fn a_late_older_registration_does_not_undo_a_newer_one() {
    let start = Instant::now();
    let mut leases = one_book(start);
    assert_eq!(register(&mut leases, book("book:1", "DOWN", 99), moment(1, start)), SAME);
    assert_eq!(status(&leases, "book:1"), "UP");
    assert_eq!(register(&mut leases, book("book:1", "DOWN", 101), moment(2, start)), OTHER);
    assert_eq!(status(&leases, "book:1"), "DOWN");
}

#[test]
fn a_full_registry_still_takes_who_is_known() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let (full, now) = (room_for(1), moment(1, start));
    assert_eq!(leases.register(book("book:2", "UP", 1), CLIENT, now, &full), Err(Full::All(1)));
    assert_eq!(leases.register(book("book:1", "UP", 101), CLIENT, now, &full), SAME);
    leases.cancel("BOOK", "book:1", now).unwrap();
    assert_eq!(
        leases.register(book("book:2", "UP", 1), CLIENT, now, &full),
        Ok(Registered::New)
    );
}

#[test]
fn recent_changes_name_the_last_of_each_and_end_after_three_minutes() {
    let start = Instant::now();
    let mut leases = one_book(start);
    register(&mut leases, book("book:2", "UP", 1), moment(1, start)).unwrap();
    leases.override_status("BOOK", "book:1", to(Status::Down), moment(2, start));
    leases.cancel("BOOK", "book:2", moment(100, start)).unwrap();
    let mut check = |seconds: u64, expected: &[(&str, Action)]| {
        let recent = leases.recent(moment(seconds, start));
        let recent: Vec<_> =
            recent.iter().map(Listed::description).map(|i| (i.id(), i.action_type.unwrap())).collect();
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
    register(&mut leases, book("book:1", "UP", 200), moment(9, start)).unwrap();
    let lease = leases.instance("BOOK", "book:1").unwrap().description().lease_info;
    assert_eq!((lease.service_up_timestamp, lease.registration_timestamp), (1_000_000, 1_009_000));
}

#[test]
fn one_caller_cannot_take_all_the_room() {
    let start = Instant::now();
    let mut leases = Leases::new(start);
    let settings = RegistrySettings {
        most_instances: 3,
        most_instances_of_one_caller: 1,
        ..RegistrySettings::default()
    };
    let here = "127.0.0.1".parse().unwrap();
    let mut add = |id: &str, origin: Origin| {
        leases.register(book(id, "UP", 1), origin, moment(0, start), &settings)
    };
    let client = Origin::Client(Some(here));
    assert_eq!(add("1", client), Ok(Registered::New));
    assert_eq!(add("2", client), Err(Full::Caller(here, 1)));
    assert_eq!(add("1", client), SAME);
    assert_eq!(add("2", Origin::Client(Some("127.0.0.2".parse().unwrap()))), Ok(Registered::New));
    assert_eq!(add("3", Origin::Peer), Ok(Registered::New));
    assert_eq!(add("4", Origin::Peer), Err(Full::All(3)));
}

#[test]
fn a_clock_in_the_future_makes_no_instance_unchangeable_or_immortal() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let future = 9_000_000_000_000;
    assert_eq!(register(&mut leases, book("book:1", "UP", future), moment(1, start)), SAME);
    // Its own signs of life are still known by their time of change.
    let own = Heartbeat { dirty: Some(future), ..Heartbeat::default() };
    let (renewal, _) = leases.renew("BOOK", "book:1", own, moment(2, start));
    assert!(matches!(renewal, Renewal::Renewed));
    // Another time of change is a change, although it is earlier.
    assert_eq!(register(&mut leases, book("book:1", "DOWN", 101), moment(3, start)), OTHER);
    assert_eq!(status(&leases, "book:1"), "DOWN");
    assert_eq!(register(&mut leases, book("book:1", "UP", future), moment(3, start)), OTHER);
    let evicted = leases.evict(moment(14, start), &room_for(10), |_| 0);
    assert_eq!(ids(&evicted), ["book:1"]);
}

#[test]
fn self_preservation_keeps_the_silent_while_too_many_are_and_lets_few_go_at_once() {
    let start = Instant::now();
    let settings = RegistrySettings { self_preservation: true, ..room_for(100) };
    let mut leases = Leases::new(start);
    let id = |number: u64| format!("book:{number}");
    for number in 0..20 {
        register_up(&mut leases, &id(number), moment(0, start), &settings);
    }
    // Each promises two signs of life a minute: 34 of 40 are too few.
    let beat = |leases: &mut Leases, count: u64, seconds: u64| {
        for number in 0..count {
            let beat = Heartbeat::default();
            leases.renew("BOOK", &id(number % 15), beat, moment(seconds, start));
        }
    };
    beat(&mut leases, 34, 20);
    let figures = leases.figures(moment(20, start), &settings);
    assert_eq!((figures.renewals_in_last_minute, figures.renewal_threshold), (34, 34));
    assert!(figures.preserves_itself);
    assert_eq!(ids(&leases.evict(moment(20, start), &settings, |_| 0)), [""; 0]);
    beat(&mut leases, 1, 20);
    let evicted = leases.evict(moment(20, start), &settings, |below| below - 1);
    assert_eq!(ids(&evicted).len(), 3, "15 % of 20");
    assert!(leases.figures(moment(81, start), &settings).is_below_threshold);
}

fn register_up(leases: &mut Leases, id: &str, now: Moment, settings: &RegistrySettings) {
    leases.register(book(id, "UP", 1), CLIENT, now, settings).unwrap();
}

#[test]
fn a_peers_heartbeat_about_a_newer_registration_brings_its_override() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let mut beat = |from_peer| {
        let heartbeat =
            Heartbeat { dirty: Some(101), overridden: Some(Status::OutOfService), from_peer };
        leases.renew("BOOK", "book:1", heartbeat, moment(1, start));
        leases.instance("BOOK", "book:1").unwrap().description().overridden_status
    };
    assert_eq!(beat(false), Status::Unknown);
    assert_eq!(beat(true), Status::OutOfService);
}

#[test]
fn texts_are_made_once_and_have_the_last_sign_of_life_all_the_same() {
    let start = Instant::now();
    let mut leases = one_book(start);
    let text = |leases: &Leases, form| {
        let mut text = String::new();
        leases.instance("BOOK", "book:1").unwrap().push(form, &mut text);
        text
    };
    for (form, renewed) in [
        (crate::instance::Form::Json, "\"lastRenewalTimestamp\":1005000,"),
        (crate::instance::Form::Xml, "<lastRenewalTimestamp>1005000</lastRenewalTimestamp>"),
    ] {
        let before = text(&leases, form);
        leases.renew("BOOK", "book:1", Heartbeat::default(), moment(5, start));
        let after = text(&leases, form);
        assert!(after.contains(renewed), "{after}");
        assert_eq!(before.len(), after.len());
        leases.renew("BOOK", "book:1", Heartbeat::default(), moment(0, start));
    }
    let instance = leases.instance("BOOK", "book:1").unwrap().instance();
    assert_eq!(instance.lease_info.last_renewal_timestamp, 1_000_000);
}

#[test]
fn the_last_registrations_and_cancellations_are_remembered_the_newest_first() {
    let start = Instant::now();
    let mut leases = Leases::new(start);
    for number in 0..1_100 {
        let id = number.to_string();
        register(&mut leases, book(&id, "UP", 1), moment(number, start)).unwrap();
        leases.cancel("BOOK", &id, moment(number, start)).unwrap();
    }
    for last in [leases.last_registered(), leases.last_cancelled()] {
        assert_eq!(last.len(), 1_000);
        assert_eq!(last[0], Past { at: 2_099_000, name: "BOOK(1099)".into() });
    }
}
