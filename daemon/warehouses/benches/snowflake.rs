//! A million rows of ten columns from the face of Snowflake, beside a bare download of the same bytes: ratios count, not times.
//!
//! `sh scripts/faces.sh snowflake && cargo bench -p wharf-warehouses --bench snowflake`

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, missing_docs)]

use futures::{StreamExt, TryStreamExt};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use wharf_warehouses::{Address, Ask, Session, Snowflake, Source};

const ROWS: usize = 1_000_000;
const PARTS: usize = 50;
/// As many parts as the source fetches ahead.
const AHEAD: usize = 4;
const RUNS: usize = 7;

#[derive(serde::Deserialize)]
struct Part<'a> {
    #[serde(borrow)]
    data: Vec<Vec<Option<Cow<'a, str>>>>,
}

fn main() {
    let (mut face, base) = face();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let sql = format!("select canned({ROWS}, {PARTS})");
    let mut times: [Vec<Duration>; 4] = Default::default();
    // Taken in turns, so that what else the machine does meets all of them.
    for _ in 0..RUNS {
        times[0].push(runtime.block_on(bare(&base, &sql, false)));
        times[1].push(runtime.block_on(bare(&base, &sql, true)));
        let (first, whole) = runtime.block_on(ours(&base, &sql));
        times[2].push(whole);
        times[3].push(first);
    }
    drop(face.stdin.take());
    face.wait().unwrap();
    let [download, decoded, ours, first] = times.map(|mut times| {
        times.sort();
        times[RUNS / 2].as_secs_f64() * 1000.0
    });
    println!("{ROWS} rows x 10 in {PARTS} parts, medians of {RUNS}:");
    println!("  bare download, unpacked             {download:7.0} ms");
    println!("  the same, decoded into text cells   {decoded:7.0} ms");
    println!(
        "  source, as batches of Arrow         {ours:7.0} ms  {:.2}x of the decoded one",
        ours / decoded
    );
    let connector = connector();
    println!(
        "  Snowflake's Python connector        {connector:7.0} ms  {:.1}x the rate (at least 3x)",
        connector / ours
    );
    println!("  source, first batch                 {first:7.1} ms");
    println!("  peak memory of this process         {:7} MiB", peak());
}

/// Milliseconds that the vendor's own client takes for such rows, out of fakesnow in its own process.
fn connector() -> f64 {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let out = Command::new(top.join(".venv-snowflake/bin/python"))
        .arg(top.join("scripts/bench_connector.py"))
        .arg(ROWS.to_string())
        .stderr(Stdio::null())
        .output()
        .unwrap();
    serde_json::from_slice::<Value>(&out.stdout).unwrap()["ms"].as_f64().unwrap()
}

fn face() -> (Child, String) {
    let top = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut face = Command::new(top.join(".venv-snowflake/bin/python"))
        .arg(top.join("tests/faces/snowflake/face.py"))
        .arg("{}")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("sh scripts/faces.sh snowflake");
    let mut line = String::new();
    BufReader::new(face.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let port = serde_json::from_str::<Value>(&line).unwrap()["port"].clone();
    (face, format!("http://127.0.0.1:{port}"))
}

/// A download of all parts as it is written in an afternoon.
async fn bare(base: &str, sql: &str, decode: bool) -> Duration {
    let client = reqwest::Client::builder().user_agent("bench/1").gzip(true).build().unwrap();
    let begun = Instant::now();
    let url = format!("{base}/api/v2/statements");
    let body = json!({"statement": sql, "warehouse": "WH"}).to_string();
    let reply = client.post(&url).bearer_auth("t").body(body).send().await.unwrap();
    let told: Value = reply.json().await.unwrap();
    let handle = told["statementHandle"].as_str().unwrap().to_owned();
    let rows: Vec<usize> = futures::stream::iter(1..PARTS)
        .map(|part| {
            let request = client.get(format!("{url}/{handle}?partition={part}")).bearer_auth("t");
            tokio::spawn(async move {
                let bytes = request.send().await.unwrap().bytes().await.unwrap();
                match decode {
                    false => bytes.len(),
                    true => serde_json::from_slice::<Part>(&bytes).unwrap().data.len(),
                }
            })
        })
        .buffered(AHEAD)
        .try_collect()
        .await
        .unwrap();
    let expected = ROWS / PARTS * (PARTS - 1);
    assert!(!decode || rows.iter().sum::<usize>() == expected);
    begun.elapsed()
}

/// Until the first batch, and until the last.
async fn ours(base: &str, sql: &str) -> (Duration, Duration) {
    let endpoint: String = url::form_urlencoded::byte_serialize(base.as_bytes()).collect();
    let address = Address::parse(&format!("snowflake://A@x/DB1?warehouse=WH&endpoint={endpoint}")).unwrap();
    let source = Snowflake::new("bench", address, Some(SecretString::from("t".to_owned()))).unwrap();
    let begun = Instant::now();
    let ask = Ask {
        id: String::new(),
        sql: sql.to_owned(),
        params: Vec::new(),
        deadline: None,
        session: Session::default(),
        writes: false,
        limit: None,
    };
    let mut answer = source.execute(ask).await.unwrap();
    let (mut first, mut rows) = (None, 0);
    while let Some(batch) = answer.batches.next().await {
        first.get_or_insert_with(|| begun.elapsed());
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, ROWS);
    (first.unwrap(), begun.elapsed())
}

fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("VmHWM"));
    line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok()).unwrap_or(0) / 1024
}
