//! Whatever is changed is found: while the log is open, after it was closed and opened again, and after more lines came.

use super::*;

/// Something that is done to the files.
type Deed = fn(&[PathBuf]);

fn lines(path: &PathBuf, change: impl Fn(&mut Vec<Vec<u8>>)) {
    let bytes = std::fs::read(path).unwrap();
    let mut lines: Vec<Vec<u8>> = bytes.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
    change(&mut lines);
    std::fs::write(path, lines.concat()).unwrap();
}

fn bytes(path: &PathBuf, change: impl Fn(&mut Vec<u8>)) {
    let mut bytes = std::fs::read(path).unwrap();
    change(&mut bytes);
    std::fs::write(path, bytes).unwrap();
}

/// The chain made anew behind a changed line, as somebody would who knows how: only the note gives it away.
fn forge(path: &PathBuf) {
    use crate::audit::line::{Head, Header, Parts, put, put_header};
    lines(path, |lines| {
        let header = Header::of(&Parts::of(lines[0].strip_suffix(b"\n").unwrap()).unwrap()).unwrap();
        let previous = header.previous().unwrap();
        let mut text = Vec::new();
        let mut head: Head = header.head(put_header(&mut text, &header, &previous));
        for line in &lines[1..] {
            let line: Line = serde_json::from_slice(line).unwrap();
            let entry = Entry { rows: Some(7), ..line.entry };
            head = put(&mut text, head, &line.at, &serde_json::to_string(&entry).unwrap());
        }
        *lines = vec![text];
    });
}

const DEEDS: &[(&str, Deed)] = &[
    ("a byte of a statement", |f| bytes(&f[1], |b| b[700] ^= 1)),
    ("a digit of the last hash", |f| {
        bytes(f.last().unwrap(), |b| {
            let at = b.len() - 10;
            b[at] = if b[at] == b'a' { b'b' } else { b'a' };
        });
    }),
    ("two lines swapped", |f| lines(&f[1], |l| l.swap(2, 3))),
    ("a line removed", |f| lines(&f[1], |l| drop(l.remove(2)))),
    ("the first line of a segment removed", |f| lines(&f[1], |l| drop(l.remove(0)))),
    ("the first entry removed", |f| lines(&f[0], |l| drop(l.remove(1)))),
    ("the last line of a closed segment removed", |f| lines(&f[1], |l| drop(l.pop()))),
    ("a line twice", |f| lines(&f[1], |l| l.insert(2, l[1].clone()))),
    ("a line from elsewhere", |f| lines(&f[1], |l| l.insert(1, b"{\"seq\":9}\n".to_vec()))),
    ("an empty line", |f| lines(&f[1], |l| l.insert(1, b"\n".to_vec()))),
    ("the last line cut", |f| lines(f.last().unwrap(), |l| drop(l.pop()))),
    ("the end cut", |f| bytes(f.last().unwrap(), |b| b.truncate(b.len() - 3))),
    ("the last line break cut", |f| bytes(f.last().unwrap(), |b| b.truncate(b.len() - 1))),
    ("all but the first line cut", |f| lines(f.last().unwrap(), |l| l.truncate(1))),
    ("the last segment emptied", |f| bytes(f.last().unwrap(), Vec::clear)),
    ("a closed segment emptied", |f| bytes(&f[1], Vec::clear)),
    ("garbage at the end", |f| bytes(f.last().unwrap(), |b| b.extend_from_slice(b"\0\0\0\nmore\n"))),
    ("garbage in the middle", |f| bytes(&f[1], |b| b[500..560].fill(0))),
    ("the first segment gone", |f| std::fs::remove_file(&f[0]).unwrap()),
    ("a segment gone", |f| std::fs::remove_file(&f[1]).unwrap()),
    ("the last segment gone", |f| std::fs::remove_file(f.last().unwrap()).unwrap()),
    ("all gone", |f| f.iter().for_each(|f| std::fs::remove_file(f).unwrap())),
    ("two segments exchanged", |f| {
        std::fs::rename(&f[0], f[0].with_extension("x")).unwrap();
        std::fs::rename(&f[1], &f[0]).unwrap();
        std::fs::rename(f[0].with_extension("x"), &f[1]).unwrap();
    }),
    ("the last segment made anew", |f| forge(f.last().unwrap())),
    ("a closed segment made anew", |f| forge(&f[1])),
    ("another segment under the same number", |f| {
        std::fs::copy(&f[1], f[1].with_file_name("000002-20990101T000000Z.ndjson")).unwrap();
    }),
    ("a folder in place of a segment", |f| {
        std::fs::remove_file(&f[1]).unwrap();
        std::fs::create_dir(&f[1]).unwrap();
    }),
];

