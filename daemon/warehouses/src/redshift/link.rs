//! One connection: the messages of the wire, in text form only.
//!
//! It is a small client of its own and not `tokio-postgres`, because that one asks for results in binary form, which Redshift
//! has for few types, and looks up types that it does not know (SUPER, VARBYTE) in tables that Redshift does not have, which
//! would end the transaction. What is spoken here is what Amazon's own drivers speak: the extended protocol, where values of
//! parameters travel apart from the SQL, with all values as text.

use super::settings::Settings;
use super::trouble::{Said, Trouble};
use bytes::{Buf, BytesMut};
use fallible_iterator::FallibleIterator;
use futures::FutureExt;
use postgres_protocol::message::backend::{DataRowBody, Header, Message};
use postgres_protocol::message::frontend;
use std::collections::BTreeMap;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use wharf_protocol::Param;

/// No message of an honest server is longer: a row holds at most 1600 columns of 65,535 bytes, or some SUPER of 16 MB.
const LONGEST_MESSAGE: usize = 256 << 20;
/// Nor any before somebody is signed in.
const LONGEST_OF_LOGIN: usize = 1 << 20;
/// What one read asks for.
const CHUNK: usize = 64 << 10;

/// A column of a result, as the server describes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Described {
    pub(super) name: String,
    pub(super) oid: u32,
    pub(super) modifier: i32,
}

/// A statement that the server has looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Prepared {
    /// How many values it wants.
    pub(super) params: usize,
    /// The columns of its result; none where it has no rows.
    pub(super) columns: Vec<Described>,
}

/// What comes of a statement that runs.
pub(super) enum Step {
    /// A row.
    Row(DataRowBody),
    /// The end, and how many rows it touched where the server tells.
    End(Option<u64>),
}

/// A connection that is signed in.
pub(super) struct Link {
    pub(super) io: super::settings::Io,
    incoming: BytesMut,
    pub(super) outgoing: BytesMut,
    /// What a request to cancel must name.
    pub(super) key: Option<(i32, i32)>,
    /// What the server told of itself.
    pub(super) told: BTreeMap<String, String>,
    /// How many rows the running statement touched.
    touched: Option<u64>,
    /// What the server refused the running statement with, while the rest of what it says of it is read: so the connection stays
    /// of use, and a reader who gives up in between still hears of it the next time.
    refusal: Option<Said>,
}

impl Link {
    /// A connection that is signed in.
    pub(super) async fn open(settings: &Settings) -> Result<Self, Trouble> {
        let opening = async {
            let mut link = Self {
                io: settings.io().await?,
                incoming: BytesMut::new(),
                outgoing: BytesMut::new(),
                key: None,
                told: BTreeMap::new(),
                touched: None,
                refusal: None,
            };
            super::login::login(&mut link, settings).await?;
            for (sql, needed) in super::settings::SESSION {
                match link.command(sql).await {
                    Err(Trouble::Said(said)) if !needed => {
                        tracing::debug!(sql, state = said.state, "the server does not know a setting");
                    }
                    done => done?,
                }
            }
            Ok(link)
        };
        match tokio::time::timeout(settings.patience, opening).await {
            Ok(link) => link,
            Err(_) => Err(Trouble::Lost(format!("no answer within {} s", settings.patience.as_secs()))),
        }
    }

