//! What deserves a look. Pure: it reads the finished figures.

use wharf_protocol::{Alert, ColumnKind, ColumnProfile, Profile};

/// From this share of NULLs on a column is mostly empty.
const MOSTLY: f64 = 0.5;
/// From this |r| on two columns say nearly the same.
const HIGH: f64 = 0.9;
/// From this share of zeros on they are worth a word.
const ZEROS: f64 = 0.5;
/// Distance of mean and median in standard deviations from which a column is skewed.
const SKEWED: f64 = 0.3;

/// The alerts of a profile: of the table first, then column by column.
pub(super) fn of(profile: &Profile) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let repeated = &profile.duplicate_rows;
    if repeated.value > 0 {
        let about = if repeated.exact { "" } else { "about " };
        let share = percent(repeated.value, profile.rows);
        alerts.push(alert(
            "duplicates",
            None,
            format!("{about}{} rows ({share}) repeat an earlier row", repeated.value),
        ));
    }
    for column in &profile.columns {
        if profile.rows > 0 {
            of_column(column, profile.rows, &mut alerts);
        }
    }
    for pair in &profile.correlations {
        if let Some(r) = pair.r.filter(|r| r.abs() >= HIGH) {
            let message = format!("{} and {} go together: r = {r:.3}", pair.a, pair.b);
            alerts.push(alert("high_correlation", Some(&pair.a), message));
        }
    }
    alerts
}

fn of_column(column: &ColumnProfile, rows: u64, alerts: &mut Vec<Alert>) {
    let present = rows - column.nulls;
    let name = &column.name;
    let mut add = |kind: &str, message: String| alerts.push(alert(kind, Some(name), message));
    if present == 0 {
        return add("all_null", format!("{name} is NULL in every row"));
    }
    if column.nulls as f64 / rows as f64 > MOSTLY {
        add("mostly_null", format!("{name} is NULL in {} of the rows", percent(column.nulls, rows)));
    }
    let distinct = &column.distinct;
    // Measurements hardly ever repeat, which says nothing about them.
    let measured = matches!(column.r#type.as_str(), "DOUBLE" | "FLOAT");
    if distinct.exact && distinct.value == 1 {
        let value = column.top.first().map(|t| &t.value).or(column.min.as_ref());
        let value = value.map(|v| format!(": {v}")).unwrap_or_default();
        add("constant", format!("{name} has one value only{value}"));
    } else if distinct.exact && distinct.value == present && present > 1 && !measured {
        add(
            "unique",
            format!(
                "{name} has a different value in every row{}",
                if column.nulls > 0 { " that has one" } else { "" }
            ),
        );
    }
    let Some(number) = column.number.as_ref().filter(|_| column.kind == ColumnKind::Number) else { return };
    if number.not_finite > 0 {
        add("not_finite", format!("{name} holds {} values that are NaN or infinite", number.not_finite));
    }
    if number.zeros as f64 / present as f64 > ZEROS && distinct.value > 1 {
        add("zeros", format!("{name} is zero in {} of its values", percent(number.zeros, present)));
    }
    let median = number.quantiles.iter().find(|q| q.q == 0.5).and_then(|q| q.value.parse::<f64>().ok());
    if let (Some(mean), Some(std), Some(median)) = (number.mean, number.std, median)
        && std > 0.0
        && (mean - median).abs() / std > SKEWED
    {
        let side = if mean > median { "high" } else { "low" };
        add(
            "skewed",
            format!(
                "{name} has a long tail of {side} values: its mean lies {:.2} standard deviations from its median",
                (mean - median).abs() / std
            ),
        );
    }
}

fn alert(kind: &str, column: Option<&str>, message: String) -> Alert {
    Alert { kind: kind.to_owned(), column: column.map(str::to_owned), message }
}

fn percent(part: u64, of: u64) -> String {
    let share = part as f64 * 100.0 / of.max(1) as f64;
    match share {
        s if s > 99.9 && part < of => "more than 99.9%".to_owned(),
        s if s < 0.1 && part > 0 => "less than 0.1%".to_owned(),
        s => format!("{s:.1}%"),
    }
}
