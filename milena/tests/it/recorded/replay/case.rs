//! A recorded case: what the original was asked, and what it answered.

use std::{fs, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::Value;

use super::exchange::Head;

/// A case.
pub(crate) struct Case {
    pub(crate) group: &'static str,
    /// Its number in the group; cases are asked in this order.
    pub(crate) number: u16,
    /// What it is about.
    pub(crate) name: String,
    pub(crate) request: Request,
    pub(super) answer: Recorded,
    /// Which value of the answer later cases use under which name.
    pub(super) save: Vec<(String, String)>,
    /// What differs from run to run: `body`, `json:$.path`.
    pub(super) volatile: Vec<String>,
    /// How the caller's token was made; null when it is one of the usual ones.
    pub(super) token: Value,
}

/// What was asked, with names in braces where a value goes.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<String>,
}

/// What was answered, with names in braces where a value stood.
pub(super) struct Recorded {
    pub(super) head: Head,
    pub(super) body: String,
    /// How long the body was, of which the recording keeps the beginning only.
    pub(super) cut: Option<usize>,
    /// The bytes of a body that is not text.
    pub(super) bytes: Option<Vec<u8>>,
}

/// The cases of a group that have a request, in order.
pub(crate) fn of(group: &'static str) -> Vec<Case> {
    files(group).into_iter().filter_map(|(number, file)| Case::read(group, number, &file)).collect()
}

/// Every file of a group with its number, in order.
pub(crate) fn files(group: &str) -> Vec<(u16, Value)> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/recorded/cases").join(group);
    let entries =
        fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut files: Vec<(u16, Value)> = entries
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            let number = name.split('-').next().unwrap().parse().unwrap();
            (number, serde_json::from_slice(&fs::read(&path).unwrap()).unwrap())
        })
        .collect();
    files.sort_by_key(|(number, _)| *number);
    files
}

impl Case {
    fn read(group: &'static str, number: u16, file: &Value) -> Option<Self> {
        let request = file.get("request")?;
        let answer = &file["response"];
        let save = file["save"].as_object();
        let volatile = file["volatile"].as_array();
        Some(Case {
            group,
            number,
            name: text(&file["case"]),
            request: Request {
                method: text(&request["method"]),
                path: text(&request["path"]),
                headers: pairs(&request["headers"]),
                body: request["body"].as_str().map(str::to_owned),
            },
            answer: Recorded {
                head: Head {
                    status: u16::try_from(answer["status"].as_u64().unwrap()).unwrap(),
                    reason: text(&answer["reason"]),
                    headers: pairs(&answer["headers"]),
                },
                body: text(&answer["body"]),
                cut: answer["body_length"].as_u64().map(|length| usize::try_from(length).unwrap()),
                bytes: answer["body_base64"]
                    .as_str()
                    .map(|bytes| BASE64_STANDARD.decode(bytes).unwrap()),
            },
            save: save
                .into_iter()
                .flatten()
                .map(|(name, path)| (name.clone(), text(path)))
                .collect(),
            volatile: volatile.into_iter().flatten().map(text).collect(),
            token: file["token"].clone(),
        })
    }

    /// `store/043 put null status: PUT /api/stores/{id3}`.
    pub(crate) fn title(&self) -> String {
        let Request { method, path, .. } = &self.request;
        format!("{}/{:03} {}: {method} {path}", self.group, self.number, self.name)
    }

    /// The status that was recorded; 0 when nothing came.
    pub(crate) fn status(&self) -> u16 {
        self.answer.head.status
    }

    /// The paths of JSON values that differ from run to run.
    pub(super) fn volatile_values(&self) -> impl Iterator<Item = &str> {
        self.volatile.iter().filter_map(|path| path.strip_prefix("json:"))
    }

    /// Whether the body shows the state of a process, and only its form can be compared.
    pub(super) fn shows_a_process(&self) -> bool {
        self.volatile.iter().any(|part| part == "body")
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn pairs(value: &Value) -> Vec<(String, String)> {
    let pairs = value.as_array().into_iter().flatten();
    pairs.map(|pair| (text(&pair[0]), text(&pair[1]))).collect()
}
