//! The mails in a system's mailbox folder, read as the files that they are.

use super::{DISTRIBUTION_LIST, Home, eventually};

/// A mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mail {
    headers: Vec<(String, String)>,
    /// What stands below the headers.
    pub(crate) text: String,
}

impl Home {
    /// The mails as the first of the distribution list has them, oldest first.
    pub(crate) fn mails(&self) -> Vec<Mail> {
        let first = format!("<{}>", DISTRIBUTION_LIST[0]);
        self.copies().into_iter().filter(|mail| mail.header("X-Envelope-To") == first).collect()
    }

    /// Waits until everybody on the distribution list has that many mails.
    pub(crate) async fn mails_when(&self, count: usize) -> Vec<Mail> {
        eventually(&format!("{count} mails"), async || {
            let copies = self.copies();
            let of = |recipient: &&str| {
                let envelope = format!("<{recipient}>");
                copies.iter().filter(|mail| mail.header("X-Envelope-To") == envelope).count()
            };
            DISTRIBUTION_LIST.iter().all(|recipient| of(recipient) >= count).then_some(())
        })
        .await;
        self.mails()
    }

    /// Every file: a mail for each recipient.
    fn copies(&self) -> Vec<Mail> {
        let entries =
            std::fs::read_dir(self.path("mails")).unwrap().map(|entry| entry.unwrap().path());
        let mut files: Vec<_> =
            entries.filter(|path| path.extension().is_some_and(|end| end == "eml")).collect();
        files.sort();
        files.iter().map(|file| Mail::read(&std::fs::read_to_string(file).unwrap())).collect()
    }
}

impl Mail {
    fn read(text: &str) -> Self {
        let (head, text) = text.split_once("\r\n\r\n").unwrap();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        let headers = unfolded
            .split("\r\n")
            .map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line} is no header")));
        let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Mail { headers, text: text.trim_end().to_owned() }
    }

    /// A header's value; fails unless there is exactly one.
    pub(crate) fn header(&self, name: &str) -> &str {
        let [value] = self.headers(name)[..] else { panic!("not one header {name}: {self:?}") };
        value
    }

    /// Every value of a header.
    pub(crate) fn headers(&self, name: &str) -> Vec<&str> {
        self.headers
            .iter()
            .filter(|(header, _)| header == name)
            .map(|(_, value)| value.as_str())
            .collect()
    }
}
