//! What every page shows around its content: `templates/base.html`, which other crates' templates extend.

use crate::{Visit, style};

/// The frame of a page. Every text of it is escaped where it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// The page's title.
    pub title: String,
    /// What stands at the top of every page, with a link to the first one.
    pub brand: &'static str,
    /// The address of the style sheet.
    pub style: String,
    /// Who is signed in, if anybody.
    pub login: Option<String>,
    /// What a form must carry in its field `_csrf`.
    pub csrf: String,
    /// The navigation.
    pub nav: Vec<Link>,
}

/// An entry of the navigation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// What it is called.
    pub title: String,
    /// Where it leads.
    pub href: String,
    /// Whether the page that is shown is that, or below it.
    pub current: bool,
}

impl Frame {
    /// The frame of a page for anybody.
    pub fn bare(brand: &'static str, title: impl Into<String>) -> Self {
        Frame {
            title: title.into(),
            brand,
            style: style::address(),
            login: None,
            csrf: String::new(),
            nav: Vec::new(),
        }
    }

    /// The frame of a page for somebody who is signed in.
    pub fn of(
        brand: &'static str,
        title: impl Into<String>,
        visit: &Visit,
        nav: Vec<Link>,
    ) -> Self {
        Frame {
            login: Some(visit.login.clone()),
            csrf: visit.csrf.clone(),
            nav,
            ..Frame::bare(brand, title)
        }
    }
}

impl Link {
    /// An entry that is current on the page at `href` and on those below it.
    pub fn to(title: impl Into<String>, href: impl Into<String>, visit: &Visit) -> Self {
        let (title, href) = (title.into(), href.into());
        let current = is_within(&visit.path, &href);
        Link { title, href, current }
    }
}

fn is_within(path: &str, href: &str) -> bool {
    path.strip_prefix(href).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::is_within;

    #[test]
    fn a_page_is_within_itself_and_what_is_above_it() {
        for (path, href, expected) in [
            ("/mails", "/mails", true),
            ("/mails/1", "/mails", true),
            ("/mailscope", "/mails", false),
            ("/", "/", true),
            ("/mails", "/", false),
        ] {
            assert_eq!(is_within(path, href), expected, "{path} within {href}");
        }
    }
}
