//! The bytes of a file on their way into a connection: read ahead in large blocks, paced, counted, and spoiled where that is wanted.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::stream;
use tokio::task::JoinHandle;

use super::faults::Effect;
use super::files::OpenFile;
use super::pace::Pace;
use super::stats::Counter;

/// Bytes read at a time. Large, because every read goes to another thread and every block through several layers.
const BLOCK: u64 = 512 << 10;

/// How long a connection that is about to be cut gets to send what it was given.
const FLUSH: Duration = Duration::from_millis(50);

/// A body in progress.
pub struct Flow {
    reader: Reader,
    held: Bytes,
    /// The offset in the file of the next byte to send.
    at: u64,
    sent: u64,
    pace: Arc<Pace>,
    counter: Arc<Counter>,
    effect: Option<Effect>,
}

impl Flow {
    /// The bytes from `start` up to `end` of a file. Must be made inside a runtime.
    pub fn new(file: OpenFile, (start, end): (u64, u64), pace: Arc<Pace>, counter: Arc<Counter>, effect: Option<Effect>) -> Self {
        let reader = Reader::new(file, start, end);
        Self { reader, held: Bytes::new(), at: start, sent: 0, pace, counter, effect }
    }

    /// The body.
    pub fn into_body(self) -> Body {
        Body::from_stream(stream::try_unfold(
            self,
            |mut flow| async move { Ok::<_, io::Error>(flow.next().await?.map(|bytes| (bytes, flow))) },
        ))
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        if self.held.is_empty() {
            match self.reader.next().await? {
                Some(block) => self.held = block,
                None => return self.end().await,
            }
        }
        let Some(room) = self.room().await? else { return Ok(None) };
        let slice = self.pace.take(self.held.len().min(room)).await;
        let bytes = self.held.split_to(slice);
        let bytes = self.spoil(bytes);
        self.at += bytes.len() as u64;
        self.sent += bytes.len() as u64;
        self.counter.add(bytes.len() as u64);
        Ok(Some(bytes))
    }

    /// The end of a body: in order, unless more was announced.
    async fn end(&self) -> io::Result<Option<Bytes>> {
        if matches!(self.effect, Some(Effect::Announce(length)) if self.sent < length) { cut().await } else { Ok(None) }
    }

    /// How many bytes may go before something happens to the body; when that point is reached, it does. `None` ends the body.
    async fn room(&self) -> io::Result<Option<usize>> {
        match self.effect {
            Some(Effect::CutAfter(limit) | Effect::StallAfter(limit) | Effect::EndAfter(limit)) if self.sent < limit => {
                Ok(Some(usize::try_from(limit - self.sent).unwrap_or(usize::MAX)))
            }
            Some(Effect::CutAfter(_)) => cut().await,
            Some(Effect::StallAfter(_)) => std::future::pending().await,
            Some(Effect::EndAfter(_)) => Ok(None),
            Some(Effect::Trickle(pause)) => {
                tokio::time::sleep(pause).await;
                Ok(Some(1))
            }
            _ => Ok(Some(usize::MAX)),
        }
    }

    fn spoil(&self, bytes: Bytes) -> Bytes {
        let here = self.at..self.at + bytes.len() as u64;
        let wrong = match self.effect {
            Some(Effect::Flip(offset)) if here.contains(&offset) => offset..offset + 1,
            Some(Effect::Replace) => here,
            _ => return bytes,
        };
        let place = |offset: u64| usize::try_from(offset - self.at).unwrap_or_default();
        let mut spoiled = bytes.to_vec();
        spoiled[place(wrong.start)..place(wrong.end)].iter_mut().for_each(|byte| *byte = !*byte);
        spoiled.into()
    }
}

/// Ends a connection when it has sent what it was given.
async fn cut<T>() -> io::Result<T> {
    tokio::time::sleep(FLUSH).await;
    Err(io::Error::new(io::ErrorKind::ConnectionReset, "cut on purpose"))
}

/// Reads one block ahead of what is being sent.
struct Reader {
    file: Arc<File>,
    at: u64,
    end: u64,
    ahead: Ahead,
}

enum Ahead {
    Nothing,
    Here(Bytes),
    Coming(JoinHandle<io::Result<Vec<u8>>>),
}

