//! Talks to the daemon for the screen. Every reply comes back as a message; nothing here changes the state.

use crate::link::{Client, Failure};
use crate::tui::update::{Doing, Effect, Message};
use serde::Deserialize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;
use wharf_protocol::{ApiError, AskRequest, AskStarted, ErrorKind, Session, SessionUpdate};

/// The pause before a broken stream is taken up again, at first and at most.
const PAUSE: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(3));

/// Carries effects out.
pub struct Runner {
    link: Link,
    follow: Option<JoinHandle<()>>,
}

#[derive(Clone)]
struct Link {
    // The client is another one after the daemon was started again.
    client: Arc<RwLock<Client>>,
    messages: Sender<Message>,
}

#[derive(Deserialize)]
struct Sessions {
    sessions: Vec<Session>,
}

impl Runner {
    /// Talks through `client`, answers into `messages`.
    pub fn new(client: Client, messages: Sender<Message>) -> Self {
        Self { link: Link { client: Arc::new(RwLock::new(client)), messages }, follow: None }
    }

    /// Carries an effect out, without waiting for it.
    pub fn run(&mut self, effect: Effect) {
        let link = self.link.clone();
        match effect {
            Effect::Ask { question, session, source } => {
                link.spawn(Doing::Asking, |link| async move { link.ask(question, session, source).await });
            }
            Effect::Stop(turn) => link.spawn(Doing::Stopping, |link| async move {
                let _: serde_json::Value = link.client().delete(&format!("/api/chat/turns/{turn}")).await?;
                Ok(None)
            }),
            Effect::Follow { session, after } => {
                self.unfollow();
                self.follow = Some(tokio::spawn(link.follow(session, after)));
            }
            Effect::Unfollow => self.unfollow(),
            Effect::Open(name) => link.spawn(Doing::Opening, |link| async move {
                let path = format!("/api/sessions/{}", encoded(&name));
                Ok(Some(Message::Opened(link.client().get(&path).await?)))
            }),
            Effect::OpenLatest => link.spawn(Doing::Opening, |link| async move {
                let found: Sessions = link.client().get("/api/sessions?limit=1").await?;
                Ok(found.sessions.into_iter().next().map(Message::Opened))
            }),
            Effect::List => link.spawn(Doing::Listing, |link| async move {
                let found: Sessions = link.client().get("/api/sessions?limit=500").await?;
                Ok(Some(Message::Sessions(found.sessions)))
            }),
            Effect::Rename { session, title } => link.spawn(Doing::Renaming, |link| async move {
                let update = SessionUpdate { title: Some(title) };
                Ok(Some(Message::Renamed(
                    link.client().patch(&format!("/api/sessions/{session}"), &update).await?,
                )))
            }),
            // The terminal's owner does this.
            Effect::Suspend => {}
        }
    }

    fn unfollow(&mut self) {
        if let Some(task) = self.follow.take() {
            task.abort();
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        self.unfollow();
    }
}

impl Link {
    fn client(&self) -> Client {
        self.client.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Finds the daemon again, or starts it.
    async fn reconnect(&self) -> Result<(), Failure> {
        let client = self.client().reconnect().await?;
        *self.client.write().unwrap_or_else(PoisonError::into_inner) = client;
        Ok(())
    }

    fn spawn<F, Done>(self, doing: Doing, work: F)
    where
        F: FnOnce(Self) -> Done + Send + 'static,
        Done: Future<Output = Result<Option<Message>, Failure>> + Send,
    {
        tokio::spawn(async move {
            let message = match work(self.clone()).await {
                Ok(None) => return,
                Ok(Some(message)) => message,
                Err(failure) => Message::Failed(doing, failure.error),
            };
            // The screen may be gone.
            let _ = self.messages.send(message).await;
        });
    }

    async fn ask(
        &self,
        question: String,
        session: Option<String>,
        source: Option<String>,
    ) -> Result<Option<Message>, Failure> {
        // A question is never sent twice by itself, so the daemon must answer before it is sent.
        if self.client().answers().await.is_err() {
            self.reconnect().await?;
        }
        let request = AskRequest {
            question,
            session,
            create: false,
            ephemeral: false,
            source,
            provider: None,
            now: None,
            context: None,
            timeout_ms: None,
        };
        let started: AskStarted = self.client().post("/api/chat/turns", &request).await?;
        Ok(Some(Message::Asked(started)))
    }

    /// Follows a session for as long as it is shown. A stream that breaks is taken up behind the last event that came.
    async fn follow(self, session: String, mut after: u64) {
        let mut pause = PAUSE.0;
        loop {
            match self.client().events(&session, after).await {
                Ok(mut events) => {
                    if self.messages.send(Message::Following(session.clone())).await.is_err() {
                        return;
                    }
                    while let Some(Ok(event)) = events.next().await {
                        after = event.seq;
                        pause = PAUSE.0;
                        let message = Message::Event { session: session.clone(), event };
                        if self.messages.send(message).await.is_err() {
                            return;
                        }
                    }
                }
                Err(failure) if failure.error.kind == ErrorKind::NotFound => {
                    let error =
                        ApiError::new(ErrorKind::NotFound, "session_gone", "this session was deleted")
                            .hint("/new begins another one");
                    let _ = self.messages.send(Message::Failed(Doing::Opening, error)).await;
                    return;
                }
                Err(_) => {}
            }
            if self.messages.send(Message::Broken(session.clone())).await.is_err() {
                return;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(PAUSE.1);
            // A failure is not the end: the daemon may be started by hand later.
            let _ = self.reconnect().await;
        }
    }
}

/// A name as one segment of a path.
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
