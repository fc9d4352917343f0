//! The profiles of Databricks' `.databrickscfg`.

use super::ini::{Dialect, Ini, Section};
use super::{Candidate, Found, Secret};
use std::path::Path;
use wharf_protocol::SourceKind;

/// As the Go library reads it that the vendor's programs use.
const DIALECT: Dialect = Dialect { comments_behind: true, quotes: true, nested: false, first_holds: false };
/// Settings of the programs themselves.
const SETTINGS: &str = "__settings__";
/// What signs in where nothing of the file does.
const TOKEN: &str = "personal access token";

/// Reads the file.
pub fn read(text: &str, file: &Path, found: &mut Found) {
    let ini = Ini::read(text, DIALECT);
    found.blame(file, &ini.faults);
    let settings = ini.sections.iter().find(|s| s.name == SETTINGS);
    let first = settings.and_then(|s| s.get("default_profile")).unwrap_or("DEFAULT");
    let mut profiles: Vec<&Section> = ini.sections.iter().filter(|s| s.name != SETTINGS).collect();
    profiles.sort_by_key(|s| s.name != first);
    for section in profiles {
        found.push(profile(section, file));
    }
}

fn profile(section: &Section, file: &Path) -> Candidate {
    let mut candidate = Candidate::new("databricks", &section.name, SourceKind::Databricks, file);
    candidate.take("host", section.get("host"));
    candidate.take("catalog", section.get("catalog"));
    candidate.take("schema", section.get("schema"));
    let by_path = section.get("http_path").and_then(warehouse);
    let warehouse = section.get("warehouse_id").or(by_path);
    candidate.take("warehouse", warehouse);
    sign_in(&mut candidate, section);
    let cluster =
        section.get("cluster_id").is_some() || section.get("http_path").is_some() && by_path.is_none();
    candidate.unusable = if candidate.parts.host.is_empty() {
        Some("it names no host".to_owned())
    } else if candidate.parts.host.starts_with("accounts.") {
        Some("it is of an account, and statements go to a workspace".to_owned())
    } else if cluster && warehouse.is_none() {
        Some("it names a cluster, and wharf asks SQL warehouses: give the profile a warehouse_id".to_owned())
    } else {
        None
    };
    candidate
}

/// The SQL warehouse in a path of JDBC's; other paths are of clusters.
pub fn warehouse(path: &str) -> Option<&str> {
    let rest = path.trim_start_matches('/').strip_prefix("sql/1.0/")?;
    let id = rest.strip_prefix("warehouses/").or_else(|| rest.strip_prefix("endpoints/"))?;
    id.split(['/', '?']).next().filter(|id| !id.is_empty())
}

fn sign_in(candidate: &mut Candidate, section: &Section) {
    let way = section.get("auth_type").map(str::to_lowercase);
    let machine = section.get("client_id").zip(section.get("client_secret"));
    match (way.as_deref(), section.get("token"), machine) {
        (None | Some("pat"), Some(token), _) => candidate.secret = Secret::value(token),
        (None | Some("oauth-m2m"), _, Some((id, secret))) => {
            candidate.take("auth", Some("m2m"));
            candidate.take("client_id", Some(id));
            candidate.secret = Secret::value(secret);
        }
        (way, ..) => {
            let way = way.map_or_else(
                || "it has nothing to sign in with".to_owned(),
                |way| format!("it signs in with `{way}` there"),
            );
            candidate.secret = Secret::Ask(TOKEN, true);
            candidate.remarks.push(format!("{way}; wharf takes a {TOKEN}, or a service principal"));
        }
    }
}