impl Reader {
    fn new(file: OpenFile, start: u64, end: u64) -> Self {
        let whole = file.content.filter(|content| end <= content.len() as u64);
        let here = whole.and_then(|content| Some(content.slice(usize::try_from(start).ok()?..usize::try_from(end).ok()?)));
        let mut reader = Self { file: Arc::new(file.file), at: start, end, ahead: Ahead::Nothing };
        match here {
            Some(bytes) => reader.ahead = Ahead::Here(bytes),
            None => reader.read_ahead(),
        }
        reader
    }

    fn read_ahead(&mut self) {
        let (file, at, want) = (Arc::clone(&self.file), self.at, BLOCK.min(self.end - self.at));
        let read = || tokio::task::spawn_blocking(move || read_block(&file, at, want));
        self.ahead = if want > 0 { Ahead::Coming(read()) } else { Ahead::Nothing };
    }

    async fn next(&mut self) -> io::Result<Option<Bytes>> {
        let block = match std::mem::replace(&mut self.ahead, Ahead::Nothing) {
            Ahead::Nothing => return Ok(None),
            Ahead::Here(bytes) => bytes,
            Ahead::Coming(reading) => reading.await.map_err(io::Error::other)??.into(),
        };
        self.at += block.len() as u64;
        self.read_ahead();
        Ok(Some(block))
    }
}

/// Reads at most `want` bytes into memory that is not cleared first; at least one, since the file is that long.
fn read_block(file: &File, at: u64, want: u64) -> io::Result<Vec<u8>> {
    let want = usize::try_from(want).unwrap_or(usize::MAX);
    let mut block = Vec::with_capacity(want);
    rustix::io::pread(file, rustix::buffer::spare_capacity(&mut block), at)?;
    block.truncate(want);
    if block.is_empty() { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(block) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    async fn collect(range: (u64, u64), effect: Option<Effect>) -> Result<Vec<u8>, axum::Error> {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content()).unwrap();
        let counter = Arc::new(Counter::default());
        let flow = Flow::new(OpenFile { file, content: None }, range, Arc::new(Pace::new(None)), Arc::clone(&counter), effect);
        let bytes = axum::body::to_bytes(flow.into_body(), usize::MAX).await?;
        assert_eq!(counter.get(), bytes.len() as u64);
        Ok(bytes.to_vec())
    }

    fn content() -> Vec<u8> {
        (0..1_500_000_u32).map(|n| u8::try_from(n % 251).unwrap()).collect()
    }

    #[tokio::test]
    async fn a_body_is_the_range_exactly() {
        for (start, end) in [(0_u32, 1_500_000_u32), (5, 6), (524_287, 524_290), (7, 7)] {
            let expected = &content()[start as usize..end as usize];
            assert_eq!(collect((start.into(), end.into()), None).await.unwrap(), expected);
        }
    }

    #[tokio::test]
    async fn a_byte_is_flipped_where_asked() {
        let mut expected = content()[100..1_000_000].to_vec();
        expected[600_000 - 100] ^= 0xff;
        assert_eq!(collect((100, 1_000_000), Some(Effect::Flip(600_000))).await.unwrap(), expected);
    }

    #[tokio::test]
    async fn a_body_is_replaced_ends_early_and_trickles_where_asked() {
        let inverted: Vec<u8> = content()[7..700_000].iter().map(|byte| !byte).collect();
        assert_eq!(collect((7, 700_000), Some(Effect::Replace)).await.unwrap(), inverted);
        assert_eq!(collect((7, 700_000), Some(Effect::EndAfter(600_000))).await.unwrap(), content()[7..600_007]);
        assert_eq!(collect((7, 30), Some(Effect::EndAfter(600_000))).await.unwrap(), content()[7..30]);
        let begun = std::time::Instant::now();
        assert_eq!(collect((7, 27), Some(Effect::Trickle(Duration::from_millis(2)))).await.unwrap(), content()[7..27]);
        assert!(begun.elapsed() >= Duration::from_millis(40), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_cut_and_a_shrunken_file_are_errors_and_not_short_bodies() {
        assert!(collect((0, 1_500_000), Some(Effect::CutAfter(10))).await.is_err());
        assert!(collect((0, 1_500_001), None).await.is_err());
    }
}
