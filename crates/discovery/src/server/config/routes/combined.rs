//! All sources as one file: `/{app}-{profiles}.yml`, `.yaml`, `.json` and `.properties`.

use axum::{
    http::header,
    response::{IntoResponse, Response},
};
use chassis::Problem;

use crate::server::config::{
    ConfigServer, ConfigServerError, expand::expand, flat, json, question::Question, written,
};

/// What the name of such a file says.
#[derive(Debug, PartialEq)]
pub(super) struct Form<'a> {
    app: &'a str,
    profiles: &'a str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Yaml,
    Json,
    Properties,
}

impl<'a> Form<'a> {
    /// Takes the profiles from the last dash on, for applications have dashes in their names and profiles must not here.
    pub(super) fn of(file: &'a str) -> Option<Self> {
        let (stem, extension) = file.rsplit_once('.')?;
        let kind = kind(extension)?;
        let (app, profiles) = stem.rsplit_once('-')?;
        (!app.is_empty() && !profiles.is_empty()).then_some(Form { app, profiles, kind })
    }

    /// Whether a name ends like such a file.
    pub(super) fn is_file(file: &str) -> bool {
        file.rsplit_once('.').is_some_and(|(_, extension)| kind(extension).is_some())
    }
}

fn kind(extension: &str) -> Option<Kind> {
    match extension {
        "yml" | "yaml" => Some(Kind::Yaml),
        "json" => Some(Kind::Json),
        "properties" => Some(Kind::Properties),
        _ => None,
    }
}

pub(super) async fn answer(
    server: &ConfigServer,
    form: &Form<'_>,
    label: Option<&str>,
    query: Option<&str>,
) -> Result<Response, Problem> {
    let question = Question::new(form.app, form.profiles, label)?;
    let sources = server.answer(&question).await?.sources;
    let counting = flat::flat(&sources);
    let nested = || flat::nested(&counting).map_err(ConfigServerError::Invalid);
    let text = match form.kind {
        Kind::Yaml => written::yaml(&nested()?),
        Kind::Json => json::nested(&nested()?),
        Kind::Properties => {
            let line = |(_, property): &flat::Counting<'_>| {
                format!("{}: {}", property.key, property.value)
            };
            counting.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    };
    let text = match resolves(query.unwrap_or_default())? {
        true => expand(&text, &sources).map_err(ConfigServerError::Invalid)?,
        false => text,
    };
    let kind = if form.kind == Kind::Json { super::JSON } else { "text/plain" };
    Ok(([(header::CONTENT_TYPE, kind)], text).into_response())
}

/// Whether placeholders are to be filled in: yes, unless `resolvePlaceholders` says no.
pub(super) fn resolves(query: &str) -> Result<bool, ConfigServerError> {
    let asked = query.split('&').find_map(|pair| pair.strip_prefix("resolvePlaceholders="));
    match asked.map(str::to_ascii_lowercase).as_deref() {
        None | Some("" | "true" | "on" | "yes" | "1") => Ok(true),
        Some("false" | "off" | "no" | "0") => Ok(false),
        Some(_) => {
            Err(ConfigServerError::Invalid("resolvePlaceholders is true or false".to_owned()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_what_is_asked() {
        let form = |app, profiles, kind| Some(Form { app, profiles, kind });
        assert_eq!(Form::of("library-prod.yml"), form("library", "prod", Kind::Yaml));
        assert_eq!(Form::of("my-app-a,b.properties"), form("my-app", "a,b", Kind::Properties));
        assert_eq!(Form::of("a-b.json"), form("a", "b", Kind::Json));
        for wrong in
            ["library.yml", "library-prod.xml", "library-prod", "-prod.yml", "library-.yml"]
        {
            assert_eq!(Form::of(wrong), None, "{wrong}");
        }
        assert!(Form::is_file("library.yml") && !Form::is_file("library.prod"));
    }

    #[test]
    fn placeholders_are_filled_in_unless_the_caller_says_no() {
        assert!(resolves("").unwrap() && resolves("x=1&resolvePlaceholders=TRUE").unwrap());
        assert!(!resolves("resolvePlaceholders=false").unwrap());
        assert!(resolves("resolvePlaceholders=perhaps").is_err());
    }
}
