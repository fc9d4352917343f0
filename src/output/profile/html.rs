//! A profile as one page: no script, nothing loaded from elsewhere, readable in light and in dark.

use super::figures::{counted, share, short, value, whole};
use crate::output::visible;
use std::fmt::Write as _;
use wharf_protocol::{Alert, ColumnProfile, Correlation, NumberStats, Profile};

const STYLE: &str = include_str!("page.css");
/// Numeric columns up to which correlations are drawn as a matrix.
const MATRIX: usize = 20;

/// The page.
pub fn page(profile: &Profile) -> String {
    let mut out = String::with_capacity(16 << 10);
    let title = text(&profile.table);
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}: profile</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n"
    );
    head(profile, &title, &mut out);
    alerts(&profile.alerts, profile, &mut out);
    overview(profile, &mut out);
    for (i, column) in profile.columns.iter().enumerate() {
        section(i, column, profile, &mut out);
    }
    correlations(&profile.correlations, &mut out);
    foot(profile, &mut out);
    out.push_str("</body>\n</html>\n");
    out
}

/// Data as it may stand between tags and in quoted attributes.
fn text(data: &str) -> String {
    let mut out = String::with_capacity(data.len());
    for c in visible(data).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

fn head(profile: &Profile, title: &str, out: &mut String) {
    let cells: u64 = profile.rows.saturating_mul(profile.columns.len() as u64);
    let nulls: u64 = profile.columns.iter().map(|c| c.nulls).sum();
    let facts = [
        ("rows", whole(profile.rows)),
        ("columns", whole(profile.columns.len() as u64)),
        ("values missing", share(nulls, cells)),
        ("rows that repeat", counted(&profile.duplicate_rows)),
        ("alerts", whole(profile.alerts.len() as u64)),
    ];
    let _ = write!(out, "<header>\n<h1>{title}</h1>\n<dl class=\"facts\">");
    for (name, fact) in facts {
        let _ = write!(out, "<div><dt>{name}</dt><dd>{fact}</dd></div>");
    }
    out.push_str("</dl>\n</header>\n<main>\n");
}

fn alerts(alerts: &[Alert], profile: &Profile, out: &mut String) {
    if alerts.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Alerts</h2>\n<table class=\"alerts\"><tbody>\n");
    for alert in alerts {
        let place = profile.columns.iter().position(|c| Some(&c.name) == alert.column.as_ref());
        let message = text(&alert.message);
        let message = place.map_or(message.clone(), |i| format!("<a href=\"#c{i}\">{message}</a>"));
        let kind = text(&alert.kind.replace('_', " "));
        let _ = writeln!(out, "<tr><td><span class=\"tag\">{kind}</span></td><td>{message}</td></tr>");
    }
    out.push_str("</tbody></table>\n</section>\n");
}

