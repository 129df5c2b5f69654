//! Change sets beside a Java service's Liquibase.

use std::{path::Path, time::Duration};

use database::{ChangeLog, ChangeSet, ConnectError};

use super::{Place, with_database};

/// What Java services were recorded to have in their database.
fn recorded(name: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../contracts/recorded");
    std::fs::read_to_string(folder.join(name)).unwrap()
}

/// The lines of a recorded or made dump that make something.
fn statements(dump: &str) -> Vec<String> {
    let noise = |line: &&str| {
        !line.is_empty() && !["--", "\\", "SET ", "SELECT "].iter().any(|n| line.starts_with(n))
    };
    dump.lines().filter(noise).map(str::to_owned).collect()
}

/// The three change sets that were recorded. What they did follows from the recorded dump.
fn change_log() -> ChangeLog {
    let dump = recorded("alert-schema.sql");
    let kept: Vec<String> = statements(&dump);
    let mut sql = kept.join("\n");
    for table in ["databasechangelog (", "databasechangeloglock ("] {
        let begin = sql.find(&format!("CREATE TABLE public.{table}")).unwrap();
        let end = begin + sql[begin..].find(");\n").unwrap() + 3;
        sql.replace_range(begin..end, "");
    }
    let key = sql.find("ALTER TABLE ONLY public.databasechangeloglock").unwrap();
    let end = key + sql[key..].find(";\n").unwrap() + 2;
    sql.replace_range(key..end, "");
    let sets = sets();
    let last = sets.len() - 1;
    let sets = sets.into_iter().enumerate().map(|(at, fields)| ChangeSet {
        id: fields[0].clone().into(),
        author: fields[1].clone().into(),
        file: fields[2].clone().into(),
        checksum: fields[6].clone().into(),
        description: fields[7].clone().into(),
        contexts: "".into(),
        sql: if at == last { sql.clone().into() } else { "".into() },
    });
    ChangeLog { change_sets: sets.collect() }
}

/// The recorded rows of `databasechangelog`.
fn sets() -> Vec<Vec<String>> {
    let csv = recorded("alert-databasechangelog.csv");
    let fields = |line: &str| {
        let mut quoted = false;
        let fields = line.split(|c| {
            quoted ^= c == '"';
            c == ',' && !quoted
        });
        fields.map(|field| field.trim_matches('"').to_owned()).collect()
    };
    csv.lines().skip(1).map(fields).collect()
}

async fn dump(place: &Place) -> Vec<String> {
    let (user, server) = place.server.split_once('@').unwrap();
    let (host, port) = server.split_once(':').unwrap();
    let mut command = std::process::Command::new(crate::program("pg_dump"));
    command.args(["--schema-only", "--no-owner", "--no-privileges"]);
    command.args(["--exclude-table=outbox*", "--exclude-table=inbox*"]);
    command.args(["-h", host, "-p", port, "-U", user, &place.name]);
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    statements(&String::from_utf8(output.stdout).unwrap())
}

/// What Liquibase notes of a run, without times.
const NOTED: &str = "select string_agg(concat_ws('|', id, author, filename, orderexecuted, exectype, md5sum, \
    description, comments, coalesce(tag, 'none'), liquibase, coalesce(contexts, 'none'), coalesce(labels, 'none'), \
    length(deployment_id)), chr(10) order by orderexecuted) from databasechangelog";

