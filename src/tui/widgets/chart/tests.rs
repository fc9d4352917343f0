use super::*;
use crate::tui::testing::{plain, rows};
use proptest::prelude::*;
use wharf_protocol::{ChartField, ColumnKind::Number, ColumnKind::Text};

const THEME: Theme = Theme { color: false, ascii: false };
const ASCII: Theme = Theme { color: false, ascii: true };

fn field(name: &str, kind: &str) -> ChartField {
    ChartField { field: name.to_owned(), r#type: kind.to_owned(), title: name.to_owned() }
}

fn chart(mark: ChartMark, kind: &str, color: bool) -> Chart {
    Chart {
        mark,
        title: String::new(),
        x: Some(field("x", kind)),
        y: vec![field("amount", "quantitative")],
        color: color.then(|| field("channel", "nominal")),
        summary: String::new(),
    }
}

#[test]
fn bars_show_negative_values_exact_numbers_and_what_was_dropped() {
    let rows = rows(
        &[("x", Text), ("amount", Number)],
        &[
            &[Some("north"), Some("1200.50")],
            &[Some("日本語の長いラベルです"), Some("-400")],
            &[Some("west"), None],
            &[Some("south"), Some("1")],
            &[Some("zero"), Some("0")],
        ],
    );
    let chart = chart(ChartMark::Bar, "nominal", false);
    insta::assert_snapshot!("bars", plain(&draw(&chart, &rows, 48, 12, THEME)));
    insta::assert_snapshot!("bars_ascii", plain(&draw(&chart, &rows, 40, 12, ASCII)));
}

#[test]
fn a_line_has_axes_round_steps_and_time_to_scale() {
    let data: Vec<[Option<&str>; 2]> = vec![
        [Some("2024-01-01"), Some("120000")],
        [Some("2024-02-01"), Some("180000")],
        [Some("2024-03-01"), None],
        [Some("2024-04-01"), Some("90000")],
        [Some("2024-12-01"), Some("210000")],
    ];
    let data: Vec<&[Option<&str>]> = data.iter().map(|r| &r[..]).collect();
    let rows = rows(&[("x", Text), ("amount", Number)], &data);
    insta::assert_snapshot!(
        "line",
        plain(&draw(&chart(ChartMark::Line, "temporal", false), &rows, 60, 12, THEME))
    );
    insta::assert_snapshot!(
        "line_ascii",
        plain(&draw(&chart(ChartMark::Line, "temporal", false), &rows, 40, 10, ASCII))
    );
    insta::assert_snapshot!(
        "area",
        plain(&draw(&chart(ChartMark::Area, "temporal", false), &rows, 40, 10, THEME))
    );
    insta::assert_snapshot!(
        "points",
        plain(&draw(&chart(ChartMark::Point, "temporal", false), &rows, 40, 10, THEME))
    );
}

#[test]
fn series_differ_without_colour() {
    let rows = rows(
        &[("x", Text), ("channel", Text), ("amount", Number)],
        &[
            &[Some("2024-01-01"), Some("web"), Some("10")],
            &[Some("2024-01-01"), Some("phone"), Some("4")],
            &[Some("2024-02-01"), Some("web"), Some("12")],
            &[Some("2024-02-01"), Some("phone"), Some("-6")],
        ],
    );
    let line = plain(&draw(&chart(ChartMark::Line, "temporal", true), &rows, 50, 10, THEME));
    assert!(line.contains("● web") && line.contains("▲ phone"), "{line}");
    insta::assert_snapshot!("two_series", line);
    insta::assert_snapshot!(
        "two_series_bars",
        plain(&draw(&chart(ChartMark::Bar, "temporal", true), &rows, 50, 10, THEME))
    );
}

#[test]
fn nothing_to_draw_is_said() {
    let none = rows(&[("x", Text), ("amount", Number)], &[&[Some("a"), None], &[Some("b"), None]]);
    let text = plain(&draw(&chart(ChartMark::Bar, "nominal", false), &none, 60, 10, THEME));
    assert_eq!(text, "no chart: none of the 2 values can be drawn");
    let other = rows(&[("y", Text)], &[]);
    let text = plain(&draw(&chart(ChartMark::Bar, "nominal", false), &other, 60, 10, THEME));
    assert_eq!(text, "no chart: the result has no column to measure");
}

#[test]
fn a_single_value_is_grouped() {
    let one = rows(&[("amount", Number)], &[&[Some("1234567.89")]]);
    let mut value = chart(ChartMark::Value, "nominal", false);
    value.x = None;
    assert_eq!(plain(&draw(&value, &one, 40, 5, THEME)), "1,234,567.89  amount");
}

proptest! {
    #[test]
    fn no_data_breaks_the_frame(
        values in proptest::collection::vec((".{0,6}", proptest::option::of(any::<f64>())), 0..30),
        limit in 1_usize..90, height in 0_usize..25, mark in 0_usize..4, ascii: bool,
    ) {
        let texts: Vec<(String, Option<String>)> = values.into_iter().map(|(x, y)| (x, y.map(|y| y.to_string()))).collect();
        let data: Vec<[Option<&str>; 2]> = texts.iter().map(|(x, y)| [Some(x.as_str()), y.as_deref()]).collect();
        let data: Vec<&[Option<&str>]> = data.iter().map(|r| &r[..]).collect();
        let rows = rows(&[("x", Text), ("amount", Number)], &data);
        let mark = [ChartMark::Bar, ChartMark::Line, ChartMark::Area, ChartMark::Point][mark];
        let lines = draw(&chart(mark, "nominal", false), &rows, limit, height, Theme { color: true, ascii });
        prop_assert!(!lines.is_empty());
        if mark != ChartMark::Bar {
            for line in &lines {
                prop_assert!(line.width() <= limit.max(16) + 12, "{line:?}");
            }
        }
    }
}
