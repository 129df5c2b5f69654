//! A process: configuration, lifecycle, HTTP server, problem responses, management endpoints, telemetry, clock.
//! Knows nothing of databases, brokers or what any service is for.

mod client;
pub mod config;
mod current;
pub mod http;
pub mod management;
mod outside;
pub mod problem;
mod run;
mod secret;
mod service;
pub mod telemetry;

pub use client::client;
pub use current::Current;
pub use outside::{Clock, Outside, Random};
pub use problem::Problem;
pub use run::run;
pub use secret::Secret;
pub use service::{Service, Stop};
