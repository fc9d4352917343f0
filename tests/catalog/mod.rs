//! What there is to be read: as metadata over HTTP, in completion, and by `wharf catalog`.

mod completion;
mod far;
mod metadata;

use crate::access::server::Server;
use serde_json::Value;

/// A shop, a source beside it, and an agent of each of two tenants: the first may read orders without phones, the second the
/// payroll and the source beside.
pub struct Town {
    pub server: Server,
    pub red: String,
    pub blue: String,
}

/// Names that the first agent must never meet.
pub const HIDDEN: &[&str] = &["phone", "payroll", "salary", "vault", "treasure", "gold"];

impl Town {
    pub fn open() -> Self {
        let server = Server::shop(&[]);
        server.place.file("v/treasure.csv", "id,gold\n1,2\n");
        server.place.ok(&["source", "add", "vault", "v"]);
        let (red, blue) = (server.agent("red", "acme"), server.agent("blue", "umbra"));
        server.place.ok(&["table", "allow", "shop.orders", "--to", "swarm:red"]);
        server.place.ok(&["table", "allow", "shop.payroll", "--to", "swarm:blue"]);
        server.place.ok(&["table", "allow", "vault.*", "--to", "swarm:blue"]);
        let rules = ["--column", "phone=deny", "--column", "email=mask:hash", "--filter", "tenant = :tenant"];
        server.place.ok(&[&["policy", "set", "shop.orders"][..], &rules].concat());
        Self { server, red, blue }
    }

    #[track_caller]
    pub fn get(&self, who: &str, path: &str) -> Value {
        let (status, reply) = self.server.get(who, path);
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    }
}

/// The values of a key in a list.
pub fn each(list: &Value, key: &str) -> Vec<String> {
    let text = |v: &Value| v[key].as_str().map_or_else(|| v[key].to_string(), str::to_owned);
    list.as_array().unwrap_or_else(|| panic!("{list}")).iter().map(text).collect()
}

/// Text as it stands behind a question mark.
pub fn encoded(text: &str) -> String {
    text.bytes().map(|b| format!("%{b:02X}")).collect()
}
