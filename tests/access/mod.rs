//! Others than the owner: who they are, what they see, how much they may take.

mod acme;
mod beneath;
mod chat;
mod contract;
mod credentials;
mod door;
mod generated_client;
mod guessing;
mod half_open;
mod login;
mod rights;
mod secrets;
pub mod server;
mod sight;
mod tables;
mod walk;
