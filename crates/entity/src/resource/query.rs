//! What a caller wants to see of a list, and in which order (contract §2.2): only when asked for; a bare list is answered
//! as the Java services do.

use axum::http::HeaderMap;
use chassis::{Problem, http::Pages};
use database::{Direction, Page, Sort};
use percent_encoding::percent_decode_str;

use super::{criteria::Criteria, links::carried_on};
use crate::Entity;

/// The size of a page when the caller names none, and at most, as in Spring Data.
const SIZE: u32 = 20;
pub(crate) const LARGEST: u32 = 2000;

/// What the caller asked for.
#[derive(Debug)]
pub(super) struct Query<'a> {
    bare: u32,
    page: Option<u64>,
    size: Option<u32>,
    sort: Vec<Sort>,
    criteria: Criteria,
    /// The other parts of the query, which links to other pages carry on as they came.
    others: Vec<&'a str>,
}

impl<'a> Query<'a> {
    /// Reads the query of a list that has at most `bare` entities when no pages are asked for. A page, size or order that
    /// cannot be read is as good as not given, as in Spring Data; unknown parameters mean nothing.
    ///
    /// # Errors
    /// 400 for a filter whose value does not fit its field, and for too many filters.
    pub(super) fn parse(entity: &Entity, text: &'a str, bare: u32) -> Result<Self, Problem> {
        let (page, size, sort, others) = (None, None, Vec::new(), Vec::new());
        let criteria = Criteria::default();
        let bare = if bare > LARGEST { bare - bare % LARGEST } else { bare.max(1) };
        let mut query = Query { bare, page, size, sort, criteria, others };
        for part in text.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let (name, value) = (decoded(name), decoded(value));
            match name.as_str() {
                "page" => query.page = value.parse().ok().or(query.page),
                "size" => query.size = value.parse().ok().filter(|size| *size > 0).or(query.size),
                _ => {
                    query.others.push(part);
                    match name.as_str() {
                        "sort" => query.order(entity, &value),
                        _ => query.criteria.read(entity, &name, &value)?,
                    }
                }
            }
        }
        Ok(query)
    }

    /// Adds to the order: properties, then perhaps a direction, then perhaps `ignorecase`, which has no effect. A
    /// property that comes up again orders nothing any more.
    fn order(&mut self, entity: &Entity, text: &str) {
        let mut names: Vec<&str> = text.split(',').map(str::trim).collect();
        names.pop_if(|name| name.eq_ignore_ascii_case("ignorecase"));
        let direction = names
            .pop_if(|name| name.eq_ignore_ascii_case("asc") || name.eq_ignore_ascii_case("desc"));
        let direction = match direction {
            Some(name) if name.eq_ignore_ascii_case("desc") => Direction::Descending,
            _ => Direction::Ascending,
        };
        for name in names {
            let column = match name {
                "id" => None,
                name => match entity.position(name) {
                    Some(position) => Some(position),
                    None => continue,
                },
            };
            if !self.sort.iter().any(|sort| sort.column == column) {
                self.sort.push(Sort { column, direction });
            }
        }
    }

    fn is_paged(&self) -> bool {
        self.page.is_some() || self.size.is_some()
    }

    fn size(&self) -> u32 {
        if self.is_paged() { self.size.unwrap_or(SIZE).min(LARGEST) } else { self.bare }
    }

    pub(super) fn page(&self) -> Page {
        let offset = self.page.unwrap_or(0).saturating_mul(u64::from(self.size()));
        let filter = self.criteria.conditions().cloned().collect();
        Page { offset, limit: self.size(), sort: self.sort.clone(), filter }
    }

    /// `X-Total-Count` and `Link`, for a list that is paged, or filtered, or not complete.
    pub(super) fn headers(&self, address: &str, total: u64) -> HeaderMap {
        let complete = total <= u64::from(self.bare);
        let (page, size) = match self.is_paged() {
            true => (self.page.unwrap_or(0), self.size()),
            false if complete && self.criteria.is_empty() => return HeaderMap::new(),
            // The rest of a bare list is in pages, of which it has these.
            false => {
                let size = self.bare.min(LARGEST);
                (u64::from(self.bare / size) - 1, size)
            }
        };
        // A bare list begins at the first page.
        let before = if self.is_paged() { page.checked_sub(1) } else { None };
        Pages { address, others: &carried_on(&self.others), size, total }.headers(before, page)
    }
}

fn decoded(text: &str) -> String {
    let text = text.replace('+', " ");
    percent_decode_str(&text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests;
