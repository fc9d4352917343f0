//! Where credentials are found, as AWS's own tools find them. Each case is a process of its own, because environment and home
//! belong to a process.

use super::super::server;
use std::path::Path;
use wharf_redshift_face::data_api::{Face, KEY};
use wharf_warehouses::{Address, Redshift, Source};

/// Not a test of its own: what each case runs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a part of other tests"]
async fn signs_in_from_its_surroundings() {
    let Ok(address) = std::env::var("WHARF_TEST_ADDRESS") else { return };
    let source = Redshift::new("rs", &Address::parse(&address).unwrap(), None).unwrap();
    match source.test().await {
        Ok(tested) => println!("told: in as {}", tested.user),
        Err(error) => println!("told: {} {}; {}", error.code, error.message, error.hint.unwrap_or_default()),
    }
}

/// What comes of a test of a source at this address, in these surroundings.
async fn told(face: &Face, home: &Path, rest: &str, env: &[(&str, &str)]) -> String {
    let endpoint = face.base.replace(':', "%3A").replace('/', "%2F");
    let join = if rest.contains('?') { '&' } else { '?' };
    let mut child = tokio::process::Command::new(std::env::current_exe().unwrap());
    child
        .args(["--exact", "redshift::data_api::credentials::signs_in_from_its_surroundings"])
        .args(["--ignored", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .env("HOME", home)
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("WHARF_TEST_ADDRESS", format!("redshift://{rest}{join}transport=data-api&endpoint={endpoint}"))
        .envs(env.iter().copied())
        .kill_on_drop(true);
    let out = child.output().await.unwrap();
    let all = String::from_utf8_lossy(&out.stdout).into_owned();
    assert!(!all.contains(KEY.1) && !all.contains("old-token"), "{all}");
    let line = all.lines().find_map(|line| line.split_once("told: ")).map(|(_, told)| told.to_owned());
    line.unwrap_or_else(|| panic!("{all}\n{}", String::from_utf8_lossy(&out.stderr)))
}

const SSO: &str = "
[profile sso]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = Reader
region = eu-west-1
[sso-session corp]
sso_region = eu-west-1
sso_start_url = https://example.awsapps.com/start
[profile process]
region = eu-west-1
credential_process = cat keys.json
[profile broken]
region = eu-west-1
credential_process = false
[profile work]
region = eu-west-2
";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn credentials_are_found_where_awss_tools_find_them() {
    let Some(server) = server() else { return };
    let face = Face::start(server.port).await;
    let home = tempfile::tempdir().unwrap();
    let aws = home.path().join(".aws");
    std::fs::create_dir_all(aws.join("sso/cache")).unwrap();
    let keys = aws.join("keys.json");
    std::fs::write(aws.join("config"), SSO.replace("keys.json", keys.to_str().unwrap())).unwrap();
    let (key, secret) = KEY;
    let pair = format!("aws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(aws.join("credentials"), format!("[work]\n{pair}")).unwrap();
    let json = format!(r#"{{"Version": 1, "AccessKeyId": "{key}", "SecretAccessKey": "{secret}"}}"#);
    std::fs::write(keys, json).unwrap();
    let in_env = [("AWS_ACCESS_KEY_ID", key), ("AWS_SECRET_ACCESS_KEY", secret)];
    let wrong =
        [("AWS_ACCESS_KEY_ID", "AKIDNOBODY"), ("AWS_SECRET_ACCESS_KEY", "x"), ("AWS_REGION", "us-east-1")];
    let place = "analytics/postgres";
    let with = |options: &str| format!("{place}?{options}");
    let signed = || face.log().last().map(|call| call.region.clone()).unwrap();
    let at = |rest: String, env: Vec<(&'static str, &'static str)>| {
        let (face, home) = (&face, home.path());
        async move { told(face, home, &rest, &env).await }
    };
    let found = at(with("region=eu-west-1"), in_env.to_vec()).await;
    assert_eq!(found, "in as admin");
    let found = at(place.to_owned(), [&in_env[..], &[("AWS_DEFAULT_REGION", "us-west-2")]].concat()).await;
    assert_eq!((found.as_str(), signed().as_str()), ("in as admin", "us-west-2"));
    let found = at(place.to_owned(), vec![("AWS_PROFILE", "work")]).await;
    assert_eq!((found.as_str(), signed().as_str()), ("in as admin", "eu-west-2"));
    // A profile in the address holds against the environment.
    let found = at(with("profile=work"), wrong.to_vec()).await;
    assert_eq!((found.as_str(), signed().as_str()), ("in as admin", "eu-west-2"));
    assert_eq!(at(with("profile=process"), Vec::new()).await, "in as admin");
    for (rest, words) in [
        (with("profile=broken"), ["source_login", "`rs`", "get-caller-identity"]),
        (
            with("profile=nobody&region=eu-west-1"),
            ["no AWS profile `nobody`", "~/.aws/config", "aws configure sso --profile nobody"],
        ),
        (with("profile=nobody"), ["no_region", "`rs`", "region=eu-west-1"]),
        (with("region=eu-west-1"), ["no credentials of AWS", "environment", "profile=NAME"]),
        (with("profile=sso"), ["source_login", "`rs`", "aws sso login --profile sso"]),
    ] {
        let found = at(rest.clone(), Vec::new()).await;
        assert!(words.iter().all(|word| found.contains(word)), "{rest}: {found}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sign_in_that_has_ended_tells_how_to_renew_it() {
    let Some(server) = server() else { return };
    let face = Face::start(server.port).await;
    let home = tempfile::tempdir().unwrap();
    let cache = home.path().join(".aws/sso/cache");
    std::fs::create_dir_all(&cache).unwrap();
    std::fs::write(home.path().join(".aws/config"), SSO).unwrap();
    let name = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, b"corp");
    let name: String = name.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let token = r#"{"startUrl": "https://example.awsapps.com/start", "region": "eu-west-1", "accessToken": "old-token", "expiresAt": "2020-01-01T00:00:00Z"}"#;
    std::fs::write(cache.join(format!("{name}.json")), token).unwrap();
    let found = told(&face, home.path(), "analytics/postgres?profile=sso", &[]).await;
    for word in ["source_login", "has expired", "sign in again: aws sso login --profile sso"] {
        assert!(found.contains(word), "{found}");
    }
    assert!(face.log().is_empty());
}
