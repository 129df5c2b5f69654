//! What a configuration server needs to know, under Spring's names.

mod read;

use std::path::{Path, PathBuf};

use chassis::Secret;

use super::cipher::CipherOptions;

/// What a configuration server needs to know.
#[derive(Clone, Debug)]
pub struct ConfigServerSettings {
    /// Where configuration comes from, the strongest first.
    pub backends: Vec<BackendSettings>,
    /// What every client is told before everything else (`spring.cloud.config.server.overrides`).
    pub overrides: Vec<(String, String)>,
    /// A password, or an RSA private key in PEM, for values that are kept encrypted (`encrypt.key`).
    pub key: Option<Secret<String>>,
    /// How the key is used (`encrypt.salt`, `encrypt.rsa.*`).
    pub cipher: CipherOptions,
    /// Whether encrypted values are decrypted here; else they are served as they are
    /// (`spring.cloud.config.server.encrypt.enabled`).
    pub decrypts: bool,
    /// The folder for clones of repositories; it is made when the first is fetched.
    pub clones: PathBuf,
}

/// Where configuration comes from.
#[derive(Clone, Debug)]
pub enum BackendSettings {
    /// Folders on this machine, Spring's `native`.
    Folders {
        /// Such as `file:./central-config`; `{application}`, `{profile}` and `{label}` stand for what is asked. A later one
        /// is stronger.
        locations: Vec<String>,
        /// The label of who names none.
        default_label: Option<String>,
    },
    /// A git repository.
    Repository(RepositorySettings),
}

/// A git repository.
#[derive(Clone, Debug)]
pub struct RepositorySettings {
    /// Its address as git takes it, without a user.
    pub address: String,
    /// The user's name.
    pub user: Option<String>,
    /// The user's password or token.
    pub password: Option<Secret<String>>,
    /// The branch, tag or commit of who names none; `main`, else `master`, when this is none.
    pub default_label: Option<String>,
    /// Folders to look into after the repository's own; `*` stands for any name, `{application}` and the like for what is
    /// asked.
    pub search_paths: Vec<String>,
    /// Whether the start fails when the repository cannot be fetched and was never fetched before.
    pub clone_on_start: bool,
    /// Seconds between two looks at the repository.
    pub refresh_seconds: u64,
    /// The folder of the clone; one of [`ConfigServerSettings::clones`] when this is none.
    pub folder: Option<PathBuf>,
}

impl ConfigServerSettings {
    /// Settings for one folder, without a key.
    pub fn folder(folder: &Path) -> Self {
        let locations = vec![format!("file:{}", folder.display())];
        ConfigServerSettings {
            backends: vec![BackendSettings::Folders { locations, default_label: None }],
            overrides: Vec::new(),
            key: None,
            cipher: CipherOptions::default(),
            decrypts: true,
            clones: PathBuf::from("config-clones"),
        }
    }
}
