//! What a crash leaves, what others write beside, what an earlier version has left.

use super::*;
use std::io::Write;

fn last(log: &Log) -> std::fs::File {
    std::fs::OpenOptions::new().append(true).open(log.files().pop().unwrap()).unwrap()
}

#[tokio::test]
async fn a_torn_line_is_cut_off_and_a_line_says_so() {
    for torn in [&b"{\"seq\":9,\"at\":\"2026"[..], b"\0\0\0\0", b"{", &[b'x'; 200_000]] {
        let mut log = Log::of(8).await;
        log.audit.close().await;
        last(&log).write_all(torn).unwrap();
        log.open().await;
        let verdict = log.verdict().await;
        assert!(verdict.sound && verdict.lines == 9, "{verdict:?}");
        let remark = log.lines().pop().unwrap().entry;
        assert_eq!((remark.action.as_str(), remark.outcome.as_str()), ("audit", "repaired"));
        assert!(remark.reason.unwrap().contains(&format!("{} bytes", torn.len())));
        assert!(String::from_utf8_lossy(torn).starts_with(&remark.statement) && !remark.statement.is_empty());
        log.add(8..10).await;
        assert!(log.verdict().await.sound);
    }
}

#[tokio::test]
async fn lines_behind_the_note_are_as_good_as_those_before_it() {
    // Killed before anything was noted, and between.
    let mut log = Log::new(Rules { max_size: 2500, ..Rules::default() }).await;
    for round in 0..4 {
        log.add(round * 7..round * 7 + 7).await;
        log.open().await;
        let verdict = log.verdict().await;
        assert!(verdict.sound, "{verdict:?}");
        assert_eq!(log.lines().len(), round * 7 + 7);
        if round == 1 {
            log.reopen().await;
        }
    }
    let numbers: Vec<u64> = log.lines().iter().map(|line| line.seq).collect();
    assert_eq!(numbers, (1..=28).collect::<Vec<u64>>());
}

#[tokio::test]
async fn a_log_without_its_note_goes_on() {
    let mut log = Log::of(8).await;
    log.audit.close().await;
    let kept = tempfile::tempdir().unwrap();
    log.state = State::open(kept.path()).await.unwrap();
    log.open().await;
    log.add(8..9).await;
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.lines == 9, "{verdict:?}");
}

#[tokio::test]
async fn a_log_whose_first_segments_went_with_an_older_state_goes_on_and_says_so() {
    let mut log = Log::of(20).await;
    log.audit.close().await;
    std::fs::remove_file(&log.files()[0]).unwrap();
    let kept = tempfile::tempdir().unwrap();
    log.state = State::open(kept.path()).await.unwrap();
    log.open().await;
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.first > 1, "{verdict:?}");
    let said = log.lines().pop().unwrap().entry;
    assert_eq!((said.action.as_str(), said.outcome.as_str()), ("audit", "damaged"));
    log.reopen().await;
    assert!(log.verdict().await.sound);
    std::fs::remove_file(&log.files()[0]).unwrap();
    assert!(!log.verdict().await.sound);
}

#[tokio::test]
async fn a_folder_that_is_none_of_ours_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let state = State::open(dir.path()).await.unwrap();
    let folder = dir.path().join("audit");
    std::fs::write(&folder, "x").unwrap();
    let error = Audit::open(state.clone(), &folder, Rules::default()).await.err().unwrap();
    assert!(error.to_string().contains(folder.to_str().unwrap()) && error.hint().is_some(), "{error}");
    std::fs::remove_file(&folder).unwrap();
    std::os::unix::fs::symlink(dir.path(), &folder).unwrap();
    assert!(Audit::open(state.clone(), &folder, Rules::default()).await.is_err());
    std::fs::remove_file(&folder).unwrap();
    // Open to others: closed.
    use std::os::unix::fs::PermissionsExt;
    std::fs::create_dir(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    let audit = Audit::open(state, &folder, Rules::default()).await.unwrap();
    audit.append(entry(0)).await.unwrap();
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in std::fs::read_dir(&folder).unwrap().flatten() {
        assert_eq!(mode(&file.path()), 0o600, "{:?}", file.path());
    }
}

