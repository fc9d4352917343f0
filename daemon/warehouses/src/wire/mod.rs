//! What sources that speak PostgreSQL's protocol share: encryption, what errors mean, how columns are read and built.

pub(crate) mod columns;
pub(crate) mod encryption;
pub(crate) mod read;
pub(crate) mod states;

use crate::Address;
use wharf_protocol::{ApiError, ErrorKind};

/// An option that is a whole number.
///
/// # Errors
/// When it is something else.
pub(crate) fn number(address: &Address, option: &str) -> Result<Option<u64>, ApiError> {
    let Some(text) = address.option(option) else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        let message = format!("the option `{option}` of the address is no whole number: {text}");
        ApiError::new(ErrorKind::Invalid, "bad_address", message)
    })
}
