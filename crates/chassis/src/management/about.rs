//! What a service says of itself.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};

/// Who a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The service's name, which labels its figures.
    pub name: String,
    /// The name of what was built.
    pub artifact: String,
    /// The group of what was built: the package whose loggers stand for those of the service.
    pub group: String,
    /// The version of what was built.
    pub version: String,
    /// Spring's profiles that the service behaves like.
    pub profiles: Vec<String>,
    /// The profiles in which the pages show a ribbon.
    pub ribbon: String,
}

impl About {
    pub(super) fn info(&self) -> Value {
        let mut initial = self.name.chars();
        let title: String =
            initial.next().into_iter().flat_map(char::to_uppercase).chain(initial).collect();
        json!({
            "display-ribbon-on-profiles": self.ribbon,
            "git": {},
            "build": {
                "artifact": self.artifact,
                "name": title,
                "time": built().map(|at| format!("{at:.3}")),
                "version": self.version,
                "group": self.group,
            },
            "activeProfiles": self.profiles,
        })
    }
}

/// When the program was built: what a reproducible build was told (reproducible-builds.org, `SOURCE_DATE_EPOCH`), else
/// when its file was written.
fn built() -> Option<Timestamp> {
    if let Some(told) = option_env!("SOURCE_DATE_EPOCH") {
        return Timestamp::from_second(told.parse().ok()?).ok();
    }
    let written = fs::metadata(std::env::current_exe().ok()?).ok()?.modified().ok()?;
    Timestamp::try_from(written).ok()
}