#[tokio::test]
async fn who_keeps_the_log_locked_is_waited_for_and_then_named() {
    let log = Log::of(3).await;
    let lock = crate::audit::lock::Lock::open(&log.folder()).unwrap();
    let held = lock.hold().unwrap();
    let late = log.audit.submit(&entry(3));
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    drop(held);
    late.written().await.unwrap();
    let held = lock.hold().unwrap();
    let error = log.audit.append(entry(4)).await.unwrap_err();
    assert!(error.to_string().contains("audit/lock"), "{error}");
    assert_eq!(wharf_protocol::ApiError::from(error).kind, wharf_protocol::ErrorKind::Unavailable);
    drop(held);
    log.add(5..6).await;
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.lines == 5, "{verdict:?}");
}

#[tokio::test]
async fn a_last_segment_that_is_a_link_or_a_folder_refuses_the_start() {
    for link in [true, false] {
        let mut log = Log::of(8).await;
        log.audit.close().await;
        let file = log.files().pop().unwrap();
        std::fs::rename(&file, file.with_extension("aside")).unwrap();
        if link {
            std::os::unix::fs::symlink(file.with_extension("aside"), &file).unwrap();
        } else {
            std::fs::create_dir(&file).unwrap();
        }
        let error = Audit::open(log.state.clone(), &log.folder(), log.rules).await.err().unwrap();
        assert!(error.to_string().contains("audit"), "{error}");
        if link {
            std::fs::remove_file(&file).unwrap();
        } else {
            std::fs::remove_dir(&file).unwrap();
        }
        std::fs::rename(file.with_extension("aside"), &file).unwrap();
        log.open().await;
        assert!(log.verdict().await.sound);
    }
}

/// The table of the version before, filled as that version did.
async fn earlier(state: &State, lines: &[&str], spoil: bool) {
    let mut write = state.write().await.unwrap();
    let mut previous = String::new();
    for (n, line) in lines.iter().enumerate() {
        let hash = blake3::hash(format!("{previous}\n{line}").as_bytes()).to_hex().to_string();
        let kept = if spoil && n == 1 { line.replace("select", "SELECT") } else { (*line).to_owned() };
        sqlx::query("insert into audit (seq, line, hash) values (?, ?, ?)")
            .bind(i64::try_from(n + 1).unwrap())
            .bind(kept)
            .bind(&hash)
            .execute(write.on())
            .await
            .unwrap();
        previous = hash;
    }
    write.commit().await.unwrap();
}

#[tokio::test]
async fn lines_of_an_earlier_version_move_and_a_break_in_them_stays_one() {
    let lines = [1, 2, 3].map(|n| {
        format!(r#"{{"at":"2026-11-0{n}T00:00:00.000000Z","request_id":"r{n}","principal":"owner","action":"query","statement":"select {n}","tables":["t"],"route":"duckdb:fenced","outcome":"completed","reason":null,"rows":1,"bytes":2,"time_ms":0.5}}"#)
    });
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    for spoil in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let state = State::open(dir.path()).await.unwrap();
        earlier(&state, &lines, spoil).await;
        let rules = Rules::default();
        let audit = Audit::open(state.clone(), &dir.path().join("audit"), rules).await.unwrap();
        let mut log = Log { dir, state, audit, rules };
        log.add(3..4).await;
        let moved = log.lines();
        assert_eq!(moved.len(), 4);
        assert_eq!((moved[2].seq, moved[2].at.as_str()), (3, "2026-11-03T00:00:00.000000Z"));
        assert_eq!((moved[2].entry.statement.as_str(), moved[2].entry.rows), ("select 3", Some(1)));
        assert_eq!(log.verdict().await.sound, !spoil);
        log.reopen().await;
        assert_eq!(log.lines(), moved);
        let verdict = log.verdict().await;
        assert_eq!(verdict.sound, !spoil, "{verdict:?}");
        let left: i64 =
            sqlx::query_scalar("select count(*) from audit").fetch_one(log.state.read()).await.unwrap();
        assert_eq!(left, 0);
    }
}
