//! The disk on which a service keeps what it keeps.

use std::path::{Path, PathBuf};

use anyhow::Context;

use super::{Component, Status};

/// Below how many free bytes the disk is down, as in Spring.
const THRESHOLD: u64 = 10 * 1024 * 1024;

/// How many bytes there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Space {
    pub(crate) total: u64,
    pub(crate) free: u64,
}

/// Asks for the space on the disk that a folder is on.
pub(crate) fn space(path: &Path) -> anyhow::Result<Space> {
    let found = rustix::fs::statvfs(path)
        .with_context(|| format!("ask for the free space of {}", path.display()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
}

/// The component `diskSpace`. A disk at the other end of a network can keep who asks waiting, so a thread of its own asks.
pub(crate) async fn check(path: PathBuf) -> anyhow::Result<Component> {
    let found =
        tokio::task::spawn_blocking(move || space(&path)).await.context("look at the disk")?;
    Ok(component(found?))
}

fn component(space: Space) -> Component {
    let status = if space.free >= THRESHOLD { Status::Up } else { Status::Down };
    Component::new(status)
        .with_detail("total", space.total)
        .with_detail("free", space.free)
        .with_detail("threshold", THRESHOLD)
        .with_detail("exists", true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_disk_is_looked_at() {
        let folder = tempfile::tempdir().unwrap();
        let found = space(folder.path()).unwrap();
        assert!(found.free > 0 && found.free <= found.total, "{found:?}");
        assert_eq!(check(folder.path().to_owned()).await.unwrap().status(), Status::Up);
        let error = check(folder.path().join("missing")).await.unwrap_err().to_string();
        assert!(error.starts_with("ask for the free space of "), "{error}");
    }

    #[test]
    fn a_full_disk_is_down() {
        let full = Space { total: 1 << 40, free: THRESHOLD - 1 };
        assert_eq!(component(full).status(), Status::Down);
        assert_eq!(component(Space { free: THRESHOLD, ..full }).status(), Status::Up);
    }
}
