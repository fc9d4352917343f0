//! Redshift's wire protocol and its Data API, with real SQL behind them, as sources.

use super::{contract, postgres};
use crate::support::postgres::Server;
use crate::support::{Place, shared};
use tokio::runtime::{Builder, Runtime};
use wharf_redshift_face::{DRESS, Face, HBA, Login, Nature, PASSWORD, data_api};

/// The shop in a server that is dressed up as Redshift, and what runs a face before it.
fn shop() -> Option<(Server, Runtime)> {
    let settings = ["allow_system_table_mods=on", "hba_file={dir}/hba"];
    let server = Server::with_files(&[("hba", HBA)], &settings)?;
    if !postgres::shop(&server) {
        return None;
    }
    server.run("shop", DRESS);
    Some((server, Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()))
}

fn holds(place: &Place, address: &str, more: &[&str], secret: &str, questions: usize) {
    let models = shared("cases/semantic/model").unwrap();
    let mut args = vec!["source", "add", "shop", address, "--models", models.to_str().unwrap()];
    args.extend(more);
    let added = place.pipe(&args, format!("{secret}\n"));
    assert_eq!(added.code, 0, "{}", added.err);
    contract::holds(place, str::to_owned, questions);
    contract::holds_by_full_name(place);
}

#[test]
fn everything_works_as_with_files() {
    let Some((server, runtime)) = shop() else { return };
    let nature = Nature { login: Login::Md5, ..Nature::default() };
    let face = runtime.block_on(Face::start(server.port, nature));
    let address = format!("redshift://admin@127.0.0.1:{}/shop?sslmode=disable", face.port);
    holds(&Place::new(), &address, &["--secret", "-"], PASSWORD, usize::MAX);
}

#[test]
fn everything_works_through_the_data_api() {
    let Some((server, runtime)) = shop() else { return };
    let face = runtime.block_on(data_api::Face::start(server.port));
    let place = Place::new();
    // As `aws configure` leaves it.
    let (key, secret) = data_api::KEY;
    let folder = place.path("home").join(".aws");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("config"), "[profile tests]\nregion = eu-west-1\n").unwrap();
    let text = format!("[tests]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
    std::fs::write(folder.join("credentials"), text).unwrap();
    let endpoint = face.base.replace(':', "%3A").replace('/', "%2F");
    let address = format!("redshift://analytics/shop?transport=data-api&profile=tests&endpoint={endpoint}");
    holds(&place, &address, &[], "", 40);
}
