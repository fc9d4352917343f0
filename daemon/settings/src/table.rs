//! Every setting, declared once: key, type, default, meaning. The sample file and the schema are made from it.

use serde_json::{Value, json};

/// The type of a setting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// A whole number, not negative.
    Count,
    /// Free text.
    Text,
    /// A length of time: `0`, `90s`, `30m`, `8h`.
    Duration,
    /// A size: `0`, `512MB`, `4GB`.
    Size,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// One setting.
#[derive(Debug)]
pub struct Setting {
    /// Dotted key: `daemon.idle_exit`.
    pub key: &'static str,
    /// Its type.
    pub kind: Kind,
    /// The default, in the text form of its type.
    pub default: &'static str,
    /// The environment variable that sets it.
    pub env: &'static str,
    /// What it means, in a sentence or two.
    pub doc: &'static str,
}

/// All settings, in the order of the sample file.
pub const TABLE: &[Setting] = &[
    Setting {
        key: "daemon.idle_exit",
        kind: Kind::Duration,
        default: "30m",
        env: "WHARF_IDLE_EXIT",
        doc: "The daemon ends by itself after this long without a client, a turn or a job; 0 = never.",
    },
    Setting {
        key: "daemon.max_lifetime",
        kind: Kind::Duration,
        default: "0",
        env: "WHARF_MAX_LIFETIME",
        doc: "The daemon ends after this long as soon as nothing runs; 0 = never.",
    },
    Setting {
        key: "daemon.log_level",
        kind: Kind::OneOf(&["error", "warn", "info", "debug", "trace"]),
        default: "info",
        env: "WHARF_LOG",
        doc: "How much the daemon writes to its log.",
    },
    Setting {
        key: "daemon.core_dumps",
        kind: Kind::Bool,
        default: "false",
        env: "WHARF_CORE_DUMPS",
        doc: "Let a crash write the daemon's memory to a file, and debuggers of the same user look into it: for a report of a fault, for secrets are in it.",
    },
    Setting {
        key: "limits.memory",
        kind: Kind::Size,
        default: "0",
        env: "WHARF_MEMORY",
        doc: "Memory that all engine instances share; 0 = half of what the machine or its cgroup has.",
    },
    Setting {
        key: "limits.statements",
        kind: Kind::Count,
        default: "8",
        env: "WHARF_STATEMENTS",
        doc: "Statements that run at once; further ones wait.",
    },
    Setting {
        key: "limits.queue",
        kind: Kind::Count,
        default: "64",
        env: "WHARF_QUEUE",
        doc: "Statements that may wait; further ones are refused with a hint to try again.",
    },
    Setting {
        key: "limits.statement_timeout",
        kind: Kind::Duration,
        default: "0",
        env: "WHARF_STATEMENT_TIMEOUT",
        doc: "Statements are stopped after this long unless the request says otherwise; 0 = never.",
    },
    Setting {
        key: "limits.request_time",
        kind: Kind::Duration,
        default: "10s",
        env: "WHARF_REQUEST_TIME",
        doc: "A client that has not sent its whole request within this time is dropped.",
    },
    Setting {
        key: "limits.write_stall",
        kind: Kind::Duration,
        default: "30s",
        env: "WHARF_WRITE_STALL",
        doc: "A client that reads nothing for this long while a stream is open is dropped.",
    },
    Setting {
        key: "replicas.quota",
        kind: Kind::Size,
        default: "50GB",
        env: "WHARF_REPLICAS_QUOTA",
        doc: "What the files of all replicas may take together; the longest unused are put aside to make room.",
    },
    Setting {
        key: "http.listen",
        kind: Kind::Text,
        default: "",
        env: "WHARF_LISTEN",
        doc: "Address and port for agents and users over TCP, such as 0.0.0.0:8443; empty = the owner's socket only.",
    },
    Setting {
        key: "http.tls",
        kind: Kind::OneOf(&["auto", "files", "self-signed", "acme", "off"]),
        default: "auto",
        env: "WHARF_TLS",
        doc: "How TCP is encrypted: a certificate from files, one made for trials, one from an ACME authority such as Let's Encrypt, or not at all; auto = files where tls_cert is set, acme where acme_domains is, else off on loopback and refused elsewhere.",
    },
    Setting {
        key: "http.tls_cert",
        kind: Kind::Text,
        default: "",
        env: "WHARF_TLS_CERT",
        doc: "PEM file with the certificate chain; read again when it changes.",
    },
    Setting {
        key: "http.tls_key",
        kind: Kind::Text,
        default: "",
        env: "WHARF_TLS_KEY",
        doc: "PEM file with the certificate's key.",
    },
    Setting {
        key: "http.acme_domains",
        kind: Kind::Text,
        default: "",
        env: "WHARF_ACME_DOMAINS",
        doc: "Host names for which a certificate is fetched, separated by commas.",
    },
    Setting {
        key: "http.acme_email",
        kind: Kind::Text,
        default: "",
        env: "WHARF_ACME_EMAIL",
        doc: "Where the authority writes when something is wrong with the certificate.",
    },
    Setting {
        key: "http.acme_directory",
        kind: Kind::Text,
        default: "",
        env: "WHARF_ACME_DIRECTORY",
        doc: "The authority's directory URL; empty = Let's Encrypt.",
    },
    Setting {
        key: "http.acme_root",
        kind: Kind::Text,
        default: "",
        env: "WHARF_ACME_ROOT",
        doc: "PEM file with what vouches for the directory's own certificate; empty = the roots that browsers know.",
    },
    Setting {
        key: "http.plain",
        kind: Kind::Bool,
        default: "false",
        env: "WHARF_PLAIN",
        doc: "Allow TCP without encryption beyond loopback: only behind a proxy that encrypts.",
    },
    Setting {
        key: "http.static_dir",
        kind: Kind::Text,
        default: "",
        env: "WHARF_STATIC_DIR",
        doc: "Folder with a frontend's build, served under / with cache headers; empty = none.",
    },
    Setting {
        key: "http.cors_origins",
        kind: Kind::Text,
        default: "",
        env: "WHARF_CORS_ORIGINS",
        doc: "Origins whose pages may call the API, separated by commas; empty = none.",
    },
    Setting {
        key: "http.rate_metadata",
        kind: Kind::Count,
        default: "100",
        env: "WHARF_RATE_METADATA",
        doc: "Requests a minute for each principal, but for those below; 0 = no limit.",
    },
    Setting {
        key: "http.rate_query",
        kind: Kind::Count,
        default: "10",
        env: "WHARF_RATE_QUERY",
        doc: "Statements, samples, profiles and metric queries a minute for each principal; 0 = no limit.",
    },
    Setting {
        key: "http.rate_health",
        kind: Kind::Count,
        default: "1000",
        env: "WHARF_RATE_HEALTH",
        doc: "Health checks a minute for each address; 0 = no limit.",
    },
    Setting {
        key: "http.guesses",
        kind: Kind::Count,
        default: "10",
        env: "WHARF_GUESSES",
        doc: "Wrong credentials a minute from one address, after which none are looked at; 0 = no limit.",
    },
    Setting {
        key: "http.connections",
        kind: Kind::Count,
        default: "1024",
        env: "WHARF_CONNECTIONS",
        doc: "Connections over TCP at once; further ones wait.",
    },
    Setting {
        key: "auth.jwt",
        kind: Kind::Duration,
        default: "30m",
        env: "WHARF_JWT",
        doc: "How long a JWT is valid.",
    },
    Setting {
        key: "auth.login",
        kind: Kind::Duration,
        default: "12h",
        env: "WHARF_LOGIN",
        doc: "How long a login can be renewed before the password is asked for again.",
    },
    Setting {
        key: "audit.max_size",
        kind: Kind::Size,
        default: "64MB",
        env: "WHARF_AUDIT_MAX_SIZE",
        doc: "A file of the audit log takes no more lines at this size; 0 = 64 MB.",
    },
    Setting {
        key: "audit.max_age",
        kind: Kind::Duration,
        default: "30d",
        env: "WHARF_AUDIT_MAX_AGE",
        doc: "A file of the audit log takes no more lines at this age; 0 = any age.",
    },
    Setting {
        key: "audit.keep",
        kind: Kind::Duration,
        default: "0",
        env: "WHARF_AUDIT_KEEP",
        doc: "A file of the audit log is deleted when its last line is this old; 0 = never.",
    },
    Setting {
        key: "client.server",
        kind: Kind::Text,
        default: "",
        env: "WHARF_SERVER",
        doc: "The server that commands work at, such as https://data.example.com:8443; empty = the daemon of this machine.",
    },
    Setting {
        key: "secrets.store",
        kind: Kind::OneOf(&["auto", "keyring", "file"]),
        default: "auto",
        env: "WHARF_SECRETS_STORE",
        doc: "Where keys of sources and logins are kept: the OS keyring or an encrypted file; auto = the keyring where one answers when the first secret is kept.",
    },
    Setting {
        key: "secrets.key_file",
        kind: Kind::Text,
        default: "",
        env: "WHARF_SECRETS_KEY_FILE",
        doc: "The key of the encrypted file: a file of 32 bytes or more; empty = the service manager's credential wharf-secrets.key, else a key beside it.",
    },
    Setting {
        key: "output.format",
        kind: Kind::OneOf(&[
            "auto", "table", "plain", "vertical", "markdown", "csv", "tsv", "json", "ndjson",
        ]),
        default: "auto",
        env: "WHARF_FORMAT",
        doc: "The form of results when --format is absent; auto = table.",
    },
    Setting {
        key: "output.color",
        kind: Kind::OneOf(&["auto", "always", "never"]),
        default: "auto",
        env: "WHARF_COLOR",
        doc: "Colour in what people read; NO_COLOR and FORCE_COLOR win over this key.",
    },
    Setting {
        key: "output.null",
        kind: Kind::Text,
        default: "NULL",
        env: "WHARF_NULL",
        doc: "How NULL is shown in tables.",
    },
    Setting {
        key: "output.rows",
        kind: Kind::Count,
        default: "1000",
        env: "WHARF_ROWS",
        doc: "Rows shown in table, plain, vertical and markdown form when --limit is absent.",
    },
    Setting {
        key: "output.pager",
        kind: Kind::Text,
        default: "",
        env: "WHARF_PAGER",
        doc: "Program for output that does not fit the terminal; empty = PAGER, else less.",
    },
    Setting {
        key: "chat.source",
        kind: Kind::Text,
        default: "",
        env: "WHARF_SOURCE",
        doc: "The source meant when a command names none; empty = the only one there is.",
    },
    Setting {
        key: "chat.screen",
        kind: Kind::OneOf(&["auto", "inline", "full"]),
        default: "auto",
        env: "WHARF_SCREEN",
        doc: "Whether the chat keeps the terminal's own scrollback (inline) or takes the whole screen.",
    },
    Setting {
        key: "chat.chart",
        kind: Kind::OneOf(&["auto", "none", "ascii"]),
        default: "auto",
        env: "WHARF_CHART",
        doc: "How charts are drawn; ascii uses no box or block characters.",
    },
];

