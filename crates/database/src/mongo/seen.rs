//! Documents as they were read last: who replaces a version that was read a moment ago need not read it once more. That it
//! is still what it was is for the server to say.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

use mongodb::bson::{RawDocument, RawDocumentBuf};

use crate::{Id, Table};

/// How many documents are kept at most.
const DOCUMENTS: usize = 1_024;
/// How many bytes a document may have to be kept.
const BYTES: usize = 4 * 1024;

/// The table and the id of a row.
type Key = (String, Id);

/// Documents that were read, the last ones.
#[derive(Debug, Default)]
pub(super) struct Seen(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    documents: HashMap<Key, (i64, RawDocumentBuf)>,
    /// In the order of reading; some may be gone.
    keys: VecDeque<Key>,
}

impl Seen {
    /// A row was read in this version.
    pub(super) fn add(&self, table: &Table, id: &Id, version: i64, document: &RawDocument) {
        if document.as_bytes().len() > BYTES {
            return;
        }
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (table.name.to_string(), id.clone());
        if kept.documents.insert(key.clone(), (version, document.to_owned())).is_none() {
            kept.keys.push_back(key);
        }
        while kept.keys.len() > DOCUMENTS {
            if let Some(oldest) = kept.keys.pop_front() {
                kept.documents.remove(&oldest);
            }
        }
    }

    /// Takes the document of a row in a version.
    pub(super) fn take(&self, table: &Table, id: &Id, version: i64) -> Option<RawDocumentBuf> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (seen, document) = kept.documents.remove(&(table.name.to_string(), id.clone()))?;
        (seen == version).then_some(document)
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::rawdoc;

    use super::*;
    use crate::IdKind;

    fn table() -> Table {
        let (name, key, id) = ("book".into(), "id".into(), IdKind::Sequence);
        Table { name, key, id, class: None, columns: vec![].into() }
    }

    #[test]
    fn a_document_is_there_in_its_version_once() {
        let (seen, id, document) = (Seen::default(), Id::Integer(1), rawdoc! { "_id": 1 });
        seen.add(&table(), &id, 7, &document);
        assert_eq!(seen.take(&table(), &Id::Integer(2), 7), None);
        assert_eq!(seen.take(&table(), &id, 7), Some(document.clone()));
        assert_eq!(seen.take(&table(), &id, 7), None);
        seen.add(&table(), &id, 7, &document);
        assert_eq!(seen.take(&table(), &id, 8), None);
    }

    #[test]
    fn the_oldest_and_large_ones_are_forgotten() {
        let seen = Seen::default();
        for number in 0..=1_024 {
            let _ = seen.take(&table(), &Id::Integer(number - 1), 1);
            seen.add(&table(), &Id::Integer(number), 1, &rawdoc! { "_id": number });
        }
        let kept = seen.0.lock().unwrap();
        assert!(kept.documents.len() <= DOCUMENTS && kept.keys.len() <= DOCUMENTS);
        drop(kept);
        assert!(seen.take(&table(), &Id::Integer(1_024), 1).is_some());
        seen.add(&table(), &Id::Integer(0), 1, &rawdoc! { "text": "x".repeat(BYTES) });
        assert_eq!(seen.take(&table(), &Id::Integer(0), 1), None);
    }
}
