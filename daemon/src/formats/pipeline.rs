//! From batches to bytes in order: alone while a result is small, with several threads once it is not.

use super::sink::Sink;
use super::{Encoder, Shape, Style, encoder};
use crate::sources::{Consumer, Stop};
use arrow::array::RecordBatch;
use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use wharf_protocol::{ApiError, ErrorKind, Format};

/// Batches that are written by the thread that fetches them, before others are called in.
const ALONE: usize = 4;
/// Bytes that are gathered before they are handed to the sink.
const FLUSH: usize = 128 << 10;
/// Memory of the batches that one encoder thread takes at a time.
const GROUP: usize = 2 << 20;
/// Groups under way at once, waiting or written: bounds the memory of a result of any size.
const IN_FLIGHT: usize = 6;

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Rows.
    pub rows: u64,
    /// Bytes.
    pub bytes: u64,
}

/// A consumer that writes a result in one format into one sink.
pub struct Encoding {
    format: Format,
    style: Style,
    begin: Option<Begin>,
    writing: Option<Writing>,
    totals: Totals,
}

type Begin = Box<dyn FnOnce(&Arc<Shape>) -> Result<Box<dyn Sink>, Stop> + Send>;

enum Writing {
    Alone { encoder: Arc<dyn Encoder>, sink: Box<dyn Sink>, buffer: Vec<u8>, batches: usize },
    Shared(Shared),
}

impl Encoding {
    /// Writes in `format`; `begin` is called with the columns once they are known, and gives the sink.
    pub fn new(
        format: Format,
        style: Style,
        begin: impl FnOnce(&Arc<Shape>) -> Result<Box<dyn Sink>, Stop> + Send + 'static,
    ) -> Self {
        Self { format, style, begin: Some(Box::new(begin)), writing: None, totals: Totals::default() }
    }

    /// What was written so far; final after [`Consumer::end`].
    pub fn totals(&self) -> Totals {
        self.totals
    }
}

impl Consumer for Encoding {
    fn bytes(&self) -> u64 {
        self.totals().bytes
    }

    fn shape(&mut self, shape: &Arc<Shape>) -> Result<(), Stop> {
        let encoder = encoder(self.format, &self.style, shape)?;
        let mut buffer = Vec::with_capacity(FLUSH + FLUSH / 4);
        encoder.head(&mut buffer)?;
        let Some(begin) = self.begin.take() else { return Ok(()) };
        let sink = begin(shape)?;
        self.writing = Some(Writing::Alone { encoder, sink, buffer, batches: 0 });
        Ok(())
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let first = self.totals.rows == 0;
        self.totals.rows += batch.num_rows() as u64;
        match self.writing.take() {
            None => Err(internal("rows came before columns")),
            Some(Writing::Alone { encoder, mut sink, mut buffer, batches }) => {
                if batches >= ALONE && encoder.parallel() && self.format != Format::None {
                    let mut shared = Shared::start(encoder, sink, std::mem::take(&mut buffer));
                    let result = shared.batch(batch);
                    self.writing = Some(Writing::Shared(shared));
                    return result;
                }
                encoder.batch(&batch, first, &mut buffer)?;
                // The first rows go out at once; later ones in larger pieces.
                if batches == 0 || buffer.len() >= FLUSH {
                    self.totals.bytes += buffer.len() as u64;
                    sink.write(std::mem::take(&mut buffer))?;
                }
                self.writing = Some(Writing::Alone { encoder, sink, buffer, batches: batches + 1 });
                Ok(())
            }
            Some(Writing::Shared(mut shared)) => {
                let result = shared.batch(batch);
                self.writing = Some(Writing::Shared(shared));
                result
            }
        }
    }

    fn end(&mut self) -> Result<(), Stop> {
        let any = self.totals.rows > 0;
        let (encoder, mut sink, mut buffer) = match self.writing.take() {
            None => return Ok(()),
            Some(Writing::Alone { encoder, sink, buffer, .. }) => (encoder, sink, buffer),
            Some(Writing::Shared(shared)) => {
                let (encoder, sink, bytes) = shared.finish()?;
                self.totals.bytes += bytes;
                (encoder, sink, Vec::new())
            }
        };
        encoder.tail(any, &mut buffer)?;
        self.totals.bytes += buffer.len() as u64;
        sink.write(buffer)
    }
}

fn internal(message: &str) -> Stop {
    Stop::Failed(ApiError::new(ErrorKind::Internal, "pipeline", message))
}

