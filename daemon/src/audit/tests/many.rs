//! Many who write at once; segments that are closed and deleted.

use super::*;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_write_at_once_get_their_line_and_the_chain_is_whole() {
    let log = Log::new(Rules { max_size: 50_000, ..Rules::default() }).await;
    let asks = (0..50).map(|who| {
        let audit = log.audit.clone();
        tokio::spawn(async move {
            for n in 0..20 {
                audit.append(entry(who * 100 + n)).await.unwrap();
            }
        })
    });
    for ask in asks.collect::<Vec<_>>() {
        ask.await.unwrap();
    }
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.lines == 1000 && verdict.segments > 3, "{verdict:?}");
    let mut ids: Vec<String> = log.lines().into_iter().map(|line| line.entry.request_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 1000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_write_one_chain() {
    let log = Log::new(Rules { max_size: 8000, ..Rules::default() }).await;
    let beside = Audit::open(log.state.clone(), &log.folder(), log.rules).await.unwrap();
    let asks: Vec<_> = [log.audit.clone(), beside.clone()]
        .into_iter()
        .map(|audit| {
            tokio::spawn(async move {
                for n in 0..150 {
                    audit.append(entry(n)).await.unwrap();
                }
            })
        })
        .collect();
    for ask in asks {
        ask.await.unwrap();
    }
    beside.close().await;
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.lines == 300 && verdict.segments > 5, "{verdict:?}");
    assert!(log.files().iter().all(|f| std::fs::metadata(f).unwrap().len() <= 8000));
}

#[tokio::test]
async fn a_segment_is_closed_by_age() {
    let log = Log::new(Rules { max_age: Some(Duration::from_millis(30)), ..Rules::default() }).await;
    log.add(0..2).await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    log.add(2..3).await;
    assert_eq!(log.files().len(), 2);
    assert!(log.verdict().await.sound);
}

#[tokio::test]
async fn what_is_kept_no_longer_goes_and_the_rest_is_sound() {
    let rules = Rules { max_size: 2500, keep: Some(Duration::from_millis(100)), ..Rules::default() };
    let mut log = Log::new(rules).await;
    log.add(0..20).await;
    let before = log.files();
    log.audit.retain();
    tokio::time::sleep(Duration::from_millis(150)).await;
    log.add(20..25).await;
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while log.files().iter().any(|f| before[..before.len() - 1].contains(f)) {
        assert!(std::time::Instant::now() < deadline, "{:?}", log.files());
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.first > 10 && verdict.last == 25, "{verdict:?}");
    // The oldest that is kept now is missed when it goes.
    log.reopen().await;
    let oldest = log.files().remove(0);
    std::fs::remove_file(oldest).unwrap();
    assert!(!log.verdict().await.sound);
}

#[tokio::test]
async fn what_is_closed_takes_no_more_lines_and_says_so() {
    let log = Log::new(Rules::default()).await;
    let queued: Vec<_> = (0..5).map(|n| log.audit.submit(&entry(n))).collect();
    log.audit.close().await;
    for receipt in queued {
        receipt.written().await.unwrap();
    }
    let error = log.audit.append(entry(9)).await.unwrap_err();
    assert!(error.to_string().contains("closed"), "{error}");
    assert_eq!(log.lines().len(), 5);
}

#[tokio::test]
async fn who_wrote_long_ago_goes_on_though_its_last_segment_is_kept_no_longer() {
    let rules = Rules { max_size: 2500, keep: Some(Duration::from_millis(20)), ..Rules::default() };
    let log = Log::new(rules).await;
    let idle = Audit::open(log.state.clone(), &log.folder(), log.rules).await.unwrap();
    idle.append(entry(0)).await.unwrap();
    log.add(1..20).await;
    tokio::time::sleep(Duration::from_millis(40)).await;
    log.audit.retain();
    let deadline = std::time::Instant::now() + Duration::from_secs(5);
    while log.lines()[0].seq == 1 {
        assert!(std::time::Instant::now() < deadline);
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    idle.append(entry(20)).await.unwrap();
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.last == 21, "{verdict:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checking_raises_no_false_alarm_while_others_write_and_old_segments_go() {
    let rules = Rules { max_size: 4000, keep: Some(Duration::from_millis(50)), ..Rules::default() };
    let log = Log::new(rules).await;
    log.audit.retain();
    let beside = Audit::open(log.state.clone(), &log.folder(), log.rules).await.unwrap();
    let asks: Vec<_> = [log.audit.clone(), log.audit.clone(), beside]
        .into_iter()
        .map(|audit| {
            tokio::spawn(async move {
                for n in 0..400 {
                    audit.append(entry(n)).await.unwrap();
                    if n % 20 == 0 {
                        tokio::time::sleep(Duration::from_millis(2)).await;
                    }
                }
            })
        })
        .collect();
    let mut checks = 0;
    while asks.iter().any(|ask| !ask.is_finished()) {
        let verdict = log.verdict().await;
        assert!(verdict.sound, "{verdict:?}");
        let mut found = log.audit.lines(Filter::default(), Order::Newest).unwrap();
        let newest: Vec<u64> = std::iter::from_fn(|| found.read().unwrap())
            .take(20)
            .map(|line| serde_json::from_slice::<Line>(&line).unwrap().seq)
            .collect();
        assert!(newest.windows(2).all(|two| two[0] == two[1] + 1), "{newest:?}");
        checks += 1;
    }
    for ask in asks {
        ask.await.unwrap();
    }
    let verdict = log.verdict().await;
    assert!(verdict.sound && verdict.last == 1200 && verdict.first > 1 && checks > 3, "{checks} {verdict:?}");
}

/// Not a bound on time, which would depend on the machine: what opening costs is printed.
#[tokio::test]
async fn opening_a_log_of_many_segments() {
    let mut log = Log::new(Rules { max_size: 1, ..Rules::default() }).await;
    log.add(0..1000).await;
    assert_eq!(log.files().len(), 1000);
    log.audit.close().await;
    let mut took: Vec<Duration> = Vec::new();
    for _ in 0..20 {
        let begun = std::time::Instant::now();
        log.open().await;
        took.push(begun.elapsed());
    }
    took.sort();
    println!("1000 segments opened: median {:?}, worst {:?}", took[10], took[19]);
    assert!(log.verdict().await.sound);
}

/// Not a bound on time, which would depend on the machine: what appending costs is printed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn appending_alone_and_together() {
    let log = Log::new(Rules::default()).await;
    let mut alone: Vec<Duration> = Vec::new();
    for n in 0..300 {
        let begun = std::time::Instant::now();
        log.audit.append(entry(n)).await.unwrap();
        alone.push(begun.elapsed());
    }
    alone.sort();
    let begun = std::time::Instant::now();
    let asks = (0..200).map(|who| {
        let audit = log.audit.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            for n in 0..20 {
                let begun = std::time::Instant::now();
                audit.append(entry(who + n)).await.unwrap();
                took.push(begun.elapsed());
            }
            took
        })
    });
    let mut together = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        together.extend(ask.await.unwrap());
    }
    let rate = 4000.0 / begun.elapsed().as_secs_f64();
    together.sort();
    println!(
        "alone: median {:?}, p99 {:?}; 200 at once: median {:?}, p99 {:?}, {rate:.0} lines a second",
        alone[150], alone[297], together[2000], together[3960]
    );
    assert!(log.verdict().await.sound);
}