#[tokio::test]
async fn what_was_done_to_the_files_is_found_now_and_later() {
    for (what, deed) in DEEDS {
        for running in [true, false] {
            let mut log = Log::of(20).await;
            assert!(log.files().len() >= 4, "{}", log.files().len());
            let sound = log.verdict().await;
            assert!(sound.sound && sound.lines == 20 && sound.problems.is_empty(), "{sound:?}");
            if !running {
                log.audit.close().await;
            }
            deed(&log.files());
            if !running {
                log.open().await;
            }
            let verdict = log.verdict().await;
            assert!(!verdict.sound && !verdict.problems.is_empty(), "{what}, running {running}: {verdict:?}");
            log.add(20..23).await;
            assert!(!log.verdict().await.sound, "{what}, running {running}, after more lines");
            log.reopen().await;
            log.add(23..30).await;
            log.reopen().await;
            let verdict = log.verdict().await;
            assert!(!verdict.sound, "{what}, running {running}, after more starts: {verdict:?}");
            // What is written now is there whatever was done before.
            let mut newest = log.audit.lines(Filter::default(), Order::Newest).unwrap();
            let last: Line = serde_json::from_slice(&newest.read().unwrap().unwrap()).unwrap();
            assert_eq!(last.entry, entry(29), "{what}");
            assert!(last.seq >= 30, "{what}: {}", last.seq);
        }
    }
}

#[tokio::test]
async fn every_single_byte_counts() {
    let log = Log::of(8).await;
    for file in log.files() {
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut changed = whole.clone();
            changed[at] ^= 1 << (at % 8);
            std::fs::write(&file, &changed).unwrap();
            let verdict = log.verdict().await;
            let name = file.file_name().unwrap().to_str().unwrap();
            assert!(verdict.problems.iter().any(|p| p.file == name), "{name}, byte {at}: {verdict:?}");
        }
        std::fs::write(&file, &whole).unwrap();
    }
    assert!(log.verdict().await.sound);
}

#[tokio::test]
async fn a_problem_names_file_line_and_what_is_wrong() {
    let log = Log::of(12).await;
    let file = log.files()[1].clone();
    let name = file.file_name().unwrap().to_str().unwrap().to_owned();
    let seq: u64 = super::super::segment::list(&log.folder()).unwrap()[1].header().unwrap().0.first;
    lines(&file, |l| {
        l[2] = String::from_utf8(l[2].clone()).unwrap().replace("select", "SELECT").into_bytes();
    });
    let verdict = log.verdict().await;
    assert_eq!(verdict.found, 1, "{verdict:?}");
    assert_eq!((verdict.problems[0].file.as_str(), verdict.problems[0].line), (name.as_str(), 3));
    assert!(verdict.problems[0].what.contains("changed"), "{verdict:?}");
    lines(&file, |l| drop(l.remove(2)));
    let verdict = log.verdict().await;
    assert_eq!((verdict.found, verdict.problems[0].line), (1, 3));
    assert_eq!(verdict.problems[0].what, format!("line {} is missing", seq + 1));
    std::fs::remove_file(&file).unwrap();
    let verdict = log.verdict().await;
    assert_eq!(verdict.problems[0].what, "segment 2 is missing", "{verdict:?}");
}
