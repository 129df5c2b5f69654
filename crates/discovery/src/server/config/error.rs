//! What can go wrong with a question, and how the caller is told.

use chassis::Problem;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConfigServerError {
    /// The question itself is wrong: 400, with this text.
    #[error("{0}")]
    Invalid(String),
    /// No repository has this label: 404.
    #[error("no such label: {0}")]
    NoSuchLabel(String),
    /// A repository has not been fetched yet: 503, with this text.
    #[error("{0}")]
    Unavailable(String),
    /// A file cannot be read: 500; the cause goes to the log.
    #[error("the configuration cannot be read")]
    Broken(#[source] anyhow::Error),
}

impl From<ConfigServerError> for Problem {
    fn from(error: ConfigServerError) -> Self {
        match error {
            ConfigServerError::Invalid(reason) => Problem::bad_request(reason),
            ConfigServerError::NoSuchLabel(_) => Problem::not_found(),
            ConfigServerError::Unavailable(reason) => {
                let cause = anyhow::anyhow!("{reason}");
                Problem::unavailable(reason, cause)
            }
            ConfigServerError::Broken(cause) => Problem::internal(cause),
        }
    }
}
