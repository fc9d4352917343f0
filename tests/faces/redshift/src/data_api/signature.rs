//! Whether a request is signed as AWS would have it (Signature Version 4), worked out anew from its published description.

use super::Request;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keyed(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

/// What a header `Authorization` says.
pub struct Claim {
    pub key: String,
    date: String,
    pub region: String,
    signed: Vec<String>,
    signature: String,
}

/// Reads the header.
pub fn claim(request: &Request) -> Option<Claim> {
    let rest = request.headers.get("authorization")?.strip_prefix("AWS4-HMAC-SHA256 ")?;
    let part = |name: &str| {
        rest.split(',').find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('=')).map(str::to_owned)
    };
    let scope = part("Credential")?;
    let [key, date, region, "redshift-data", "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..]
    else {
        return None;
    };
    Some(Claim {
        key: key.to_owned(),
        date: date.to_owned(),
        region: region.to_owned(),
        signed: part("SignedHeaders")?.split(';').map(str::to_owned).collect(),
        signature: part("Signature")?,
    })
}

/// Whether this secret has made it.
pub fn is_right(claim: &Claim, request: &Request, secret: &str) -> bool {
    let Some(time) = request.headers.get("x-amz-date") else { return false };
    let all = ["host", "x-amz-date"].iter().all(|needed| claim.signed.iter().any(|name| name == needed));
    let in_order = claim.signed.is_sorted();
    if !all || !in_order || !time.starts_with(&claim.date) || request.path != "/" {
        return false;
    }
    let mut canonical = "POST\n/\n\n".to_owned();
    for name in &claim.signed {
        let Some(value) = request.headers.get(name) else { return false };
        canonical.push_str(&format!("{name}:{}\n", value.trim()));
    }
    canonical.push_str(&format!(
        "\n{}\n{}",
        claim.signed.join(";"),
        hex(digest(&SHA256, &request.body).as_ref())
    ));
    let scope = format!("{}/{}/redshift-data/aws4_request", claim.date, claim.region);
    let text =
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(digest(&SHA256, canonical.as_bytes()).as_ref()));
    let mut key = format!("AWS4{secret}").into_bytes();
    for part in [&claim.date, &claim.region, "redshift-data", "aws4_request"] {
        key = keyed(&key, part);
    }
    hex(&keyed(&key, &text)) == claim.signature
}
