//! The whole program: in this process, from outside as a process, and the rules of the house.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "tests")]

mod cli;
mod crash;
mod dead_letters;
mod durability;
mod mail_server;
mod program;
mod recorded;
mod refusals;
mod registry;
mod rest;
mod run;
mod secrets;
mod story;
mod support;
mod tidy;
