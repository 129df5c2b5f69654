//! Dead letters keep their promises on real databases.

#[path = "../it/dead_letters/promises.rs"]
mod promises;

use std::sync::Arc;

use database::{ChangeLog, Mongo, MongoSettings, Postgres, PostgresSettings};
use messaging::Stop;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::task::JoinSet;

use crate::variable;
use promises::TABLES;

/// A new database for each promise, kept as a service keeps its own while the promise is looked at.
#[derive(Default)]
struct Databases {
    opened: u32,
    stop: Stop,
    keeping: JoinSet<anyhow::Result<()>>,
}

impl Databases {
    async fn postgresql(&mut self) -> Arc<Postgres> {
        let (address, name) = (variable("REAL_POSTGRESQL"), self.next().await);
        let mut server = PgConnection::connect(&address).await.unwrap();
        let create = AssertSqlSafe(format!("create database {name}"));
        sqlx::raw_sql(create).execute(&mut server).await.unwrap();
        let (user, server) = address.strip_prefix("postgres://").unwrap().split_once('@').unwrap();
        let (server, _) = server.split_once('/').unwrap();
        let url = format!("jdbc:postgresql://{server}/{name}?sslmode=disable");
        let settings = PostgresSettings::from_jdbc(&url, Some(user), None).unwrap();
        let database = Postgres::connect(&settings, &TABLES, &ChangeLog::default()).await.unwrap();
        self.keeping.spawn(database.clone().keep(self.stop.clone()));
        database
    }

    async fn mongodb(&mut self, server: &str) -> Arc<Mongo> {
        let settings = MongoSettings::new(&variable(server), Some(&self.next().await));
        let database = Mongo::connect(&settings, &TABLES, &[]).await.unwrap();
        self.keeping.spawn(database.clone().keep(self.stop.clone()));
        database
    }

    /// Lets go of the last database; answers the name of the next.
    async fn next(&mut self) -> String {
        self.stop().await;
        self.opened += 1;
        format!("letters_{}_{}", std::process::id(), self.opened)
    }

    async fn stop(&mut self) {
        std::mem::take(&mut self.stop).cancel();
        while let Some(ended) = self.keeping.join_next().await {
            ended.unwrap().unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_keeps_the_promises_about_dead_letters() {
    let mut databases = Databases::default();
    promises::all(async || databases.postgresql().await).await;
    databases.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mongodb_alone_keeps_the_promises_about_dead_letters() {
    let mut databases = Databases::default();
    promises::all(async || databases.mongodb("REAL_MONGODB").await).await;
    databases.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_set_keeps_the_promises_about_dead_letters() {
    let mut databases = Databases::default();
    promises::all(async || databases.mongodb("REAL_MONGODB_REPLICA_SET").await).await;
    databases.stop().await;
}
