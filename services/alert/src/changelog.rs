//! The tables of the service as the Java service's Liquibase makes them (contract §3.3). Data only.

use std::borrow::Cow::Borrowed;

use database::{ChangeLog, ChangeSet};

/// The change sets that apply outside of tests, in their order.
pub const CHANGE_LOG: ChangeLog =
    ChangeLog { change_sets: Borrowed(&[SEQUENCE, USERS, STORE_ALERTS]) };

const SEQUENCE: ChangeSet = ChangeSet {
    id: Borrowed("00000000000000"),
    author: Borrowed("jhipster"),
    file: Borrowed("config/liquibase/changelog/00000000000000_initial_schema.xml"),
    checksum: Borrowed("8:b8c27d9dc8db18b5de87cdb8c38a416b"),
    description: Borrowed("createSequence sequenceName=sequence_generator"),
    contexts: Borrowed(""),
    sql: Borrowed("create sequence sequence_generator start with 1050 increment by 50"),
};

const USERS: ChangeSet = ChangeSet {
    id: Borrowed("00000000000001"),
    author: Borrowed("jhipster"),
    file: Borrowed("config/liquibase/changelog/00000000000000_initial_schema.xml"),
    checksum: Borrowed("8:172599f6270279173b9954f8b4a0579f"),
    description: Borrowed(
        "createTable tableName=jhi_user; createTable tableName=jhi_authority; createTable tableName=jhi_user_authority; \
         addPrimaryKey tableName=jhi_user_authority; addForeignKeyConstraint baseTableName=jhi_user_authority, \
         constraintName=fk_authority_name, ...",
    ),
    contexts: Borrowed(""),
    sql: Borrowed(
        "create table jhi_user (
             id varchar(100) not null,
             login varchar(50) not null,
             first_name varchar(50),
             last_name varchar(50),
             email varchar(191),
             image_url varchar(256),
             activated boolean not null,
             lang_key varchar(10),
             created_by varchar(50) not null,
             created_date timestamp without time zone,
             last_modified_by varchar(50),
             last_modified_date timestamp without time zone,
             constraint jhi_user_pkey primary key (id),
             constraint ux_user_login unique (login),
             constraint ux_user_email unique (email)
         );
         create table jhi_authority (
             name varchar(50) not null,
             constraint jhi_authority_pkey primary key (name)
         );
         create table jhi_user_authority (
             user_id varchar(100) not null,
             authority_name varchar(50) not null,
             constraint jhi_user_authority_pkey primary key (user_id, authority_name),
             constraint fk_authority_name foreign key (authority_name) references jhi_authority (name),
             constraint fk_user_id foreign key (user_id) references jhi_user (id)
         )",
    ),
};

const STORE_ALERTS: ChangeSet = ChangeSet {
    id: Borrowed("20220911232717-1"),
    author: Borrowed("jhipster"),
    file: Borrowed("config/liquibase/changelog/20220911232717_added_entity_StoreAlert.xml"),
    checksum: Borrowed("8:0c3859a644235f695f73601b9fb74ded"),
    description: Borrowed(
        "createTable tableName=store_alert; dropDefaultValue columnName=timestamp, tableName=store_alert",
    ),
    contexts: Borrowed(""),
    sql: Borrowed(
        "create table store_alert (
             id bigint not null,
             store_name varchar(255) not null,
             store_status varchar(255) not null,
             timestamp timestamp without time zone not null,
             constraint store_alert_pkey primary key (id)
         )",
    ),
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_change_sets_that_the_java_service_was_recorded_to_run() {
        let recorded = include_str!("../../../contracts/recorded/alert-databasechangelog.csv");
        let mut rows = recorded.lines().skip(1);
        for (set, order) in CHANGE_LOG.change_sets.iter().zip(1..) {
            let row = rows.next().unwrap();
            let begin = format!("{},{},{},", set.id, set.author, set.file);
            assert!(row.starts_with(&begin), "{row}");
            let description = match set.description.contains(',') {
                true => format!("\"{}\"", set.description),
                false => set.description.to_string(),
            };
            let end = format!(",{order},EXECUTED,{},{description},\"\",,4.15.0,,", set.checksum);
            assert!(row.ends_with(&end), "{row}");
        }
        assert_eq!(rows.next(), None);
    }
}