/// Several encoder threads between the fetching thread and one writer thread.
struct Shared {
    encoder: Arc<dyn Encoder>,
    work: Option<SyncSender<(u64, Vec<RecordBatch>)>>,
    permits: Receiver<()>,
    group: Vec<RecordBatch>,
    group_bytes: usize,
    next: u64,
    workers: Vec<JoinHandle<()>>,
    writer: Option<JoinHandle<Finished>>,
}

/// The number of a group and its bytes.
type Written = (u64, Result<Vec<u8>, ApiError>);
/// The sink given back, and the bytes that went into it.
type Finished = Result<(Box<dyn Sink>, u64), Stop>;
/// What goes on after the shared part.
type Alone = (Arc<dyn Encoder>, Box<dyn Sink>, u64);

impl Shared {
    fn start(encoder: Arc<dyn Encoder>, sink: Box<dyn Sink>, head: Vec<u8>) -> Self {
        let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4);
        let (work, jobs) = sync_channel::<(u64, Vec<RecordBatch>)>(IN_FLIGHT);
        let (done, written) = sync_channel::<Written>(IN_FLIGHT);
        let (permit, permits) = sync_channel::<()>(IN_FLIGHT);
        for _ in 0..IN_FLIGHT {
            let _ = permit.send(());
        }
        let jobs = Arc::new(Mutex::new(jobs));
        let workers = (0..threads)
            .map(|_| {
                let (encoder, jobs, done) = (encoder.clone(), jobs.clone(), done.clone());
                std::thread::spawn(move || encode(encoder.as_ref(), &jobs, &done))
            })
            .collect();
        drop(done);
        let writer = Some(std::thread::spawn(move || write(sink, head, &written, &permit)));
        let (group, group_bytes) = (Vec::new(), 0);
        Self { encoder, work: Some(work), permits, group, group_bytes, next: 0, workers, writer }
    }

    fn batch(&mut self, batch: RecordBatch) -> Result<(), Stop> {
        self.group_bytes += batch.get_array_memory_size();
        self.group.push(batch);
        if self.group_bytes >= GROUP { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), Stop> {
        if self.group.is_empty() {
            return Ok(());
        }
        self.group_bytes = 0;
        let group = (self.next, std::mem::take(&mut self.group));
        self.next += 1;
        // No permit means that the writer ended early: its reason is the reason.
        let sent = self.permits.recv().is_ok() && self.work.as_ref().is_some_and(|w| w.send(group).is_ok());
        if sent { Ok(()) } else { Err(self.join().err().unwrap_or(Stop::ReaderGone)) }
    }

    fn join(&mut self) -> Result<(Box<dyn Sink>, u64), Stop> {
        self.work = None;
        for worker in self.workers.drain(..) {
            let _ = worker.join();
        }
        let writer = self.writer.take().ok_or_else(|| internal("the writer has already ended"))?;
        writer.join().map_err(|_| internal("the writer thread failed"))?
    }

    fn finish(mut self) -> Result<Alone, Stop> {
        self.send()?;
        let (sink, bytes) = self.join()?;
        Ok((self.encoder.clone(), sink, bytes))
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.writer.is_some() {
            let _ = self.join();
        }
    }
}

fn encode(
    encoder: &dyn Encoder,
    jobs: &Mutex<Receiver<(u64, Vec<RecordBatch>)>>,
    done: &SyncSender<Written>,
) {
    loop {
        let job = jobs.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recv();
        let Ok((number, batches)) = job else { return };
        let mut out = Vec::with_capacity(2 * GROUP);
        let result = batches.iter().try_for_each(|batch| encoder.batch(batch, false, &mut out));
        if done.send((number, result.map(|()| out))).is_err() {
            return;
        }
    }
}

fn write(
    mut sink: Box<dyn Sink>,
    head: Vec<u8>,
    written: &Receiver<Written>,
    permit: &SyncSender<()>,
) -> Result<(Box<dyn Sink>, u64), Stop> {
    let mut bytes = head.len() as u64;
    sink.write(head)?;
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    while let Ok((number, result)) = written.recv() {
        waiting.insert(number, result?);
        while let Some(out) = waiting.remove(&next) {
            bytes += out.len() as u64;
            sink.write(out)?;
            next += 1;
            let _ = permit.send(());
        }
    }
    Ok((sink, bytes))
}
