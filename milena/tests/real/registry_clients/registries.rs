//! Registries with Eureka and Config: ours, and Spring Cloud's own, to which the same is asked.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use rustix::process::Signal;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, OnceCell};

use super::{STARTING, client};
use crate::{
    address,
    program::{Program, until},
};

/// Who may ask.
pub(super) const USER: &str = "admin";
pub(super) const PASSWORD: &str = "open-sesame";
/// What configuration is encrypted with.
const ENCRYPT_KEY: &str = "correct horse battery staple";
/// A virtual machine that starts soon and stays small.
pub(super) const JAVA: [&str; 3] = ["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"];

/// Which Spring Boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// 2.7, of which the tutorial's services are made.
    Boot2,
    /// 3, which is current.
    Boot3,
}

impl Generation {
    pub(super) fn jar(self, program: &str) -> PathBuf {
        let generation = match self {
            Generation::Boot2 => "boot2",
            Generation::Boot3 => "boot3",
        };
        Path::new(&address("REAL_SPRING")).join(format!("{program}-{generation}.jar"))
    }
}

/// A registry that runs; killed when it is dropped.
pub(super) struct Registry {
    /// `http://host:port`.
    pub(super) url: String,
    process: Process,
    folder: TempDir,
}

enum Process {
    Ours(Box<Program>),
    /// Ends with its input.
    Spring(Child, Option<ChildStdin>),
}

/// Whose registry it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Maker {
    Ours,
    /// Spring Cloud's, of the versions that JHipster's registry has.
    Spring,
}

/// Lets a test use a registry. Spring's takes half a minute to start, so tests share one, one after the other.
pub(super) async fn using(maker: Maker, test: impl AsyncFnOnce(&Registry)) {
    static SPRING: OnceCell<Registry> = OnceCell::const_new();
    static TURN: Mutex<()> = Mutex::const_new(());
    match maker {
        Maker::Ours => {
            let registry = Registry::ours().await;
            test(&registry).await;
            registry.stop().await;
        }
        Maker::Spring => {
            let _turn = TURN.lock().await;
            let start = || Registry::spring(Generation::Boot2, &[]);
            test(SPRING.get_or_init(start).await).await;
        }
    }
}

impl Registry {
    /// Ours, by the variables of the tutorial's registry.
    pub(super) async fn ours() -> Registry {
        let mut registry = Registry::start_ours(0, &[]);
        let line: Value = serde_json::from_str(&registry.first_line().await).unwrap();
        registry.url = line["jhipster-registry"].as_str().unwrap().to_owned();
        registry
    }

    /// Ours at a port, with the address of its peer.
    pub(super) async fn ours_as_peer(port: u16, peer: &str) -> Registry {
        let peer = ("EUREKA_CLIENT_SERVICE_URL_DEFAULTZONE", peer);
        let mut registry = Registry::start_ours(port, &[peer]);
        registry.first_line().await;
        registry
    }

    fn start_ours(port: u16, more: &[(&str, &str)]) -> Registry {
        let folder = folder();
        let variables = [
            ("SERVER_ADDRESS", "127.0.0.1"),
            ("SPRING_SECURITY_USER_PASSWORD", PASSWORD),
            ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_TYPE", "native"),
            ("SPRING_CLOUD_CONFIG_SERVER_COMPOSITE_0_SEARCH_LOCATIONS", "file:./central-config"),
            ("ENCRYPT_KEY", ENCRYPT_KEY),
        ];
        let variables = [&variables, more].concat();
        let arguments = ["run", "registry", &format!("--port={port}")];
        let program = Program::start(folder.path(), &arguments, &variables);
        let url = format!("http://127.0.0.1:{port}");
        Registry { url, process: Process::Ours(Box::new(program)), folder }
    }

    /// What ours says when it is ready.
    async fn first_line(&mut self) -> String {
        match &mut self.process {
            Process::Ours(program) => program.first_line().await,
            Process::Spring(..) => panic!("it is not ours"),
        }
    }

