//! Where configuration comes from: folders and repositories, behind one question.

pub(super) mod folder;
pub(super) mod repository;
mod watch;

use std::{path::Path, sync::Arc};

use super::{
    ConfigServerError,
    question::Question,
    source::{Document, Source},
};
use folder::{Disk, Folder};
use repository::{Repository, Snapshot};

/// A place that configuration comes from.
#[derive(Debug)]
pub(super) enum Backend {
    Folder(Arc<Folder>),
    Repository(Arc<Repository>),
}

/// What a back end says.
#[derive(Debug, Default)]
pub(super) struct Answer {
    /// The strongest first.
    pub(super) sources: Vec<Source>,
    /// The commit.
    pub(super) version: Option<String>,
}

/// A file as it is.
#[derive(Clone, Debug)]
pub(super) struct Plain {
    pub(super) bytes: Arc<Vec<u8>>,
    /// When it changed last, in seconds since 1970.
    pub(super) modified: i64,
}

impl Backend {
    pub(super) async fn sources(&self, question: &Question) -> Result<Answer, ConfigServerError> {
        match self {
            Backend::Folder(folder) => folder.sources(question).await,
            Backend::Repository(repository) => repository.sources(question).await,
        }
    }

    /// The first of these names that any location has.
    pub(super) async fn plain(
        &self,
        question: &Question,
        names: &[String],
    ) -> Result<Option<Plain>, ConfigServerError> {
        match self {
            Backend::Folder(folder) => folder.plain(question, names).await,
            Backend::Repository(repository) => repository.plain(question, names).await,
        }
    }
}

/// Where files are read from.
#[derive(Debug)]
pub(super) enum Tree<'a> {
    Disk(&'a Disk),
    Commit(&'a Snapshot),
}

impl Tree<'_> {
    /// What a file of a folder says, if it is there.
    pub(super) fn documents(
        &self,
        folder: &str,
        name: &str,
    ) -> anyhow::Result<Option<Arc<Vec<Document>>>> {
        match self {
            Tree::Disk(disk) => disk.documents(&Path::new(folder).join(name)),
            Tree::Commit(snapshot) => snapshot.documents(folder, name),
        }
    }
}
