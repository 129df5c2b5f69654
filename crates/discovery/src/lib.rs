//! Who is where: the Eureka and Config protocols, both as a server and as a client, and a balanced client to a named service.
//! Knows nothing of what the services do; names are data.

mod answer;
pub mod client;
pub mod forward;
#[doc(hidden)]
pub mod fuzz;
mod hash_code;
pub mod health;
mod instance;
pub mod server;

pub use client::{
    Address, Configuration, Configured, Directory, Question, Registration, configuration,
    keep_registered,
};
pub use forward::{CallError, Forwarder};
pub use instance::{Action, Instance, Lease, Port, Status};
pub use server::{Registry, RegistrySettings};
