//! Statements that run elsewhere: from the port's stream of batches to a consumer that may block.

use super::{Cancel, Consumer, Outcome, Stop};
use crate::formats::Shape;
use futures::StreamExt;
use secrecy::SecretString;
use std::sync::Arc;
use wharf_policy::{Dialect, quoted};
use wharf_protocol::{ApiError, ErrorKind, SourceKind};
use wharf_warehouses::{Address, Answer, Ask, Databricks, Guarded, Postgres, Redshift, Snowflake, Source};

/// A source by its address. Nothing is asked of it yet.
///
/// # Errors
/// When the address lacks something.
pub fn connect(name: &str, address: &str, secret: Option<SecretString>) -> Result<Arc<dyn Source>, ApiError> {
    let address = Address::parse(address)?;
    let guarded = |source: Arc<dyn Source>| Ok(Arc::new(Guarded::new(name, source)) as Arc<dyn Source>);
    match address.kind {
        SourceKind::Postgres => guarded(Arc::new(Postgres::new(name, &address, secret.as_ref())?)),
        SourceKind::Redshift => guarded(Arc::new(Redshift::new(name, &address, secret.as_ref())?)),
        SourceKind::Snowflake => guarded(Arc::new(Snowflake::new(name, address, secret)?)),
        SourceKind::Databricks => guarded(Arc::new(Databricks::new(name, address, secret)?)),
        kind @ SourceKind::Duckdb => {
            let message = format!("sources of the kind {} cannot be added by an address", kind.name());
            Err(ApiError::new(ErrorKind::Invalid, "bad_address", message))
        }
    }
}

/// Whom a Databricks workspace takes the bearer of a token for. The token is shown to the workspace and to nobody else, and not
/// kept.
///
/// # Errors
/// `login_failed` when the workspace does not take it; else why it could not be asked.
pub async fn vouch(name: &str, address: &str, token: SecretString) -> Result<String, ApiError> {
    let mut address = Address::parse(address)?;
    // Whatever the source itself signs in with: this is a personal token.
    address.options.insert("auth".to_owned(), "pat".to_owned());
    address.options.remove("client_id");
    let workspace = Databricks::new(name, address, Some(token))?;
    match workspace.test().await {
        Ok(tested) => Ok(tested.user),
        Err(error) if matches!(error.kind, ErrorKind::Unauthorized | ErrorKind::Refused) => {
            let message = "the workspace does not take this token";
            Err(ApiError::new(ErrorKind::Unauthorized, "login_failed", message))
        }
        Err(error) => Err(error),
    }
}

/// A name as it stands in SQL: in quotes only where the engine would read it as something else without.
pub fn word(name: &str, dialect: Dialect) -> String {
    let fits = |own_case: fn(char) -> bool| {
        name.chars().enumerate().all(|(at, c)| own_case(c) || c == '_' || at > 0 && c.is_ascii_digit())
    };
    let plain = match dialect {
        Dialect::Snowflake => fits(|c| c.is_ascii_uppercase()),
        _ => fits(|c| c.is_ascii_lowercase()),
    };
    if plain && !name.is_empty() { name.to_owned() } else { quoted(name, dialect) }
}

/// Runs a statement and hands its rows on. Blocking; `runtime` waits for the source meanwhile.
///
/// # Errors
/// [`Stop`]: the reader went away, somebody cancelled it, or the source failed.
pub fn run(
    source: &dyn Source,
    ask: Ask,
    cancel: &Cancel,
    runtime: &tokio::runtime::Handle,
    consumer: &mut dyn Consumer,
) -> Result<Outcome, Stop> {
    let limit = ask.limit;
    let answer = until(runtime, cancel, source.execute(ask))?;
    let Answer { schema, mut batches, .. } = answer?;
    let shape = Arc::new(Shape::of_source(&schema));
    consumer.shape(&shape)?;
    let mut outcome = Outcome::default();
    while let Some(batch) = until(runtime, cancel, batches.next())? {
        let batch = outcome.count(batch?, limit);
        if batch.num_rows() > 0 {
            consumer.batch(batch)?;
        }
        if outcome.truncated {
            break;
        }
    }
    // The drop of what is left cancels the statement there.
    let _in_runtime = runtime.enter();
    drop(batches);
    consumer.end()?;
    Ok(outcome)
}

/// Waits for the source, unless somebody wishes the statement to end first: then what was waited for is dropped.
fn until<T>(
    runtime: &tokio::runtime::Handle,
    cancel: &Cancel,
    work: impl Future<Output = T>,
) -> Result<T, Stop> {
    runtime.block_on(async {
        tokio::select! {
            biased;
            () = cancel.wait() => Err(Stop::Cancelled),
            done = work => Ok(done),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_get_quotes_where_the_engine_would_read_something_else() {
        assert_eq!(word("orders_2", Dialect::Postgres), "orders_2");
        assert_eq!(word("Orders", Dialect::Postgres), "\"Orders\"");
        assert_eq!(word("2nd", Dialect::Redshift), "\"2nd\"");
        assert_eq!(word("ORDERS", Dialect::Snowflake), "ORDERS");
        assert_eq!(word("orders", Dialect::Snowflake), "\"orders\"");
        assert_eq!(word("größe `x`", Dialect::Databricks), "`größe ``x```");
    }
}
