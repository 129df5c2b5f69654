//! Which dead letters a caller asks for, and where the other pages of them are.

use axum::http::HeaderMap;
use chassis::{Problem, http::Pages};
use messaging::dead_letters::Query;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The size of a page when the caller names none, and at most.
const SIZE: u32 = 20;
const LARGEST: u32 = 100;

/// What the caller asked for. A page or size that cannot be read is as good as not given.
#[derive(Debug, Default)]
pub(super) struct Asked {
    page: u32,
    size: Option<u32>,
    reason: Option<String>,
    channel: Option<String>,
    all: bool,
}

impl Asked {
    /// Reads a query; unknown parameters mean nothing.
    pub(super) fn read(query: &str) -> Self {
        let mut asked = Asked::default();
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let value = decoded(value);
            match decoded(name).as_str() {
                "page" => asked.page = value.parse().unwrap_or(asked.page),
                "size" => asked.size = value.parse().ok().filter(|size| *size > 0).or(asked.size),
                "reason" => asked.reason = Some(value),
                "channel" => asked.channel = Some(value),
                "all" => asked.all = value == "true",
                _ => {}
            }
        }
        asked
    }

    pub(super) fn size(&self) -> u32 {
        self.size.unwrap_or(SIZE).min(LARGEST)
    }

    pub(super) fn offset(&self) -> u64 {
        u64::from(self.page) * u64::from(self.size())
    }

    /// What selects the letters, whatever the page.
    pub(super) fn query(&self) -> Query {
        let (reason, channel) = (self.reason.clone(), self.channel.clone());
        Query { reason, channel, ..Query::default() }
    }

    /// What selects the letters of a decision about many: it has to be said which.
    ///
    /// # Errors
    /// 400 when it is not said, or said in two ways.
    pub(super) fn selection(&self) -> Result<Query, Problem> {
        let is_narrow = self.reason.is_some() || self.channel.is_some();
        match self.all != is_narrow {
            true => Ok(self.query()),
            false => Err(Problem::bad_request(
                "Say which dead letters: reason=…, channel=…, both of them, or all=true alone",
            )),
        }
    }

    /// `X-Total-Count`, and `Link` to the other pages of this many letters.
    pub(super) fn headers(&self, address: &str, total: u64) -> HeaderMap {
        let (page, size) = (u64::from(self.page), self.size());
        let mut selection = String::new();
        for (name, value) in [("reason", &self.reason), ("channel", &self.channel)] {
            if let Some(value) = value {
                let value = utf8_percent_encode(value, NON_ALPHANUMERIC);
                selection.push_str(&format!("{name}={value}&"));
            }
        }
        Pages { address, others: &selection, size, total }.headers(page.checked_sub(1), page)
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_page(query: &str, offset: u64, size: u32) {
        let asked = Asked::read(query);
        assert_eq!((asked.offset(), asked.size()), (offset, size), "{query}");
    }

    #[test]
    fn a_page_has_a_hundred_letters_at_most() {
        check_page("", 0, 20);
        check_page("page=3&size=2", 6, 2);
        check_page("size=0&page=-1", 0, 20);
        check_page("size=many", 0, 20);
        check_page("size=101", 0, 100);
        check_page("page=4294967295&size=100", 429_496_729_500, 100);
    }

    fn check_selection(query: &str, expected: Option<(Option<&str>, Option<&str>)>) {
        let found = Asked::read(query).selection().ok();
        let found = found.as_ref().map(|it| (it.reason.as_deref(), it.channel.as_deref()));
        assert_eq!(found, expected, "{query}");
    }

    #[test]
    fn a_decision_about_many_says_about_which() {
        check_selection("", None);
        check_selection("all=yes", None);
        check_selection("all=true", Some((None, None)));
        check_selection("reason=no+such%20book", Some((Some("no such book"), None)));
        check_selection("channel=mail&reason=x", Some((Some("x"), Some("mail"))));
        check_selection("channel=mail&all=true", None);
    }

    #[test]
    fn links_lead_to_the_other_pages_of_the_same_selection() {
        let headers = Asked::read("reason=no+%3C&page=1&size=2").headers("http://shop/x", 5);
        assert_eq!(headers["x-total-count"], "5");
        let link = |page, relation| {
            format!("<http://shop/x?reason=no%20%3C&page={page}&size=2>; rel=\"{relation}\"")
        };
        let expected = [link(2, "next"), link(0, "prev"), link(2, "last"), link(0, "first")];
        assert_eq!(headers["link"].to_str().unwrap(), expected.join(","));
    }
}