#[tokio::test]
async fn leaves_the_database_as_liquibase_does() {
    with_database("", async |place| {
        let database = place.open(&[], &change_log()).await.unwrap();
        assert_eq!(dump(&place).await, statements(&recorded("alert-schema.sql")));
        let noted = place.text(NOTED).await.unwrap();
        let expected: Vec<String> = sets()
            .into_iter()
            .map(|set| {
                format!(
                    "{}|{}|{}|{}|{}|{}|{}||none|4.15.0|none|none|10",
                    set[0], set[1], set[2], set[4], set[5], set[6], set[7]
                )
            })
            .collect();
        assert_eq!(noted, expected.join("\n"));
        let lock = "select concat_ws('|', id, locked, coalesce(lockedby, 'none')) from databasechangeloglock";
        assert_eq!(place.text(lock).await.as_deref(), Some("1|f|none"));
        let now = place.text("select abs(extract(epoch from now() at time zone 'UTC' - max(dateexecuted)))::int::text from databasechangelog").await;
        assert!(now.unwrap().parse::<i32>().unwrap() < 60);
        let shown = database.change_sets().await.unwrap();
        assert_eq!(shown.iter().map(|set| set.order_executed).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(shown.iter().all(|set| set.deployment_id == shown[0].deployment_id));
    })
    .await;
}

/// Makes Liquibase's table as a Java service leaves it, with the recorded rows.
async fn as_java(place: &Place) {
    let dump = recorded("alert-schema.sql");
    place.run(&statements(&dump).join("\n")).await;
    for set in sets() {
        let [id, author, file, date, order, kind, sum, description, ..] = &set[..] else {
            panic!("{set:?}")
        };
        place
            .run(&format!(
                "insert into databasechangelog values ('{id}', '{author}', '{file}', '{date}', {order}, '{kind}', \
                 '{sum}', '{description}', '', null, '4.15.0', null, null, '5484810782')"
            ))
            .await;
    }
    place.run("insert into databasechangeloglock values (1, false, null, null)").await;
}

#[tokio::test]
async fn accepts_a_database_that_a_java_service_has_made() {
    with_database("", async |place| {
        as_java(&place).await;
        let before = dump(&place).await;
        let database = place.open(&[], &change_log()).await.unwrap();
        assert_eq!(dump(&place).await, before);
        let case = recorded("cases/management-alert/054-liquibase-as-admin.json");
        let case: serde_json::Value = serde_json::from_str(&case).unwrap();
        let body: serde_json::Value =
            serde_json::from_str(case["response"]["body"].as_str().unwrap()).unwrap();
        let shown = body["contexts"].as_object().unwrap().values();
        let shown = shown.map(|context| &context["liquibaseBeans"]["liquibase"]["changeSets"]);
        let shown = shown.into_iter().find(|sets| sets.is_array()).unwrap();
        let ours = serde_json::to_value(database.change_sets().await.unwrap()).unwrap();
        assert_eq!(ours.to_string(), shown.to_string());
    })
    .await;
}

fn set(id: &'static str, sql: &'static str) -> ChangeSet {
    ChangeSet {
        id: id.into(),
        author: "ann".into(),
        file: "changes/books.xml".into(),
        checksum: format!("8:{id}").into(),
        description: "sql".into(),
        contexts: "prod".into(),
        sql: sql.into(),
    }
}

fn log(sets: &[(&'static str, &'static str)]) -> ChangeLog {
    ChangeLog { change_sets: sets.iter().map(|(id, sql)| set(id, sql)).collect() }
}

#[tokio::test]
async fn runs_only_what_was_not_run_yet() {
    with_database("", async |place| {
        as_java(&place).await;
        let first = ("1", "create table shelf (id integer); insert into shelf values (1)");
        for sets in [&[first][..], &[first, ("2", "insert into shelf values (2)")]] {
            for _ in 0..2 {
                let database = place.open(&[], &log(sets)).await.unwrap();
                let shown = database.change_sets().await.unwrap();
                assert_eq!(shown.len(), 3 + sets.len());
                let last = shown.last().unwrap();
                assert_eq!(
                    (last.id.as_str(), last.order_executed as usize, &last.contexts[..]),
                    (sets.last().unwrap().0, 3 + sets.len(), &["prod".to_owned()][..])
                );
            }
        }
        let rows = place.text("select string_agg(id::text, ',' order by id) from shelf").await;
        assert_eq!(rows.as_deref(), Some("1,2"));
    })
    .await;
}

#[tokio::test]
async fn runs_all_change_sets_or_none() {
    with_database("", async |place| {
        let broken = log(&[("1", "create table shelf (id integer)"), ("2", "create tabel desk")]);
        let refused = place.open(&[], &broken).await.err().unwrap();
        assert!(matches!(refused, ConnectError::Permanent(_)), "{refused:?}");
        let told = refused.to_string();
        assert!(told.contains("changes/books.xml::2::ann") && told.contains("tabel"), "{told}");
        assert_eq!(place.text("select to_regclass('shelf')::text").await, None);
        assert_eq!(place.text(NOTED).await, None);
        let mended = log(&[("1", "create table shelf (id integer)")]);
        place.open(&[], &mended).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn names_who_holds_liquibases_lock() {
    with_database("", async |place| {
        as_java(&place).await;
        let sets = log(&[("1", "create table shelf (id integer)")]);
        for (since, stale) in [("1 minute", false), ("20 minutes", true)] {
            place
                .run(&format!(
                    "update databasechangeloglock set locked = true, lockedby = 'books-1 (10.0.0.7)', \
                     lockgranted = now() at time zone 'UTC' - interval '{since}'"
                ))
                .await;
            let refused = place.open(&[], &sets).await.err().unwrap();
            assert!(matches!(refused, ConnectError::Unavailable(_)), "{refused:?}");
            let told = refused.to_string();
            assert!(told.contains("books-1 (10.0.0.7)"), "{told}");
            assert_eq!(told.contains("set locked = false"), stale, "{told}");
            // It disturbs nobody who has nothing to run.
            place.open(&[], &change_log()).await.unwrap();
        }
        place.run("update databasechangeloglock set locked = false").await;
        place.open(&[], &sets).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_programs_that_start_together_run_a_change_set_once() {
    with_database("", async |place| {
        let sets = log(&[("1", "create table shelf (id integer); select pg_sleep(0.3)")]);
        let opened = futures_util::future::join_all((0..5).map(|_| place.open(&[], &sets))).await;
        assert!(opened.iter().all(Result::is_ok));
        let count = place.text("select count(*)::text from databasechangelog").await;
        assert_eq!(count.as_deref(), Some("1"));
    })
    .await;
}

/// Liquibase takes its lock by an update of the row; it has to wait until we are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn liquibase_waits_until_our_change_sets_are_run() {
    with_database("", async |place| {
        as_java(&place).await;
        let sets = log(&[("1", "create table shelf (id integer); select pg_sleep(1)")]);
        let ours = async {
            place.open(&[], &sets).await.unwrap();
        };
        let liquibase = async {
            crate::until("our change set runs", async || {
                let running = "select count(*)::text from pg_stat_activity where query like '%pg_sleep(1)%' \
                    and datname = current_database() and pid <> pg_backend_pid()";
                place.text(running).await.as_deref() == Some("1")
            })
            .await;
            place.run("update databasechangeloglock set locked = true, lockedby = 'java' where id = 1 and locked = false").await;
            place.text("select to_regclass('shelf')::text").await
        };
        let both = tokio::time::timeout(Duration::from_secs(20), async { tokio::join!(ours, liquibase) });
        assert_eq!(both.await.unwrap().1.as_deref(), Some("shelf"));
    })
    .await;
}
