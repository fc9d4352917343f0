use super::*;
use proptest::prelude::*;

/// What a terminal of this size shows after the bytes, scrollback first.
fn contents(bytes: &[u8], (columns, rows): (u16, u16)) -> Vec<String> {
    let mut parser = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 10_000);
    parser.process(bytes);
    let mut lines = Vec::new();
    parser.screen_mut().set_scrollback(usize::MAX);
    let above = parser.screen().scrollback();
    for back in (1..=above).rev() {
        parser.screen_mut().set_scrollback(back);
        lines.extend(parser.screen().rows(0, columns).next());
    }
    parser.screen_mut().set_scrollback(0);
    lines.extend(parser.screen().rows(0, columns));
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.into_iter().map(|l| l.trim_end().to_owned()).collect()
}

fn picture(lines: &[String]) -> Picture {
    Picture { lines: lines.iter().map(|l| Line::raw(l.clone())).collect(), cursor: Some((0, 0)) }
}

#[test]
fn finished_lines_stand_once_and_in_order_above_the_live_area() {
    let size = (20, 6);
    let mut bytes = Vec::new();
    let mut expected = Vec::new();
    {
        let mut screen = Screen::new(&mut bytes, size, 2);
        for i in 0..30 {
            let line = format!("line {i} 日本");
            screen
                .inline(&[Line::raw(line.clone())], &picture(&[format!("live {i}"), "status".into()]))
                .unwrap();
            expected.push(line);
        }
    }
    let lines = contents(&bytes, size);
    expected.extend(["live 29".to_owned(), "status".to_owned()]);
    assert_eq!(&lines[2..], &expected[..], "two lines of the shell stand above");
}

#[test]
fn a_line_as_wide_as_the_screen_keeps_its_last_glyph() {
    let size = (10, 4);
    let mut bytes = Vec::new();
    let mut screen = Screen::new(&mut bytes, size, 0);
    screen.inline(&[Line::raw("0123456789"), Line::raw("日本語日本")], &picture(&["x".into()])).unwrap();
    assert_eq!(contents(&bytes, size), ["0123456789", "日本語日本", "x"]);
}

#[test]
fn a_picture_over_the_whole_screen_leaves_the_scrollback_alone() {
    let size = (20, 5);
    let mut bytes = Vec::new();
    {
        let mut screen = Screen::new(&mut bytes, size, 0);
        screen.inline(&[Line::raw("kept")], &picture(&["live".into()])).unwrap();
        screen.whole(&picture(&["grid".into(), "row".into()])).unwrap();
        assert!(screen.is_whole());
        screen.whole(&picture(&["grid".into(), "row 2".into()])).unwrap();
        screen.inline(&[Line::raw("after")], &picture(&["live".into()])).unwrap();
    }
    assert_eq!(contents(&bytes, size), ["kept", "after", "live"]);
}

#[test]
fn leaving_clears_the_live_area_only() {
    let size = (20, 5);
    let mut bytes = Vec::new();
    {
        let mut screen = Screen::new(&mut bytes, size, 0);
        screen.inline(&[Line::raw("answer")], &picture(&["live".into(), "status".into()])).unwrap();
        screen.leave().unwrap();
    }
    assert_eq!(contents(&bytes, size), ["answer"]);
}

#[test]
fn what_has_not_changed_is_not_drawn_again() {
    let mut bytes = Vec::new();
    let mut screen = Screen::new(&mut bytes, (20, 5), 0);
    screen.inline(&[], &picture(&["unchanged".into(), "first".into()])).unwrap();
    screen.inline(&[], &picture(&["unchanged".into(), "second".into()])).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert_eq!(text.matches("unchanged").count(), 1, "{text:?}");
    assert!(text.contains("second") && text.ends_with("\u{1b}[?2026l"));
}

proptest! {
    #[test]
    fn every_line_stands_once_whatever_the_heights(
        steps in proptest::collection::vec((0_usize..9, 0_usize..7), 1..40), rows in 3_u16..12, top in 0_u16..12,
    ) {
        let size = (24, rows);
        let mut bytes = Vec::new();
        let mut expected: Vec<String> = Vec::new();
        let mut live = Vec::new();
        {
            let mut screen = Screen::new(&mut bytes, size, top);
            for (count, height) in steps {
                let finished: Vec<String> = (0..count).map(|i| format!("line {}", expected.len() + i)).collect();
                live = (0..height.min(usize::from(rows))).map(|i| format!("live {i}")).collect();
                let lines: Vec<Line<'_>> = finished.iter().map(|l| Line::raw(l.clone())).collect();
                screen.inline(&lines, &picture(&live)).unwrap();
                expected.extend(finished);
            }
        }
        let shown: Vec<String> = contents(&bytes, size).into_iter().filter(|l| !l.is_empty()).collect();
        expected.extend(live);
        prop_assert_eq!(shown, expected);
    }
}