impl Kind {
    /// Checks `text` against the type.
    ///
    /// # Errors
    /// What is expected instead, to be read after "expected".
    pub fn check(self, text: &str) -> Result<(), String> {
        let ok = match self {
            Self::Bool => matches!(text, "true" | "false"),
            Self::Count => text.parse::<u64>().is_ok(),
            Self::Text => !text.contains('\0'),
            Self::Duration => duration(text).is_some(),
            Self::Size => size(text).is_some(),
            Self::OneOf(words) => words.contains(&text),
        };
        if ok { Ok(()) } else { Err(self.expected()) }
    }

    fn expected(self) -> String {
        match self {
            Self::Bool => "true or false".to_owned(),
            Self::Count => "a whole number that is not negative".to_owned(),
            Self::Text => "text".to_owned(),
            Self::Duration => "a length of time such as 90s, 30m, 8h, or 0".to_owned(),
            Self::Size => "a size such as 512MB, 4GB, or 0".to_owned(),
            Self::OneOf(words) => format!("one of {}", words.join(", ")),
        }
    }
}

/// Reads `90s`, `30m`, `8h`, `2d`, `250ms` or a bare number of seconds.
pub fn duration(text: &str) -> Option<std::time::Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let n: u64 = digits.parse().ok()?;
    let millis = match unit {
        "ms" => n,
        "" | "s" => n.checked_mul(1_000)?,
        "m" => n.checked_mul(60_000)?,
        "h" => n.checked_mul(3_600_000)?,
        "d" => n.checked_mul(86_400_000)?,
        _ => return None,
    };
    Some(std::time::Duration::from_millis(millis))
}

