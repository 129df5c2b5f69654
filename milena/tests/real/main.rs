//! The system on real servers answers as the originals did. `tests/real/servers` of this project starts them and says where
//! they are.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on has failed")]

#[path = "../it"]
#[expect(dead_code, unused_imports, reason = "the other tests use the rest of it")]
mod it {
    #[path = "crash"]
    pub(crate) mod crash {
        pub(crate) mod dead_letters;
        pub(crate) mod place;
        pub(crate) mod too_large;
    }
    #[path = "dead_letters"]
    pub(crate) mod dead_letters {
        pub(crate) mod refusing;
    }
    pub(crate) mod program;
    #[path = "recorded"]
    pub(crate) mod recorded {
        pub(crate) mod replay;
    }
    pub(crate) mod support;
}

mod crash_points;
mod fleet;
mod ground;
mod mail_server;
mod registry_clients;
mod smtp;

use it::{
    recorded::replay::{self, Databases},
    support::Home,
};
use sqlx::{Connection, PgConnection};

pub(crate) use it::{dead_letters, program, support};

/// Where a server is.
#[expect(clippy::disallowed_methods, reason = "the script tells it in the environment")]
fn address(variable: &str) -> String {
    std::env::var(variable)
        .unwrap_or_else(|_| panic!("{variable} is not set: run this under tests/real/servers run"))
}

/// A name that no other test uses.
pub(crate) fn fresh(what: &str) -> String {
    format!("{what}_{}", chassis::Outside::system().uuid().replace('-', ""))
}

/// Makes a database; answers its address for Java programs.
pub(crate) async fn postgresql_database(name: &str) -> String {
    let server = address("REAL_POSTGRESQL");
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("create database {name}"));
    sqlx::raw_sql(create).execute(&mut connection).await.unwrap();
    let authority = server.split(['@', '/']).nth(3).unwrap();
    format!("jdbc:postgresql://{authority}/{name}")
}

#[tokio::test]
async fn every_answer_on_mongodb_and_postgresql_is_as_recorded_or_different_on_purpose() {
    for mongodb in ["REAL_MONGODB", "REAL_MONGODB_REPLICA_SET"] {
        let name = fresh("replay");
        let postgresql = postgresql_database(&name).await;
        let system = Home::new()
            .start_with(&[
                ("spring.data.mongodb.uri", &address(mongodb)),
                ("spring.data.mongodb.database", &name),
                ("spring.datasource.url", &postgresql),
                ("spring.datasource.username", "postgres"),
            ])
            .await;
        let outcomes = replay::all(&system, Databases::Real).await;
        system.still_works().await;
        system.stop_at_once().await;
        let open = replay::open(&outcomes);
        assert!(open.is_empty(), "{mongodb}: {}", open.join("\n\n"));
    }
}
