//! `wharf sample`: some rows of a table or file.

use super::Context;
use super::result::{RowsRequest, print};
use super::token::seconds;
use crate::cli::{OutputArgs, SampleArgs};
use crate::link::Failure;
use std::process::ExitCode;
use wharf_protocol::{Format, Sample, SampleRequest};

impl RowsRequest for SampleRequest {
    fn path(&self) -> &'static str {
        "/api/samples/stream"
    }

    fn shape(&mut self, format: Format, _limit: Option<u64>, args: &OutputArgs) {
        self.format = format;
        self.no_header = args.no_header || args.tuples_only;
        self.null.clone_from(&args.null);
    }
}

/// Runs the command.
///
/// # Errors
/// When there is no such table, or the sample makes no sense.
pub async fn run(context: &Context, args: SampleArgs) -> Result<ExitCode, Failure> {
    let sample = match (args.first, args.random, args.percent) {
        (_, Some(n), _) => Sample::Random(n),
        (_, _, Some(p)) => Sample::Percent(p),
        (first, ..) => Sample::First(first.or(args.output.limit).unwrap_or(10)),
    };
    if args.seed.is_some() && matches!(sample, Sample::First(_)) {
        return Err(Failure::usage("--seed goes with --random or --percent"));
    }
    let request = SampleRequest {
        table: args.table,
        source: context.source(),
        sample,
        seed: args.seed,
        format: Format::None,
        cwd: context.cwd_text(),
        max_age: args.max_age.as_deref().map(seconds).transpose()?,
        no_header: false,
        null: None,
    };
    let client = context.client().await?;
    print(context, &client, request, &args.output).await
}
