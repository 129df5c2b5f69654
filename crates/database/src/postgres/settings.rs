//! How to reach a PostgreSQL server, as Spring's settings say it.

mod jdbc;

use std::{fmt, path::PathBuf, time::Duration};

use sqlx::postgres::{PgConnectOptions, PgSslMode};
use tracing::warn;

/// Why settings cannot work. The reason holds no secret.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingsError(String);

/// Where a PostgreSQL database is, who we are there, and how long we wait.
#[derive(Clone, PartialEq)]
pub struct PostgresSettings {
    /// How many connections are open at most; Hikari's default is 10.
    pub connections: u32,
    /// How long the server works on one statement at most.
    pub statement_timeout: Duration,
    /// What the server calls us in its views and its log, unless the address says something else.
    pub application: String,
    host: String,
    port: u16,
    database: String,
    username: String,
    password: Option<String>,
    schema: Option<String>,
    tls: Tls,
}

/// How a connection is protected.
#[derive(Debug, Clone, Default, PartialEq)]
struct Tls {
    mode: Mode,
    root: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

/// The `sslmode` of PostgreSQL's own clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Mode {
    Disable,
    Allow,
    #[default]
    Prefer,
    Require,
    VerifyCa,
    VerifyFull,
}

impl PostgresSettings {
    /// Reads an address such as `jdbc:postgresql://host:5432/name?sslmode=require&currentSchema=books`, as in Spring's
    /// `spring.datasource.url`, beside Spring's `username` and `password`, which the address may name too and then wins.
    /// What it says without effect here is named in a warning.
    ///
    /// # Errors
    /// When the address is of another database or cannot be understood.
    pub fn from_jdbc(
        url: &str,
        username: Option<&str>,
        password: Option<&str>,
    ) -> Result<Self, SettingsError> {
        let (settings, remarks) = jdbc::parse(url, username, password)?;
        for remark in remarks {
            warn!("database {}: {remark}", settings.address());
        }
        Ok(settings)
    }

    /// Where the database is, for people: `host:port/name`.
    pub fn address(&self) -> String {
        let PostgresSettings { host, port, database, .. } = self;
        match host.contains(':') {
            true => format!("[{host}]:{port}/{database}"),
            false => format!("{host}:{port}/{database}"),
        }
    }

    /// What the driver needs. Nothing comes from the environment: everything that it could say is set.
    pub(super) fn options(&self) -> PgConnectOptions {
        let milliseconds = |time: Duration| format!("{}ms", time.as_millis());
        let mut options = PgConnectOptions::new_without_pgpass()
            .host(&self.host)
            .port(self.port)
            .database(&self.database)
            .username(&self.username)
            .password(self.password.as_deref().unwrap_or_default())
            .application_name(&self.application)
            .ssl_mode(self.tls.mode.into())
            .options([
                ("statement_timeout", milliseconds(self.statement_timeout)),
                ("lock_timeout", milliseconds(self.statement_timeout / 2)),
                // What was the best way while nearly nothing waited, which the server would remember, is the worst one later.
                ("plan_cache_mode", "force_custom_plan".to_owned()),
                // Who is cut off from the server keeps nobody else waiting for longer than this.
                ("idle_in_transaction_session_timeout", milliseconds(self.statement_timeout)),
            ]);
        if let Some(schema) = &self.schema {
            options = options.options([("search_path", schema)]);
        }
        if let Some(root) = &self.tls.root {
            options = options.ssl_root_cert(root);
        }
        if let Some(certificate) = &self.tls.certificate {
            options = options.ssl_client_cert(certificate);
        }
        if let Some(key) = &self.tls.key {
            options = options.ssl_client_key(key);
        }
        options
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("address", &self.address())
            .field("username", &self.username)
            .field("password", &self.password.as_ref().map(|_| format_args!("Secret(_)")))
            .field("schema", &self.schema)
            .field("tls", &self.tls)
            .field("application", &self.application)
            .field("connections", &self.connections)
            .field("statement_timeout", &self.statement_timeout)
            .finish()
    }
}

impl From<Mode> for PgSslMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Disable => PgSslMode::Disable,
            Mode::Allow => PgSslMode::Allow,
            Mode::Prefer => PgSslMode::Prefer,
            Mode::Require => PgSslMode::Require,
            Mode::VerifyCa => PgSslMode::VerifyCa,
            Mode::VerifyFull => PgSslMode::VerifyFull,
        }
    }
}
