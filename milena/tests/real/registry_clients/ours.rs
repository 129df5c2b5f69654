//! A service of ours that others are to find.

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::strangers::with_login;
use crate::program::Program;

/// Our store service, registered and configured by a registry. It keeps everything in its own folder.
pub(super) struct Ours {
    program: Program,
    pub(super) port: u16,
    pub(super) id: String,
    _folder: TempDir,
}

impl Ours {
    /// Starts it with the registry at `http://host:port`.
    pub(super) async fn start(registry: &str) -> Ours {
        let folder = tempfile::tempdir().unwrap();
        let id = crate::fresh("store");
        let keys = [
            ("eureka.client.service-url.defaultZone", format!("{}/eureka/", with_login(registry))),
            ("eureka.instance.instance-id", id.clone()),
            ("spring.cloud.config.uri", format!("{}/config", with_login(registry))),
        ];
        let keys = keys.iter().map(|(key, value)| format!("--set={key}={value}"));
        let arguments = ["run", "store", "--port=0"].map(str::to_owned);
        let arguments: Vec<_> = arguments.into_iter().chain(keys).collect();
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let mut program = Program::start(folder.path(), &arguments, &[]);
        let line: Value = serde_json::from_str(&program.first_line().await).unwrap();
        let port = line["store"].as_str().unwrap().rsplit_once(':').unwrap().1.parse().unwrap();
        Ours { program, port, id, _folder: folder }
    }

    /// Stops it in good order.
    pub(super) async fn stop(self) {
        self.program.signal(Signal::TERM);
        let ended = self.program.end().await;
        assert_eq!(ended.code, Some(0), "{}", ended.err);
    }
}
