//! The folder of configuration files that the registry of `up` serves: made with an explained example when it is missing.

use std::{fs, path::Path};

use anyhow::Context;
use tracing::{info, warn};

const NAME: &str = "application.yml";
const TEXT: &str = include_str!("example.yml");

/// Makes the folder with its example, unless there is one. The program does its work without it, so a folder that cannot
/// be made is only told of.
pub(super) fn explain(folder: &Path) {
    if folder.exists() {
        return;
    }
    match made(folder) {
        Ok(()) => info!("made {} for the configuration of all services", folder.display()),
        Err(cause) => warn!("going on without a folder of configuration files: {cause:#}"),
    }
}

fn made(folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    let file = folder.join(NAME);
    fs::write(&file, TEXT).with_context(|| format!("write {}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_is_made_once_and_sets_nothing() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/b");
        explain(&folder);
        let file = folder.join(NAME);
        assert!(
            chassis::config::yaml::flatten(&fs::read_to_string(&file).unwrap()).unwrap().is_empty()
        );
        fs::write(&file, "a: 1").unwrap();
        explain(&folder);
        assert_eq!(fs::read_to_string(&file).unwrap(), "a: 1");
        explain(&file.join("below-a-file"));
    }
}
