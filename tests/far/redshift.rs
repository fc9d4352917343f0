//! Redshift's wire protocol, with real SQL behind it, as a source.

use super::{contract, postgres};
use crate::support::postgres::Server;
use crate::support::{Place, shared};
use wharf_redshift_face::{DRESS, Face, HBA, Login, Nature, PASSWORD};

#[test]
fn everything_works_as_with_files() {
    let settings = ["allow_system_table_mods=on", "hba_file={dir}/hba"];
    let Some(server) = Server::with_files(&[("hba", HBA)], &settings) else { return };
    if !postgres::shop(&server) {
        return;
    }
    server.run("shop", DRESS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let nature = Nature { login: Login::Md5, ..Nature::default() };
    let face = runtime.block_on(Face::start(server.port, nature));
    let place = Place::new();
    let models = shared("cases/semantic/model").unwrap();
    let address = format!("redshift://admin@127.0.0.1:{}/shop?sslmode=disable", face.port);
    let args = ["source", "add", "shop", &address, "--secret", "-", "--models", models.to_str().unwrap()];
    let added = place.pipe(&args, format!("{PASSWORD}\n"));
    assert_eq!(added.code, 0, "{}", added.err);
    contract::holds(&place, str::to_owned, usize::MAX);
    contract::holds_by_full_name(&place);
}
