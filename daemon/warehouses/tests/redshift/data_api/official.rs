//! The face before AWS's own client: what it takes for the Data API is not only our opinion.

use super::super::server;
use std::path::Path;
use wharf_redshift_face::data_api::{Face, KEY};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn awss_own_client_takes_the_face_for_the_data_api() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../../.venv-redshift/bin/python");
    let there = python.exists();
    assert!(there, "AWS's client is missing: sh scripts/faces.sh redshift");
    let Some(server) = server() else { return };
    let face = Face::start(server.port).await;
    let child = tokio::process::Command::new(&python)
        .arg(here.join("tests/redshift/data_api/official.py"))
        .arg(&face.base)
        .env_clear()
        .env("LANG", "C.UTF-8")
        .env("HOME", "/nonexistent")
        .env("AWS_ACCESS_KEY_ID", KEY.0)
        .env("AWS_SECRET_ACCESS_KEY", KEY.1)
        .kill_on_drop(true)
        .output();
    let out = child.await.unwrap();
    let told = String::from_utf8_lossy(&out.stdout).into_owned() + &String::from_utf8_lossy(&out.stderr);
    assert!(out.status.success() && told.trim_end().ends_with("fine"), "{told}");
}