    /// Whether it is as it was left: open, and nothing came meanwhile. A server that shuts down says so before it closes.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.incoming.is_empty() && self.io.read_buf(&mut self.incoming).now_or_never().is_none()
    }

    /// Sends what was written.
    pub(super) async fn flush(&mut self) -> Result<(), Trouble> {
        self.io.write_all(&self.outgoing).await?;
        self.io.flush().await?;
        self.outgoing.clear();
        Ok(())
    }

    /// The next message but notices and what the server tells of itself. Giving up while it waits loses nothing.
    pub(super) async fn next(&mut self) -> Result<Message, Trouble> {
        loop {
            if let Some(head) = Header::parse(&self.incoming)? {
                let length = usize::try_from(head.len()).unwrap_or(usize::MAX);
                if length > LONGEST_MESSAGE {
                    return Err(Trouble::Lost(format!("a message of {length} bytes was announced")));
                }
                super::login::check(&self.incoming)?;
            }
            match Message::parse(&mut self.incoming)? {
                None => {
                    self.incoming.reserve(CHUNK);
                    if self.io.read_buf(&mut self.incoming).await? == 0 {
                        return Err(Trouble::Lost("the server closed the connection".to_owned()));
                    }
                }
                Some(Message::ParameterStatus(pair)) => {
                    self.told.insert(pair.name()?.to_owned(), pair.value()?.to_owned());
                }
                Some(Message::NoticeResponse(_) | Message::NotificationResponse(_)) => {}
                Some(message) => return Ok(message),
            }
        }
    }

    /// The bytes of the next message, which stays the next one. Its text may be of a kind that the library does not know.
    pub(super) async fn whole(&mut self) -> Result<Vec<u8>, Trouble> {
        loop {
            if let Some(head) = Header::parse(&self.incoming)? {
                // Without its kind, which is one byte.
                let length = usize::try_from(head.len()).unwrap_or(usize::MAX);
                if length > LONGEST_OF_LOGIN {
                    return Err(Trouble::Lost(format!("a message of {length} bytes was announced")));
                }
                if let Some(message) = self.incoming.get(..=length) {
                    return Ok(message.to_vec());
                }
            }
            self.incoming.reserve(CHUNK);
            if self.io.read_buf(&mut self.incoming).await? == 0 {
                return Err(Trouble::Lost("the server closed the connection".to_owned()));
            }
        }
    }

    /// Leaves so many bytes of what has come unread.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.incoming.advance(bytes.min(self.incoming.len()));
    }

    /// Runs statements of our own without parameters; their rows are thrown away.
    pub(super) async fn command(&mut self, sql: &str) -> Result<(), Trouble> {
        frontend::query(sql, &mut self.outgoing)?;
        self.flush().await?;
        while self.next_of_statement().await?.is_some() {}
        Ok(())
    }

    /// Has the server look at a statement without running it.
    pub(super) async fn prepare(&mut self, sql: &str) -> Result<Prepared, Trouble> {
        frontend::parse("", sql, [], &mut self.outgoing)?;
        frontend::describe(b'S', "", &mut self.outgoing)?;
        frontend::sync(&mut self.outgoing);
        self.flush().await?;
        let mut prepared = Prepared::default();
        while let Some(message) = self.next_of_statement().await? {
            match message {
                Message::ParameterDescription(body) => prepared.params = body.parameters().count()?,
                Message::RowDescription(body) => {
                    let field = |f: postgres_protocol::message::backend::Field<'_>| {
                        Ok(Described {
                            name: f.name().to_owned(),
                            oid: f.type_oid(),
                            modifier: f.type_modifier(),
                        })
                    };
                    prepared.columns = body.fields().map(field).collect()?;
                }
                Message::ParseComplete | Message::NoData => {}
                _ => return Err(Trouble::odd()),
            }
        }
        Ok(prepared)
    }

    /// Begins the statement that was prepared last. The rows come by [`Self::step`].
    ///
    /// All rows are asked for at once, without a cursor (`DECLARE` and `FETCH`): at the first row of a cursor Redshift's leader
    /// materialises the whole result, within a limit that depends on the nodes, so that its documentation advises against
    /// them. A plain result flows; what holds it back is that nobody reads the socket faster than the rows are taken.
    pub(super) async fn start(&mut self, values: &[Param]) -> Result<(), Trouble> {
        let written = frontend::bind(
            "",
            "",
            [0],
            values,
            |value, out| {
                let text = match value {
                    Param::Null => return Ok(postgres_protocol::IsNull::Yes),
                    Param::Bool(yes) => yes.to_string(),
                    Param::Int(number) => number.to_string(),
                    Param::Text(text) => text.clone(),
                };
                out.extend_from_slice(text.as_bytes());
                Ok(postgres_protocol::IsNull::No)
            },
            [0],
            &mut self.outgoing,
        );
        written.map_err(|_| Trouble::Lost("too many values for one statement".to_owned()))?;
        frontend::execute("", 0, &mut self.outgoing)?;
        frontend::sync(&mut self.outgoing);
        self.touched = None;
        self.flush().await
    }

    /// What comes next of the statement that runs. Giving up while it waits loses nothing.
    pub(super) async fn step(&mut self) -> Result<Step, Trouble> {
        while let Some(message) = self.next_of_statement().await? {
            match message {
                Message::DataRow(row) => return Ok(Step::Row(row)),
                Message::CommandComplete(body) => {
                    self.touched = body.tag()?.rsplit(' ').next().and_then(|n| n.parse().ok());
                }
                Message::BindComplete | Message::EmptyQueryResponse => {}
                _ => return Err(Trouble::odd()),
            }
        }
        Ok(Step::End(self.touched))
    }

    /// Runs the statement that was prepared last and collects its rows: for questions of our own.
    pub(super) async fn all(&mut self, values: &[Param]) -> Result<Vec<DataRowBody>, Trouble> {
        self.start(values).await?;
        let mut rows = Vec::new();
        while let Step::Row(row) = self.step().await? {
            rows.push(row);
        }
        Ok(rows)
    }

    /// The next message about what was asked last; none at its end. What the server refuses is told once it is ready again, or
    /// when it closes the connection with these words. Giving up while it waits loses nothing.
    async fn next_of_statement(&mut self) -> Result<Option<Message>, Trouble> {
        loop {
            match self.next().await {
                Ok(Message::ErrorResponse(body)) => self.refusal = Some(Said::read(&body)),
                Ok(Message::ReadyForQuery(_)) => {
                    return self.refusal.take().map_or(Ok(None), |said| Err(Trouble::Said(said)));
                }
                Ok(_) if self.refusal.is_some() => {}
                Ok(message) => return Ok(Some(message)),
                Err(trouble) => return Err(self.refusal.take().map_or(trouble, Trouble::SaidLast)),
            }
        }
    }
}
