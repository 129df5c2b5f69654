//! The command line of the real program: what it says, where it listens, what it refuses.

mod folder;
mod log;
mod stopping;
mod usage;

use std::{
    collections::BTreeMap,
    fs,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    process::Stdio,
};

use chassis::Outside;
use reqwest::StatusCode;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    net::TcpStream,
    process::Command,
};

use crate::program::{Api, Program, System};

/// The roles and their usual ports.
const PORTS: [(&str, u16); 6] = [
    ("registry", 8761),
    ("store", 8082),
    ("alert", 8083),
    ("gateway", 8081),
    ("identity provider", 9080),
    ("mail sink", 1025),
];

#[tokio::test]
async fn the_first_line_names_everything_and_everything_answers() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let members: Vec<&String> = system.api.addresses.as_object().unwrap().keys().collect();
    assert_eq!(members, ["gateway", "registry", "store", "alert", "issuer", "smtp", "pid"]);
    assert_eq!(system.api.addresses["pid"], system.program.id());
    assert!(system.api.at("issuer").ends_with("/realms/jhipster"));
    everything_answers(&system.api).await;
    let ended = system.stop().await;
    assert_eq!(ended.out.lines().count(), 1, "nothing else on standard output: {}", ended.out);
}

async fn everything_answers(api: &Api) {
    for (part, path) in [
        ("gateway", "/"),
        ("registry", "/eureka/apps"),
        ("store", "/management/health"),
        ("alert", "/management/health"),
        ("issuer", "/.well-known/openid-configuration"),
    ] {
        let url = format!("{}{path}", api.at(part));
        let answer = api.client.get(&url).basic_auth("admin", Some("admin")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{url}");
    }
    let sink = TcpStream::connect(api.at("smtp")).await.unwrap();
    let greeting = BufReader::new(sink).lines().next_line().await.unwrap().unwrap();
    assert!(greeting.starts_with("220 "), "{greeting}");
}

#[tokio::test]
async fn an_offset_moves_every_port_and_a_person_is_told_what_runs_where() {
    let folder = tempfile::tempdir().unwrap();
    let (offset, free) = free_offset();
    drop(free);
    let arguments = ["up", "--port-offset", &offset.to_string()];
    let mut program = Program::start(folder.path(), &arguments, &[]);
    program.first_line().await;
    program.says_on_output("Ctrl-C").await;
    let text = program.out();
    let [registry, store, alert, gateway, issuer, smtp] = PORTS.map(|(_, port)| port + offset);
    for expected in [
        format!("http://localhost:{gateway}"),
        format!("http://localhost:{registry}/eureka"),
        format!("http://localhost:{store}"),
        format!("http://localhost:{alert}"),
        format!("http://localhost:{issuer}/realms/jhipster"),
        format!("127.0.0.1:{smtp}"),
        "admin / admin".to_owned(),
        "user / user".to_owned(),
        "data".to_owned(),
        "Three things to try".to_owned(),
    ] {
        assert!(text.contains(&expected), "{expected} is missing in:\n{text}");
    }
    let steps: Vec<&str> =
        text.lines().filter(|line| line.trim().starts_with(['1', '2', '3'])).collect();
    assert_eq!(steps.len(), 3, "three things to try:\n{text}");
    for port in [registry, store, alert, gateway, issuer, smtp] {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    }
    assert!(
        folder.path().join("data/VERSION").exists(),
        "without --data-dir, data is kept in ./data"
    );
}

#[tokio::test]
async fn a_taken_port_is_named_and_nothing_is_half_started() {
    for (index, (role, usual)) in PORTS.into_iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let (offset, listeners) = free_offset();
        let _taken = listeners.into_iter().nth(index).unwrap();
        let arguments = ["up", "--port-offset", &offset.to_string()];
        let ended = Program::start(folder.path(), &arguments, &[]).end().await;
        assert_eq!(ended.code, Some(1), "{ended:?}");
        let expected = format!("milena: port {} of the {role} is taken", usual + offset);
        assert!(
            ended.err.starts_with(&expected) && ended.err.contains("--port-offset"),
            "{}",
            ended.err
        );
        assert_eq!((ended.err.lines().count(), ended.out.as_str()), (1, ""), "{ended:?}");
        assert!(!folder.path().join("data").exists(), "no folder is made");
    }
}

/// An offset at which all ports are free, below those that the system chooses, and listeners that keep them so.
fn free_offset() -> (u16, [TcpListener; 6]) {
    for _ in 0..1000 {
        let offset = 10_000 + u16::from_be_bytes(Outside::system().bytes()) % 13_000;
        let bound = PORTS.map(|(_, port)| TcpListener::bind((Ipv4Addr::LOCALHOST, port + offset)));
        if bound.iter().all(Result::is_ok) {
            return (offset, bound.map(Result::unwrap));
        }
    }
    panic!("no offset at which all ports are free");
}

#[tokio::test]
async fn only_this_machine_can_connect() {
    let folder = tempfile::tempdir().unwrap();
    let system = System::start(folder.path(), &[], &[]).await;
    let listening = listening(system.program.id());
    assert_eq!(listening.len(), PORTS.len(), "{listening:?}");
    for address in listening {
        // 127.0.0.1 in network order, read as a little-endian number.
        assert_eq!(address.split(':').next(), Some("0100007F"), "{address}");
    }
}

#[tokio::test]
async fn as_many_files_may_be_open_as_the_operating_system_allows() {
    let folder = tempfile::tempdir().unwrap();
    let few = r#"ulimit -Sn 256 && exec "$0" "$@""#;
    let mut program = Command::new("/bin/sh")
        .args(["-c", few, env!("CARGO_BIN_EXE_milena"), "up", "--ports", "0"])
        .env_clear()
        .current_dir(folder.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let said = BufReader::new(program.stdout.take().unwrap()).lines().next_line().await;
    assert!(said.unwrap().is_some(), "it is ready");
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.id().unwrap())).unwrap();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
    let limit: Vec<&str> = limit.split_whitespace().collect();
    assert_eq!(limit[0], limit[1], "soft and hard");
}

/// The addresses, as the kernel writes them, at which a process listens.
fn listening(process: u32) -> Vec<String> {
    const LISTENING: &str = "0A";
    let mut states: BTreeMap<String, String> = BTreeMap::new();
    for table in ["tcp", "tcp6"] {
        let Ok(text) = fs::read_to_string(format!("/proc/{process}/net/{table}")) else { continue };
        for row in text.lines().skip(1) {
            let fields: Vec<&str> = row.split_whitespace().collect();
            if fields[3] == LISTENING {
                states.insert(format!("socket:[{}]", fields[9]), fields[1].to_owned());
            }
        }
    }
    let files = fs::read_dir(Path::new("/proc").join(process.to_string()).join("fd")).unwrap();
    let targets = files.filter_map(|file| fs::read_link(file.ok()?.path()).ok());
    targets.filter_map(|target| states.get(target.to_str()?).cloned()).collect()
}
