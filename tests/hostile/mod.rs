//! Bad clients and bad input: they get an answer that says what is wrong, and nobody else notices.

pub mod dice;
mod half_open;
mod sockets;
