//! The loop: messages in, state changed, effects out, and a frame when something has changed.

use crate::link::{Client, Failure};
use crate::tui::effects::Runner;
use crate::tui::feed::Feed;
use crate::tui::screen::Screen as Paper;
use crate::tui::state::{Millis, Popup, State};
use crate::tui::terminal::{Modes, cursor, suspend};
use crate::tui::theme::Theme;
use crate::tui::update::{Effect, Message, update};
use crate::tui::views;
use crate::tui::{ChatOptions, Ended, Screen};
use crossterm::event::{Event as Input, EventStream};
use futures::StreamExt as _;
use std::io::{self, Stdout, Write};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{self, Receiver};

/// Time between two frames at least.
const FRAME: Duration = Duration::from_millis(16);
/// Time between two frames of something that only spins or counts.
const SLOW: Duration = Duration::from_millis(100);
/// Messages that may wait.
const MESSAGES: usize = 1024;

struct App {
    state: State,
    feed: Feed,
    theme: Theme,
    paper: Paper<Stdout>,
    runner: Runner,
    modes: Option<Modes>,
    input: Option<EventStream>,
    begun: Instant,
    drawn: Instant,
    dirty: bool,
    resized: bool,
    lost: bool,
    cursor_row: u16,
}

/// Runs the screen until the user leaves or the process is told to end.
pub(super) async fn run(client: Client, options: ChatOptions) -> Result<Ended, Failure> {
    let modes = Modes::take()?;
    let size = crossterm::terminal::size()?;
    let (sender, mut messages) = mpsc::channel(MESSAGES);
    let theme = Theme { color: !options.no_color, ascii: options.ascii };
    let full = options.screen == Screen::Full;
    let mut app = App {
        state: State::new(size, full),
        feed: Feed::default(),
        theme,
        paper: Paper::new(io::stdout(), size, if full { 0 } else { first_row(size)? }),
        runner: Runner::new(client, sender),
        modes: Some(modes),
        input: Some(EventStream::new()),
        begun: Instant::now(),
        drawn: Instant::now(),
        dirty: true,
        resized: false,
        lost: false,
        cursor_row: 0,
    };
    app.state.source = options.source;
    app.state.examples = options.examples;
    app.begin(options.session, options.resume_picker, options.continue_last, options.first_question);
    let result = app.turn_over(&mut messages).await;
    let left = app.leave();
    let ended = result?;
    left?;
    Ok(ended)
}

/// The row at which the live area begins: the cursor's, or the last where the terminal does not tell.
fn first_row(size: (u16, u16)) -> io::Result<u16> {
    match cursor() {
        Ok((0, row)) => Ok(row),
        Ok((_, row)) => {
            io::stdout().write_all(b"\r\n")?;
            Ok((row + 1).min(size.1.saturating_sub(1)))
        }
        Err(_) => {
            // Whatever stands there is kept: it is pushed up.
            let mut out = io::stdout();
            out.write_all("\r\n".repeat(usize::from(size.1)).as_bytes())?;
            Ok(0)
        }
    }
}

impl App {
    fn begin(&mut self, session: Option<String>, picker: bool, latest: bool, question: Option<String>) {
        if let Some(name) = session {
            self.runner.run(Effect::Open(name));
        } else if latest {
            self.runner.run(Effect::OpenLatest);
        } else if picker {
            self.state.popup = Some(Popup::Picker(crate::tui::state::Picker::default()));
            self.runner.run(Effect::List);
        } else if let Some(question) = question {
            self.state.asking = Some(question.clone());
            self.runner.run(Effect::Ask { question, session: None, source: self.state.source.clone() });
        }
    }

    async fn turn_over(&mut self, messages: &mut Receiver<Message>) -> Result<Ended, Failure> {
        let (mut ended, mut hung) = (signal(SignalKind::terminate())?, signal(SignalKind::hangup())?);
        while !self.state.done {
            self.draw_if_due().await?;
            let wait = self.wait();
            let Some(input) = &mut self.input else { return Ok(Ended::Left) };
            tokio::select! {
                message = messages.recv() => match message {
                    Some(message) => {
                        self.take(message)?;
                        // What came meanwhile belongs to the same frame.
                        for _ in 0..MESSAGES {
                            let Ok(message) = messages.try_recv() else { break };
                            self.take(message)?;
                        }
                    }
                    None => return Ok(Ended::Left),
                },
                event = input.next() => match event {
                    Some(Ok(event)) => self.input(event)?,
                    Some(Err(e)) => return Err(Failure::from(e)),
                    None => return Ok(Ended::Left),
                },
                () = sleep(wait) => {
                    self.take(Message::Tick)?;
                    self.dirty = true;
                }
                () = heard(&mut ended) => return Ok(Ended::Told),
                () = heard(&mut hung) => return Ok(Ended::Told),
            }
        }
        Ok(Ended::Left)
    }