/// Reads `512MB`, `4GiB`, `4G`, or a bare number of bytes.
pub(crate) fn size(text: &str) -> Option<u64> {
    let split = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(split);
    let n: u64 = digits.parse().ok()?;
    let shift = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        _ => return None,
    };
    n.checked_mul(1 << shift)
}

/// The sample file: every key with its meaning and default, commented out.
pub fn init_text() -> String {
    let mut text =
        String::from("# wharf's settings. Each line shows the default; remove the # to change it.\n");
    let mut section = "";
    for setting in TABLE {
        let (table, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        if table != section {
            section = table;
            text.push_str(&format!("\n[{table}]\n"));
        }
        let value = match setting.kind {
            Kind::Bool | Kind::Count => setting.default.to_owned(),
            _ => format!("{:?}", setting.default),
        };
        text.push_str(&format!("# {}\n# Also: {}\n# {key} = {value}\n", setting.doc, setting.env));
    }
    text
}

/// The JSON Schema of the settings file.
pub fn schema() -> Value {
    let mut sections = serde_json::Map::new();
    for setting in TABLE {
        let (table, key) = setting.key.split_once('.').unwrap_or(("", setting.key));
        let mut property = match setting.kind {
            Kind::Bool => json!({"type": "boolean", "default": setting.default == "true"}),
            Kind::Count => {
                json!({"type": "integer", "minimum": 0, "default": setting.default.parse::<u64>().unwrap_or(0)})
            }
            Kind::Text => json!({"type": "string", "default": setting.default}),
            Kind::Duration => {
                json!({"type": ["string", "integer"], "pattern": "^[0-9]+(ms|s|m|h|d)?$", "default": setting.default})
            }
            Kind::Size => {
                json!({"type": ["string", "integer"], "pattern": "^[0-9]+ ?([kKmMgGtT]?([iI]?[bB])?)$", "default": setting.default})
            }
            Kind::OneOf(words) => json!({"type": "string", "enum": words, "default": setting.default}),
        };
        property["description"] = json!(setting.doc);
        let section = sections
            .entry(table)
            .or_insert_with(|| json!({"type": "object", "additionalProperties": false, "properties": {}}));
        section["properties"][key] = property;
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "wharf settings",
        "type": "object",
        "additionalProperties": false,
        "properties": sections,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_fits_its_type_and_keys_are_unique() {
        for (i, setting) in TABLE.iter().enumerate() {
            assert_eq!(setting.kind.check(setting.default), Ok(()), "{}", setting.key);
            assert!(TABLE[i + 1..].iter().all(|other| other.key != setting.key && other.env != setting.env));
        }
    }

    #[test]
    fn lengths_of_time_and_sizes_are_read_exactly() {
        assert_eq!(duration("90s"), Some(std::time::Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Some(std::time::Duration::from_millis(250)));
        assert_eq!(duration("8h"), Some(std::time::Duration::from_secs(28_800)));
        assert_eq!(size("4GB"), Some(4 << 30));
        assert_eq!(size("512 MiB"), Some(512 << 20));
        for bad in ["", "-1s", "1.5h", "5 parsecs", "99999999999999999999d"] {
            assert_eq!(duration(bad), None, "{bad}");
            assert_eq!(size(bad), None, "{bad}");
        }
    }

    #[test]
    fn the_sample_file_is_valid_and_names_every_key() {
        let text = init_text();
        for setting in TABLE {
            let key = setting.key.split_once('.').unwrap().1;
            assert!(text.contains(&format!("# {key} = ")), "{key}");
        }
        let uncommented: String = text
            .lines()
            .map(|l| {
                let key = l.trim_start_matches("# ").split(" = ").next().unwrap_or("");
                let is_value = l.contains(" = ") && key.chars().all(|c| c.is_ascii_lowercase() || c == '_');
                if is_value { l.trim_start_matches("# ") } else { l }
            })
            .fold(String::new(), |all, l| all + l + "\n");
        let layer = crate::Layer::parse("sample", &uncommented).unwrap();
        let settings = crate::Settings::resolve(vec![layer], &crate::Env::of([])).unwrap();
        assert!(settings.all().iter().all(|r| r.value == r.setting.default));
    }
}
