//! The rows of a page and their number.

use std::time::Duration;

use anyhow::Context;
use futures_util::StreamExt;
use mongodb::{
    Database,
    bson::{Document, RawDocumentBuf, doc},
    options::Hint,
};

use super::{
    filter::{filter, order},
    read,
};
use crate::{Listing, Page, Row, Table};

/// The server adds the two numbers, and refuses a sum that is too large.
const FARTHEST: u64 = 1 << 62;

/// Reads a page, and counts, unless the page itself tells the number.
pub(super) async fn page(
    database: &Database,
    table: &Table,
    page: &Page,
    patience: Duration,
) -> anyhow::Result<Listing> {
    let filter = filter(table, page)?;
    let mut rows = Vec::new();
    if page.limit > 0 {
        let passed = read_rows(database, table, page, filter.clone(), patience, &mut rows).await?;
        let is_last = passed < u64::from(page.limit) && (passed > 0 || page.offset == 0);
        if is_last {
            return Ok(Listing { rows, total: page.offset + passed });
        }
    }
    let collection = database.collection::<Document>(&table.name);
    let mut count = collection.count_documents(filter.clone()).max_time(patience);
    if filter.is_empty() {
        // Counts the entries of an index instead of reading every document.
        count = count.hint(Hint::Keys(doc! { "_id": 1 }));
    }
    Ok(Listing { rows, total: count.await? })
}

/// Reads the rows and answers how many documents they were read from.
async fn read_rows(
    database: &Database,
    table: &Table,
    page: &Page,
    filter: Document,
    patience: Duration,
    rows: &mut Vec<Row>,
) -> anyhow::Result<u64> {
    let collection = database.collection::<RawDocumentBuf>(&table.name);
    let mut find = collection
        .find(filter)
        .skip(page.offset.min(FARTHEST))
        .limit(i64::from(page.limit))
        .max_time(patience);
    if let Some(order) = order(table, page)? {
        find = find.sort(order).allow_disk_use(true);
    }
    let mut batches = find.batch().await?;
    let mut passed = 0;
    while let Some(batch) = batches.next().await {
        for element in batch?.doc_slices()? {
            let element = element?;
            let document = element.as_document().context("a collection holds no documents")?;
            rows.extend(read::row(table, document)?);
            passed += 1;
        }
    }
    Ok(passed)
}
