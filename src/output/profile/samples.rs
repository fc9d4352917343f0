//! A profile to try the views with.

use crate::output::Terminal;
use wharf_protocol::*;

/// A terminal of this width.
pub(super) fn terminal(width: usize, color: bool) -> Terminal {
    Terminal {
        out: true,
        err: true,
        input: true,
        color_out: color,
        color_err: color,
        width: Some(width),
        height: Some(24),
        quiet: false,
        verbose: false,
        no_input: true,
        no_pager: true,
        pager: String::new(),
        unicode: true,
    }
}

fn column(name: &str, r#type: &str, kind: ColumnKind) -> ColumnProfile {
    ColumnProfile {
        name: name.to_owned(),
        r#type: r#type.to_owned(),
        kind,
        nulls: 0,
        distinct: Figure { value: 3, exact: true },
        min: None,
        max: None,
        number: None,
        text: None,
        top: Vec::new(),
        top_exact: true,
        histogram: Vec::new(),
    }
}

/// Two good columns and a hostile one.
pub(super) fn profile() -> Profile {
    let bins = (0..20)
        .map(|i: u64| Bin { low: i.to_string(), high: (i + 1).to_string(), count: i % 7 * 13 })
        .collect();
    let quantiles = [(0.05, "1.00"), (0.25, "50.00"), (0.5, "98.00"), (0.75, "150.00"), (0.95, "1000.00")];
    let amount = ColumnProfile {
        nulls: 250,
        distinct: Figure { value: 812, exact: false },
        min: Some("-12.50".into()),
        max: Some("1234.56".into()),
        number: Some(NumberStats {
            mean: Some(99.5),
            std: Some(12.25),
            sum: Some("74625.00".into()),
            zeros: 3,
            negative: 1,
            not_finite: 0,
            quantiles: quantiles.map(|(q, value)| Quantile { q, value: value.into(), exact: false }).into(),
        }),
        histogram: bins,
        ..column("amount", "DECIMAL(12,2)", ColumnKind::Number)
    };
    let top = [("north", 600), ("south", 399), ("<script>alert(1)</script>", 1)];
    let region = ColumnProfile {
        min: Some("<script>alert(1)</script>".into()),
        max: Some("south".into()),
        text: Some(TextStats { min_length: 0, max_length: 25, mean_length: 5.02, empty: 1 }),
        top: top.map(|(value, count)| TopValue { value: value.into(), count }).into(),
        ..column("region", "VARCHAR", ColumnKind::Text)
    };
    let hostile = "</title><script src=https://example.org/x.js></script>\u{202e}\"'&\u{1b}[31m";
    let alert = |kind: &str, column: &str, message: String| Alert {
        kind: kind.into(),
        column: Some(column.into()),
        message,
    };
    Profile {
        table: "d.main.sales".into(),
        created_at: "2026-01-02T03:04:05.000006Z".into(),
        reused: false,
        rows: 1_000,
        duplicate_rows: Figure { value: 7, exact: true },
        time_ms: 12.5,
        columns: vec![amount, region, column(hostile, "STRUCT(\"<b>\" INTEGER)", ColumnKind::Nested)],
        correlations: vec![
            Correlation { a: "amount".into(), b: "net".into(), r: Some(0.998) },
            Correlation { a: "amount".into(), b: hostile.into(), r: None },
        ],
        alerts: vec![
            alert("high_correlation", "amount", "amount and net go together: r = 0.998".into()),
            alert("constant", hostile, format!("{hostile} has one value only")),
        ],
        notes: vec![
            "correlations are of the first 20 of 300 numeric columns: pairs grow with the square".into(),
        ],
    }
}
