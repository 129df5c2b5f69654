//! What a service says of itself.

use std::fs;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// Who a service is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// The service's name, which labels its figures.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// The name of what was built.
    pub artifact: String,
    /// The group of what was built: the package whose loggers stand for those of the service.
    pub group: String,
    /// The version of what was built.
    pub version: String,
    /// Spring's profiles that the service behaves like.
    pub profiles: Vec<String>,
    /// The profile in which the pages show a ribbon, if in any.
    pub ribbon: Option<String>,
}

impl About {
    /// The answer of `/management/info`, with what else there is to say.
    pub(super) fn info(&self, more: &[(&'static str, Value)]) -> Value {
        let mut info = Map::new();
        if let Some(ribbon) = &self.ribbon {
            info.insert("display-ribbon-on-profiles".to_owned(), json!(ribbon));
        }
        info.insert("git".to_owned(), json!({}));
        let build = json!({
            "artifact": self.artifact,
            "name": self.title,
            "time": built().map(|at| format!("{at:.3}")),
            "version": self.version,
            "group": self.group,
        });
        info.insert("build".to_owned(), build);
        info.extend(more.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
        info.insert("activeProfiles".to_owned(), json!(self.profiles));
        Value::Object(info)
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
