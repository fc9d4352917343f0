//! Bad clients and bad input: they get an answer that says what is wrong, and nobody else notices.

mod commands;
pub mod dice;
mod files;
mod half_open;
mod routes;
mod sockets;
