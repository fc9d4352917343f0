//! Databricks' statements and catalogue, with real Spark behind them, as a source.

use super::contract;
use crate::streams::http::{Reply, write_request};
use crate::support::faces::{self, Face};
use crate::support::{Place, shared};
use serde_json::json;

#[test]
fn everything_works_as_with_files() {
    let spell = |of: &str| of.replace("VARCHAR", "STRING").replace("TIMESTAMP", "TIMESTAMP_NTZ");
    let Some(setup) = faces::shop(spell) else { return };
    let face = Face::start("databricks", &json!({}));
    let place = Place::new();
    let models = shared("cases/semantic/model").unwrap();
    let text = |key: &str| face.ready[key].as_str().unwrap().to_owned();
    let endpoint = format!("http%3A%2F%2F127.0.0.1%3A{}", face.port());
    let address = format!(
        "databricks://workspace/{}/default?warehouse={}&endpoint={endpoint}",
        text("catalog"),
        text("warehouse")
    );
    let token = text("token");
    let add = |more: &[&str]| {
        let mut args = vec!["source", "add", "shop", &address, "--secret", "-"];
        args.extend(more);
        let added = place.pipe(&args, format!("{token}\n"));
        assert_eq!(added.code, 0, "{}", added.err);
    };
    add(&[]);
    for statement in setup {
        let ran = place.pipe(&["query", "--write", "--format", "none"], &statement);
        assert_eq!(ran.code, 0, "{}: {}", &statement[..60], ran.err);
    }
    // The models lie in a volume of the workspace, as its teams keep them.
    let volume = format!("/Volumes/{}/default/semantics/models", text("catalog"));
    for file in std::fs::read_dir(models).unwrap() {
        let file = file.unwrap();
        let path = format!("/api/2.0/fs/files{volume}/{}?overwrite=true", file.file_name().to_str().unwrap());
        upload(&face, &path, &std::fs::read(file.path()).unwrap());
    }
    let nowhere = format!("{volume}/nothing");
    let args = ["source", "add", "shop", &address, "--secret", "-", "--replace", "--models", &nowhere];
    let refused = place.pipe(&args, format!("{token}\n"));
    assert!(refused.code != 0 && refused.err.contains(&nowhere), "{}", refused.err);
    add(&["--models", &volume, "--replace"]);
    contract::holds(&place, str::to_owned, 20);
    login_by_token(&face);
}

/// Puts a file into a volume, as a pipeline of the workspace would.
fn upload(face: &Face, path: &str, bytes: &[u8]) {
    let mut stream =
        std::net::TcpStream::connect(("127.0.0.1", u16::try_from(face.port()).unwrap())).unwrap();
    let headers =
        format!("Authorization: Bearer {}\r\nConnection: close\r\n", face.ready["token"].as_str().unwrap());
    write_request(&mut stream, "PUT", path, &headers, bytes);
    let reply = Reply::read(stream).unwrap();
    assert!((200..300).contains(&reply.status), "{path}: {}", reply.status);
}

/// A token of the workspace lets its bearer in. Beside the contract, because Spark takes its time to start.
fn login_by_token(face: &Face) {
    let door = crate::access::server::Server::start(&[]);
    let text = |key: &str| face.ready[key].as_str().unwrap().to_owned();
    let login = |body: serde_json::Value| door.post("", "/api/auth/login", &body);
    let (status, reply) = login(json!({"databricks_token": text("token")}));
    assert_eq!((status, reply["code"].as_str()), (400, Some("no_warehouse")), "{reply}");
    let address = format!(
        "databricks://workspace/{}/default?warehouse={}&endpoint=http%3A%2F%2F127.0.0.1%3A{}",
        text("catalog"),
        text("warehouse"),
        face.port()
    );
    let added = door
        .place
        .pipe(&["source", "add", "lake", &address, "--secret", "-"], format!("{}\n", text("token")));
    assert_eq!(added.code, 0, "{}", added.err);
    let (status, reply) = login(json!({"databricks_token": text("token")}));
    assert_eq!(status, 200, "{reply}");
    let name = reply["user"]["id"].as_str().or(reply["user"]["username"].as_str()).unwrap().to_owned();
    let bearer = format!("Bearer {}", reply["access_token"].as_str().unwrap());
    let (status, me) = door.get(&bearer, "/api/auth/me");
    assert!(status == 200 && me.to_string().contains(&name), "{me}");
    // Nothing is theirs yet, and their account is like any other.
    let (_, listed) = door.get(&bearer, "/list_data");
    assert!(!listed.to_string().contains("default"), "{listed}");
    let (again, _) = login(json!({"databricks_token": text("token"), "source": "lake"}));
    assert_eq!(again, 200);
    for (body, expected) in [
        (json!({"databricks_token": "dapi-wrong"}), 401),
        (json!({"databricks_token": text("token"), "source": "other"}), 400),
        (json!({"databricks_token": text("token"), "username": "x"}), 400),
        (json!({"username": name, "password": ""}), 401),
    ] {
        let (status, reply) = login(body.clone());
        assert_eq!(status, expected, "{body}: {reply}");
        assert!(!reply.to_string().contains(&text("token")), "{reply}");
    }
    door.place.ok(&["user", "update", &name, "--disable"]);
    assert_eq!(login(json!({"databricks_token": text("token")})).0, 401);
    let audited = door.place.ok(&["audit", "search", "--format", "ndjson"]);
    assert!(audited.contains("vouched for by lake") && !audited.contains(&text("token")), "{audited}");
}
