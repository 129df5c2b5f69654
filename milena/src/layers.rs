//! The layers of the configuration: compiled-in defaults, a file, the environment, a Config server, the command line.

use std::path::PathBuf;

use chassis::config::{ConfigError, RemoteSource, Settings};

use crate::arguments::Serve;

/// Everything that was said about the configuration when the program was started.
#[derive(Clone, Default)]
pub struct Layers {
    /// A file of keys.
    pub file: Option<PathBuf>,
    /// The environment.
    pub variables: Vec<(String, String)>,
    /// What stands on the command line.
    pub arguments: Vec<(String, String)>,
}

impl Layers {
    /// Those of a command line and an environment.
    pub fn of(command: &Serve, variables: Vec<(String, String)>) -> Self {
        let common = command.common();
        let flags = command.keys().into_iter().map(|(key, value)| (key.to_owned(), value));
        let arguments = common.set.iter().cloned().chain(flags).collect();
        Layers { file: common.config.clone(), variables, arguments }
    }

    /// The settings that result, with what a Config server has said, if one was asked.
    ///
    /// # Errors
    /// Names the key that cannot be used, and where it was set.
    pub fn settings(&self, remote: &[RemoteSource]) -> Result<Settings, ConfigError> {
        let mut settings = crate::defaults()?;
        if let Some(file) = &self.file {
            settings = settings.file(file)?;
        }
        settings = settings.environment(self.variables.clone())?.remote(remote);
        for (key, value) in &self.arguments {
            settings = settings.argument(key, value)?;
        }
        settings.resolved()
    }
}