fn overview(profile: &Profile, out: &mut String) {
    out.push_str(
        "<section>\n<h2>Columns</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th>column</th><th>type</th>\
         <th class=\"n\">missing</th><th class=\"n\">distinct</th><th>smallest</th><th>largest</th><th></th></tr></thead>\n<tbody>\n",
    );
    for (i, column) in profile.columns.iter().enumerate() {
        let end =
            |end: &Option<String>| end.as_ref().map(|e| clipped(&value(column, e), 32)).unwrap_or_default();
        let _ = writeln!(
            out,
            "<tr><td><a href=\"#c{i}\">{}</a></td><td class=\"type\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            clipped(&column.name, 48),
            clipped(&column.r#type.to_lowercase(), 32),
            share(column.nulls, profile.rows),
            counted(&column.distinct),
            end(&column.min),
            end(&column.max),
            histogram(column, 120, 24, false),
        );
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

/// The beginning of a text, escaped; the whole of it where the mouse rests.
fn clipped(data: &str, most: usize) -> String {
    match data.char_indices().nth(most) {
        Some((end, _)) => format!("<span title=\"{}\">{}…</span>", text(data), text(&data[..end])),
        None => text(data),
    }
}

fn section(i: usize, column: &ColumnProfile, profile: &Profile, out: &mut String) {
    let _ = writeln!(
        out,
        "<section id=\"c{i}\" class=\"column\">\n<h3>{} <small class=\"type\">{}</small></h3>",
        text(&column.name),
        clipped(&column.r#type.to_lowercase(), 80)
    );
    for alert in profile.alerts.iter().filter(|a| a.column.as_ref() == Some(&column.name)) {
        let _ = writeln!(
            out,
            "<p class=\"alert\"><span class=\"tag\">{}</span> {}</p>",
            text(&alert.kind.replace('_', " ")),
            text(&alert.message)
        );
    }
    out.push_str("<div class=\"parts\">\n<table class=\"figures\"><tbody>\n");
    for (name, figure) in figures(column, profile.rows) {
        let _ = writeln!(out, "<tr><th>{name}</th><td>{figure}</td></tr>");
    }
    out.push_str("</tbody></table>\n");
    if !column.histogram.is_empty() {
        let _ = writeln!(
            out,
            "<figure>{}<figcaption>{} equally wide bins</figcaption></figure>",
            histogram(column, 420, 130, true),
            column.histogram.len()
        );
    }
    top(column, profile.rows, out);
    out.push_str("</div>\n</section>\n");
}

fn figures(column: &ColumnProfile, rows: u64) -> Vec<(String, String)> {
    let mut list: Vec<(String, String)> = Vec::new();
    let mut add = |name: &str, figure: String| list.push((name.to_owned(), figure));
    add("missing", format!("{} ({})", whole(column.nulls), share(column.nulls, rows)));
    add("distinct", counted(&column.distinct));
    if let (Some(min), Some(max)) = (&column.min, &column.max) {
        add("smallest", clipped(&value(column, min), 60));
        add("largest", clipped(&value(column, max), 60));
    }
    if let Some(number) = &column.number {
        of_number(column, number, &mut add);
    }
    if let Some(lengths) = &column.text {
        add("length", format!("{} to {}", whole(lengths.min_length), whole(lengths.max_length)));
        add("mean length", short(lengths.mean_length));
        add("empty", whole(lengths.empty));
    }
    list
}

fn of_number(column: &ColumnProfile, number: &NumberStats, add: &mut impl FnMut(&str, String)) {
    if let Some(mean) = number.mean {
        add("mean", short(mean));
    }
    if let Some(std) = number.std {
        add("standard deviation", short(std));
    }
    if let Some(sum) = &number.sum {
        add("sum", text(&value(column, sum)));
    }
    add("zero", whole(number.zeros));
    add("negative", whole(number.negative));
    if number.not_finite > 0 {
        add("not finite", whole(number.not_finite));
    }
    for q in &number.quantiles {
        let mark = if q.exact { "" } else { "~" };
        add(&format!("{:.0}% quantile", q.q * 100.0), format!("{mark}{}", text(&value(column, &q.value))));
    }
}

/// Bars of equal width; each says its bounds and count where the mouse rests.
fn histogram(column: &ColumnProfile, width: u32, height: u32, axis: bool) -> String {
    let bins = &column.histogram;
    if bins.is_empty() {
        return String::new();
    }
    let most = bins.iter().map(|b| b.count).max().unwrap_or(0).max(1);
    let foot = if axis { 18 } else { 0 };
    let (step, tall) = (f64::from(width) / bins.len() as f64, f64::from(height - foot));
    let mut out = format!(
        "<svg class=\"bars\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\">"
    );
    for (i, bin) in bins.iter().enumerate() {
        let high = if bin.count == 0 { 0.0 } else { (bin.count as f64 / most as f64 * tall).max(1.0) };
        let (low_end, high_end) = (value(column, &bin.low), value(column, &bin.high));
        let _ = write!(
            out,
            "<rect x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{high:.1}\"><title>{} to {}: {}</title></rect>",
            i as f64 * step,
            tall - high,
            (step - 1.0).max(0.5),
            text(&low_end),
            text(&high_end),
            whole(bin.count),
        );
    }
    if let (true, Some(first), Some(last)) = (axis, bins.first(), bins.last()) {
        let y = height - 4;
        let ends = (text(&value(column, &first.low)), text(&value(column, &last.high)));
        let _ = write!(
            out,
            "<text x=\"0\" y=\"{y}\">{}</text><text x=\"{width}\" y=\"{y}\" text-anchor=\"end\">{}</text>",
            ends.0, ends.1
        );
    }
    out + "</svg>"
}

fn top(column: &ColumnProfile, rows: u64, out: &mut String) {
    let Some(most) = column.top.first().map(|t| t.count).filter(|n| *n > 1) else { return };
    out.push_str("<table class=\"top\"><thead><tr><th>frequent values</th><th class=\"n\">rows</th><th></th></tr></thead><tbody>\n");
    let mark = if column.top_exact { "" } else { "~" };
    for top in &column.top {
        let shown = if top.value.is_empty() {
            "<i>empty</i>".to_owned()
        } else {
            clipped(&value(column, &top.value), 40)
        };
        let _ = writeln!(
            out,
            "<tr><td>{shown}</td><td class=\"n\">{mark}{} <small>{}</small></td><td><svg class=\"bars\" width=\"100\" height=\"10\" role=\"presentation\"><rect width=\"{:.1}\" height=\"10\"/></svg></td></tr>",
            whole(top.count),
            text(&share(top.count, rows)),
            (top.count as f64 / most as f64 * 100.0).max(1.0),
        );
    }
    out.push_str("</tbody></table>\n");
}

fn correlations(pairs: &[Correlation], out: &mut String) {
    let mut names: Vec<&str> = Vec::new();
    for name in pairs.iter().flat_map(|p| [p.a.as_str(), p.b.as_str()]) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.len() < 2 || names.len() > MATRIX {
        return;
    }
    let r = |a: &str, b: &str| {
        pairs.iter().find(|p| p.a == a && p.b == b || p.a == b && p.b == a).and_then(|p| p.r)
    };
    out.push_str("<section>\n<h2>Correlations</h2>\n<div class=\"scroll\"><table class=\"matrix\"><thead><tr><th></th>");
    for name in &names {
        let _ = write!(out, "<th>{}</th>", clipped(name, 14));
    }
    out.push_str("</tr></thead><tbody>\n");
    for a in &names {
        let _ = write!(out, "<tr><th>{}</th>", clipped(a, 24));
        for b in &names {
            match if a == b { Some(1.0) } else { r(a, b) } {
                Some(r) => {
                    let side = if r < 0.0 { "neg" } else { "pos" };
                    let _ =
                        write!(out, "<td class=\"{side}\" style=\"--r:{:.0}%\">{r:.2}</td>", r.abs() * 70.0);
                }
                None => out.push_str("<td title=\"not defined: a column is constant\"></td>"),
            }
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n</section>\n");
}

fn foot(profile: &Profile, out: &mut String) {
    out.push_str("</main>\n<footer>\n");
    for note in &profile.notes {
        let _ = writeln!(out, "<p>{}</p>", text(note));
    }
    let _ = writeln!(
        out,
        "<p>~ marks estimates; everything else is exact. Profiled at {} in {} ms by wharf {}.</p>\n</footer>",
        text(&profile.created_at),
        short(profile.time_ms.round()),
        env!("CARGO_PKG_VERSION"),
    );
}

#[cfg(test)]
mod tests {
    use super::super::samples::profile;
    use super::*;

    #[test]
    fn names_and_values_are_only_text_and_nothing_is_loaded() {
        let page = page(&profile());
        for hostile in ["<script", "</title><script", "\u{202e}", "\u{1b}", "<b>"] {
            assert!(!page.contains(hostile), "{hostile:?} stands in the page");
        }
        assert!(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        for loads in [" src=\"", "<link", "@import", "url(", "<iframe", "<object"] {
            assert!(!page.contains(loads), "{loads:?} stands in the page");
        }
        assert_eq!(page.matches("<title>d.main.sales: profile</title>").count(), 1);
        assert!(page.contains("default-src 'none'"));
    }

    #[test]
    fn tags_are_closed_in_order() {
        let page = page(&profile());
        let mut open: Vec<&str> = Vec::new();
        for tag in page.split('<').skip(1) {
            let inside = tag.split('>').next().unwrap();
            let name = inside.trim_start_matches('/').split([' ', '/']).next().unwrap();
            if inside.starts_with('!') || inside.ends_with('/') || name == "meta" {
                continue;
            }
            if inside.starts_with('/') {
                assert_eq!(open.pop(), Some(name), "before <{tag}");
            } else {
                open.push(name);
            }
        }
        assert_eq!(open, Vec::<&str>::new());
    }

    #[test]
    fn every_column_has_a_section_and_every_bin_a_bar() {
        let page = page(&profile());
        assert_eq!(page.matches("class=\"column\"").count(), 3);
        // Twenty bins in the overview and in the section, and a bar for each of three frequent values.
        assert_eq!(page.matches("<rect").count(), 43);
        assert!(page.contains("~812") && page.contains("74,625.00") && page.contains("~98.00"));
    }
}
