//! What the Java service's Mongock has executed once in the life of a database (contract §2.5). Data only.

use std::borrow::Cow::Borrowed;

use database::{ChangeUnit, Seed};

const AUTHORITIES: &str = "jhi_authority";
pub(crate) const AUTHORITY: &str = "com.okta.developer.store.domain.Authority";

/// The change units, in their order.
pub fn change_units() -> Vec<ChangeUnit> {
    let authority = |id| Seed {
        collection: Borrowed(AUTHORITIES),
        id: Borrowed(id),
        class: Borrowed(AUTHORITY),
    };
    vec![ChangeUnit {
        id: Borrowed("users-initialization"),
        author: Borrowed("default_author"),
        class: Borrowed("com.okta.developer.store.config.dbmigrations.InitialSetupMigration"),
        method: Borrowed("changeSet"),
        documents: vec![authority("ROLE_USER"), authority("ROLE_ADMIN")],
    }]
}
