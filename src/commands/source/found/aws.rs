//! The profiles of AWS, by which Redshift's Data API is reached.

use super::ini::{Dialect, Ini, Section};
use super::{Candidate, Found};
use std::path::Path;
use wharf_protocol::SourceKind;

const DIALECT: Dialect = Dialect { comments_behind: true, quotes: false, nested: true, first_holds: false };

/// A file of AWS: its text and where it is.
pub type File<'a> = Option<(&'a str, &'a Path)>;

/// Reads both files: `config` names profiles `[profile NAME]`, `credentials` names them `[NAME]`.
pub fn read(config: File<'_>, credentials: File<'_>, found: &mut Found) {
    for (file, in_config) in [(config, true), (credentials, false)] {
        let Some((text, path)) = file else { continue };
        let ini = Ini::read(text, DIALECT);
        found.blame(path, &ini.faults);
        for section in &ini.sections {
            let Some(name) = profile_name(&section.name, in_config) else { continue };
            let id = format!("aws:{name}");
            if found.with_id(&id).is_none() {
                found.push(fresh(name, path));
            }
            if let Some(candidate) = found.with_id(&id) {
                merge(candidate, section);
            }
        }
    }
    for candidate in found.candidates.iter_mut().filter(|c| c.id.starts_with("aws:")) {
        if !candidate.parts.options.contains_key("region") {
            candidate.remarks.push("it has no region: say it with --set region=...".to_owned());
        }
    }
}

/// What a section is called as a profile; none for sections of another kind.
fn profile_name(section: &str, in_config: bool) -> Option<&str> {
    if !in_config || section == "default" {
        return Some(section).filter(|s| !s.is_empty());
    }
    let (word, name) = section.split_once(char::is_whitespace)?;
    (word == "profile").then(|| name.trim().trim_matches(['"', '\''])).filter(|name| !name.is_empty())
}

fn fresh(name: &str, file: &Path) -> Candidate {
    let mut candidate = Candidate::new("aws", name, SourceKind::Redshift, file);
    candidate.take("transport", Some("data-api"));
    candidate.take("profile", Some(name));
    candidate
}

fn merge(candidate: &mut Candidate, section: &Section) {
    if !candidate.parts.options.contains_key("region") {
        candidate.take("region", section.get("region"));
    }
    if section.get("sso_session").or(section.get("sso_start_url")).is_some() {
        let profile = candidate.parts.get("profile").unwrap_or_default();
        candidate.remarks.push(format!("it signs in by `aws sso login --profile {profile}`"));
    }
}
