//! The client side: being found, and finding others.

mod address;
mod configuration;
mod contact;
mod directory;
mod eureka;
mod registration;

pub use address::{Address, AddressError};
pub use configuration::{Configuration, Configured, Question, configuration};
pub use directory::Directory;
pub use registration::{Registration, keep_registered};
