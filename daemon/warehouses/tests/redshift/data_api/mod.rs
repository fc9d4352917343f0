//! The source for Redshift through the Data API, before a face in this process that has PostgreSQL behind it.

mod credentials;
mod faults;
mod official;
mod trouble;
mod values;

use super::postgres::Server;
use std::path::PathBuf;
use std::time::Duration;
use wharf_protocol::ApiError;
use wharf_redshift_face::data_api::{Face, KEY};
use wharf_warehouses::{Address, Redshift, Surroundings};

/// The files that AWS's tools read, of a test's own.
struct Files(tempfile::TempDir);

impl Files {
    /// One profile, `tests`, with this key.
    fn new(key: (&str, &str)) -> Self {
        let files = Self(tempfile::tempdir().unwrap());
        std::fs::write(files.config(), "[profile tests]\nregion = eu-west-3\n").unwrap();
        files.sign_in(key);
        files
    }

    fn sign_in(&self, (key, secret): (&str, &str)) {
        let text = format!("[tests]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n");
        std::fs::write(self.credentials(), text).unwrap();
    }

    fn config(&self) -> PathBuf {
        self.0.path().join("config")
    }

    fn credentials(&self) -> PathBuf {
        self.0.path().join("credentials")
    }

    /// A source whose address ends so, which gives up after so long a silence.
    fn source(&self, face: &Face, address: &str, silence: Duration) -> Result<Redshift, ApiError> {
        let join = if address.contains('?') { '&' } else { '?' };
        let endpoint = face.base.replace(':', "%3A").replace('/', "%2F");
        let text = format!("redshift://{address}{join}transport=data-api&endpoint={endpoint}");
        let around = Surroundings { silence, aws_files: Some((self.config(), self.credentials())) };
        Redshift::within("rs", &Address::parse(&text)?, None, &around)
    }
}

const USUAL: &str = "analytics/postgres?profile=tests&region=eu-west-1";
const SILENCE: Duration = Duration::from_secs(20);

/// A face, and a source at it.
async fn at(server: &Server) -> (Face, Files, Redshift) {
    let face = Face::start(server.port).await;
    let files = Files::new(KEY);
    let source = files.source(&face, USUAL, SILENCE).unwrap();
    (face, files, source)
}
