//! What stands for the names in braces: saved values, tokens, addresses.

use super::{
    case::{Recorded, Request},
    exchange::Head,
};

/// The addresses at which the originals were recorded.
const RECORDED_ADDRESSES: [&str; 3] = ["127.0.0.1:18082", "127.0.0.1:18083", "127.0.0.1:18092"];

/// Texts, and what stands for them here.
#[derive(Clone, Default)]
pub(crate) struct Known(Vec<(String, String)>);

impl Known {
    /// What a service at this address knows at first.
    pub(crate) fn at(address: &str) -> Self {
        let host = address.trim_start_matches("http://");
        Known(RECORDED_ADDRESSES.map(|recorded| (recorded.to_owned(), host.to_owned())).to_vec())
    }

    /// From now on `{name}` stands for this.
    pub(crate) fn keep(&mut self, name: &str, value: String) {
        let name = format!("{{{name}}}");
        self.0.retain(|(known, _)| *known != name);
        self.0.push((name, value));
    }

    /// A text with everything filled in that is known.
    pub(crate) fn fill(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, (name, value)| text.replace(name, value))
    }

    pub(crate) fn request(&self, request: &Request) -> Request {
        Request {
            method: request.method.clone(),
            path: self.fill(&request.path),
            headers: self.pairs(&request.headers),
            body: request.body.as_deref().map(|body| self.fill(body)),
        }
    }

    pub(super) fn recorded(&self, answer: &Recorded) -> Recorded {
        let body = self.fill(&answer.body);
        Recorded {
            head: Head { headers: self.pairs(&answer.head.headers), ..answer.head.clone() },
            // The length was measured with the names in braces.
            cut: answer.cut.map(|length| length + body.len() - answer.body.len()),
            body,
            bytes: answer.bytes.clone(),
        }
    }

    fn pairs(&self, headers: &[(String, String)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| (name.clone(), self.fill(value))).collect()
    }
}