    /// Spring Cloud's own, with more configuration keys.
    pub(super) async fn spring(generation: Generation, keys: &[(&str, &str)]) -> Registry {
        let folder = folder();
        let errors = File::create(folder.path().join("err.txt")).unwrap();
        let mut command = Command::new("java");
        command.args(JAVA).arg("-jar").arg(generation.jar("registry"));
        command.arg(format!("--spring.security.user.password={PASSWORD}"));
        command.args(keys.iter().map(|(key, value)| format!("--{key}={value}")));
        command.env("ENCRYPT_KEY", ENCRYPT_KEY).current_dir(folder.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(errors);
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take(), child.stdout.take().unwrap());
        let ready = tokio::task::spawn_blocking(|| BufReader::new(output).lines().next());
        let ready = tokio::time::timeout(STARTING, ready).await;
        let process = Process::Spring(child, input);
        let mut registry = Registry { url: String::new(), process, folder };
        let line = ready.expect("a start in time").unwrap().expect("a start").unwrap();
        let port = &serde_json::from_str::<Value>(&line).unwrap()["port"];
        registry.url = format!("http://127.0.0.1:{port}");
        registry
    }

    /// Puts a file into the folder of the configuration.
    pub(super) fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join("central-config").join(name), text).unwrap();
    }

    /// Lets it end in good order.
    pub(super) async fn stop(mut self) {
        if let Process::Ours(program) = &mut self.process {
            program.signal(Signal::TERM);
            until("the end of the registry", async || program.has_ended().then_some(())).await;
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let said = match &mut self.process {
            Process::Ours(program) => program.err(),
            Process::Spring(child, input) => {
                input.take();
                let _ = child.kill().and_then(|()| child.wait());
                fs::read_to_string(self.folder.path().join("err.txt")).unwrap_or_default()
            }
        };
        if std::thread::panicking() {
            let lines: Vec<_> = said.lines().collect();
            let end = lines.len().saturating_sub(30);
            eprintln!("the last words of the registry:\n{}", lines[end..].join("\n"));
        }
    }
}

/// What the test itself asks of a registry, past any client.
impl Registry {
    /// An instance, as JSON; none when the registry does not know it.
    pub(super) async fn instance(&self, app: &str, id: &str) -> Option<Value> {
        let (status, body) = self.ask("GET", &format!("apps/{app}/{id}")).await;
        match status {
            200 => Some(serde_json::from_str::<Value>(&body).unwrap()["instance"].clone()),
            404 => None,
            status => panic!("{status}: {body}"),
        }
    }

    /// Registers an instance that need not send a sign of life for ten minutes.
    pub(super) async fn register(&self, app: &str, id: &str) {
        self.register_for(600, app, id).await;
    }

    /// Registers an instance that is good for so many seconds without a sign of life.
    pub(super) async fn register_for(&self, seconds: u32, app: &str, id: &str) {
        let instance = json!({ "instance": {
            "instanceId": id, "app": app.to_uppercase(), "hostName": "127.0.0.1", "ipAddr": "127.0.0.1",
            "status": "UP", "port": { "$": 9, "@enabled": "true" }, "vipAddress": app,
            "dataCenterInfo": { "@class": "com.netflix.appinfo.InstanceInfo$DefaultDataCenterInfo", "name": "MyOwn" },
            "leaseInfo": { "renewalIntervalInSecs": 1, "durationInSecs": seconds },
        } });
        let url = format!("{}/eureka/apps/{}", self.url, app.to_uppercase());
        let request = client().build().unwrap().post(url).json(&instance);
        let answer = request.basic_auth(USER, Some(PASSWORD)).send().await.unwrap();
        assert_eq!(answer.status(), 204);
    }

    /// Does something to an instance: `DELETE` of it, `PUT` or `DELETE` of a `/status?value=…`.
    pub(super) async fn change(&self, method: &str, app: &str, id: &str, what: &str) {
        let (status, body) = self.ask(method, &format!("apps/{app}/{id}{what}")).await;
        assert_eq!(status, 200, "{method} {app}/{id}{what}: {body}");
    }

    async fn ask(&self, method: &str, path: &str) -> (u16, String) {
        let url = format!("{}/eureka/{path}", self.url);
        let request = client().build().unwrap().request(method.parse().unwrap(), url);
        let request = request.header("Accept", "application/json");
        let answer = request.basic_auth(USER, Some(PASSWORD)).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }
}

/// A folder with an empty one for the configuration. It is gone with the servers, at the latest.
fn folder() -> TempDir {
    let state = address("REAL_SERVERS_STATE");
    let folder = tempfile::Builder::new().suffix(".data").tempdir_in(state).unwrap();
    fs::create_dir(folder.path().join("central-config")).unwrap();
    folder
}