    fn input(&mut self, event: Input) -> io::Result<()> {
        match event {
            Input::Key(key) => self.take(Message::Key(key)),
            Input::Paste(text) => self.take(Message::Paste(text)),
            Input::Resize(columns, rows) => {
                self.resized = true;
                self.take(Message::Resize(columns, rows))
            }
            Input::FocusGained | Input::FocusLost | Input::Mouse(_) => Ok(()),
        }
    }

    fn take(&mut self, message: Message) -> io::Result<()> {
        let now = Millis::try_from(self.begun.elapsed().as_millis()).unwrap_or(Millis::MAX);
        self.dirty |= !matches!(message, Message::Tick);
        for effect in update(&mut self.state, message, now) {
            if effect == Effect::Suspend {
                self.suspend()?;
            } else {
                self.runner.run(effect);
            }
        }
        Ok(())
    }

    /// When to draw next without being asked: none while nothing moves, so that an idle screen costs nothing.
    fn wait(&self) -> Option<Duration> {
        let since = self.drawn.elapsed();
        if self.dirty || self.feed.waits() {
            Some(FRAME.saturating_sub(since))
        } else if self.state.moves() {
            Some(SLOW.saturating_sub(since))
        } else {
            None
        }
    }

    async fn draw_if_due(&mut self) -> Result<(), Failure> {
        if self.dirty && self.drawn.elapsed() >= FRAME {
            if self.resized || (self.lost && self.state.popup.is_none()) {
                self.find_place().await?;
            }
            self.draw()?;
        }
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        self.state.today =
            SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |d| d.as_secs_f64() / 86_400.0);
        let frame = views::frame(&self.state, self.theme);
        (self.dirty, self.drawn) = (false, Instant::now());
        if !self.state.full {
            self.feed.take_in(&self.state, frame);
        }
        if let Some(picture) = views::whole(&mut self.state, self.theme) {
            return self.paper.whole(&picture);
        }
        let finished = self.feed.let_out(self.state.now);
        let tail = self.feed.live(&self.state, frame);
        let picture = views::live(&self.state, tail, frame);
        self.cursor_row = picture.cursor.and_then(|(_, row)| u16::try_from(row).ok()).unwrap_or(0);
        self.paper.inline(&finished, &picture)
    }

    /// After the terminal has another size, its lines may be wrapped anew: the cursor tells where the live area is now.
    async fn find_place(&mut self) -> Result<(), Failure> {
        // A drag sends many sizes; the last one counts.
        tokio::time::sleep(FRAME).await;
        let size = crossterm::terminal::size()?;
        self.take(Message::Resize(size.0, size.1))?;
        self.resized = false;
        if self.paper.is_whole() && (self.state.popup.is_some() || self.state.full) {
            self.paper.resize(size, None)?;
            // The main screen below was wrapped anew too; its place is looked for when it is shown again.
            self.lost = !self.state.full;
            return Ok(());
        }
        self.paper.uncover()?;
        self.lost = false;
        // Only one may read the terminal's answer.
        drop(self.input.take());
        let place = cursor().ok();
        self.input = Some(EventStream::new());
        let top = place.map(|(_, row)| row.saturating_sub(self.cursor_row));
        self.paper.resize(size, top)?;
        Ok(())
    }

    fn suspend(&mut self) -> io::Result<()> {
        self.paper.leave()?;
        drop(self.input.take());
        self.modes = None;
        suspend()?;
        self.modes = Some(Modes::take()?);
        let size = crossterm::terminal::size()?;
        self.state.size = size;
        self.paper = Paper::new(io::stdout(), size, if self.state.full { 0 } else { first_row(size)? });
        self.input = Some(EventStream::new());
        self.dirty = true;
        Ok(())
    }

    /// Puts up what waits, gives the terminal back, and says how to go on.
    fn leave(&mut self) -> io::Result<()> {
        if !self.state.full {
            let frame = views::frame(&self.state, self.theme);
            self.feed.take_in(&self.state, frame);
            let mut finished = self.feed.flush();
            finished.extend(self.feed.live(&self.state, frame));
            self.paper.inline(&finished, &views::Picture::default())?;
        }
        self.paper.leave()?;
        self.modes = None;
        let mut out = io::stdout();
        if let Some(open) = &self.state.session {
            let running =
                if self.state.running().is_some() { "The answer goes on without this screen. " } else { "" };
            writeln!(out, "\n{running}Go on with: wharf chat --session {}", open.id)?;
        }
        out.flush()
    }
}

async fn sleep(wait: Option<Duration>) {
    match wait {
        Some(wait) => tokio::time::sleep(wait).await,
        None => std::future::pending().await,
    }
}

async fn heard(signal: &mut Signal) {
    if signal.recv().await.is_none() {
        std::future::pending::<()>().await;
    }
}
