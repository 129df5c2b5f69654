//! What the disk itself can do: how long a small durable append takes in the file system that keeps the data.

use std::{
    fs::File,
    io::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::Context;

/// Size of one append, that of a page of the databases.
const APPEND: [u8; 4096] = [0x5a; 4096];

/// Appends 4 KiB and calls `fdatasync`, `times` times, in a file of its own in `folder`; returns how long each took.
pub(crate) async fn durable_appends(folder: &Path, times: usize) -> anyhow::Result<Vec<Duration>> {
    let path = folder.join("durable-appends");
    let name = path.display().to_string();
    let measured = tokio::task::spawn_blocking(move || {
        let mut file = File::create(&path)?;
        let taken = (0..times).map(|_| append(&mut file)).collect::<std::io::Result<Vec<_>>>();
        std::fs::remove_file(&path)?;
        taken
    });
    measured.await?.with_context(|| format!("measure the disk with the file {name}"))
}

fn append(file: &mut File) -> std::io::Result<Duration> {
    let began = Instant::now();
    file.write_all(&APPEND)?;
    file.sync_data()?;
    Ok(began.elapsed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn every_append_is_measured_and_the_file_removed() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(durable_appends(folder.path(), 3).await.unwrap().len(), 3);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_missing_folder_is_named() {
        let cause = durable_appends(Path::new("/no/such/folder"), 1).await.unwrap_err();
        assert!(format!("{cause:#}").contains("/no/such/folder"), "{cause:#}");
    }
}
