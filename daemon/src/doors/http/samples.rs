//! Samples of a table.

use super::access::Asker;
use super::execute::collected;
use super::failure::{Body, Failure, Path};
use super::queries::Output;
use crate::formats::Style;
use axum::Json;
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;
use wharf_protocol::{ApiError, ErrorKind, Format, Sample, SampleRequest};

pub(super) async fn stream(
    asker: Asker,
    output: Output,
    headers: HeaderMap,
    Body(request): Body<SampleRequest>,
) -> Result<Response, Failure> {
    let style = Style { no_header: request.no_header, null: request.null.clone() };
    let format = request.format;
    let statement = crate::sampling::statement(&asker.gate, request).await?;
    super::queries::send(&asker, &headers, output, statement, format, style).await
}

/// `POST /api/tables/{table}/sample`
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TableSample {
    pub(super) sample_type: SampleType,
    /// A whole number of rows; for random samples also a share between 0 and 1.
    pub(super) sample_size: f64,
    /// The same seed over the same data draws the same rows.
    #[serde(default)]
    #[schema(format = "uint32")]
    pub(super) seed: Option<u32>,
    /// JSON, CSV, Parquet or Arrow.
    #[serde(default)]
    pub(super) output_format: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SampleType {
    First,
    Random,
}

/// A sample as JSON.
#[derive(Serialize, ToSchema)]
pub(super) struct Sampled {
    #[schema(value_type = Vec<Object>)]
    data: Box<RawValue>,
}

pub(super) async fn of_table(
    asker: Asker,
    Path(table): Path<String>,
    headers: HeaderMap,
    Body(asked): Body<TableSample>,
) -> Result<Response, Failure> {
    give(&asker, &headers, table, None, asked).await
}

/// Rows of one table. A random sample of less than one is a share, of one or more a number of rows.
pub(super) async fn give(
    asker: &Asker,
    headers: &HeaderMap,
    table: String,
    source: Option<String>,
    asked: TableSample,
) -> Result<Response, Failure> {
    let format = format_of(asked.output_format.as_deref())?;
    let wanted = SampleRequest {
        table,
        source,
        sample: size(&asked)?,
        seed: asked.seed,
        format,
        cwd: None,
        max_age: None,
        no_header: false,
        null: None,
    };
    let statement = crate::sampling::statement(&asker.gate, wanted).await?;
    if format == Format::Json {
        let (_, rows) = collected(asker, statement).await?;
        return Ok(Json(Sampled { data: rows }).into_response());
    }
    super::queries::send(asker, headers, Output::body(), statement, format, Style::default()).await
}

fn size(asked: &TableSample) -> Result<Sample, ApiError> {
    match (asked.sample_type, whole(asked.sample_size)) {
        (SampleType::First, Some(rows)) => Ok(Sample::First(rows)),
        (SampleType::Random, Some(rows)) if rows >= 1 => Ok(Sample::Random(rows)),
        (SampleType::Random, _) if asked.sample_size > 0.0 && asked.sample_size < 1.0 => {
            Ok(Sample::Percent(asked.sample_size * 100.0))
        }
        _ => {
            let message =
                "sample_size is a whole number of rows, or for random samples a share between 0 and 1";
            Err(ApiError::new(ErrorKind::Invalid, "bad_sample", message))
        }
    }
}

/// A number without fraction that fits.
fn whole(size: f64) -> Option<u64> {
    let fits = size >= 0.0 && size.fract() == 0.0 && size <= 1e15;
    fits.then(|| format!("{size:.0}").parse().ok()).flatten()
}

fn format_of(name: Option<&str>) -> Result<Format, ApiError> {
    Ok(match name.unwrap_or("JSON").to_ascii_lowercase().as_str() {
        "json" => Format::Json,
        "csv" => Format::Csv,
        "parquet" => Format::Parquet,
        "arrow" => Format::Arrow,
        other => {
            let message = format!("`{other}` is not a format that samples come in");
            return Err(
                ApiError::new(ErrorKind::Invalid, "format", message).hint("say JSON, CSV, Parquet or Arrow")
            );
        }
    })
}
