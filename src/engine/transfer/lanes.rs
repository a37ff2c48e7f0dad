//! Threads on which connections do all their work: reading the socket, decrypting, writing to the disk.
//!
//! A connection never leaves its lane, and every lane has connections of its own to servers, so that no byte is handed from thread
//! to thread before it is in the file. While a lane writes it reads nothing: what arrives waits in the sockets and is then read in
//! large pieces. The rest of the program keeps its own threads, which a slow disk does not block.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::thread;

use tokio::runtime::{Builder, Handle};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::desk::Fault;

/// The fewest lanes, so that one connection receives while another one writes.
const FEWEST: usize = 2;
/// The most lanes: each moves a gigabyte a second and more.
const MOST: usize = 4;

/// Makes a client for a lane.
type MakeClient = dyn Fn() -> Result<reqwest::Client, Fault> + Send + Sync;

/// The lanes of one mover, each started when it is first needed.
pub struct Lanes {
    slots: Vec<Arc<Slot>>,
    make_client: Box<MakeClient>,
}

#[derive(Default)]
struct Slot {
    taken: AtomicUsize,
    lane: OnceLock<Lane>,
}

/// A thread that runs connections until it is dropped.
struct Lane {
    handle: Handle,
    client: reqwest::Client,
    _stop: DropGuard,
}

impl Lanes {
    /// As many lanes as the processors at hand are worth.
    pub fn new(processors: usize, make_client: impl Fn() -> Result<reqwest::Client, Fault> + Send + Sync + 'static) -> Self {
        let slots = (0..processors.clamp(FEWEST, MOST)).map(|_| Arc::default()).collect();
        Self { slots, make_client: Box::new(make_client) }
    }

    /// A seat in the lane with the fewest connections; of several the first, whose connections are the warmest.
    pub fn seat(&self) -> Result<Seat, Fault> {
        let slot = self.slots.iter().min_by_key(|slot| slot.taken.load(Relaxed)).ok_or_else(|| Fault::internal("there are no lanes"))?;
        let lane = if let Some(lane) = slot.lane.get() {
            lane
        } else {
            let lane = Lane::start((self.make_client)()?)?;
            slot.lane.get_or_init(|| lane)
        };
        slot.taken.fetch_add(1, Relaxed);
        Ok(Seat { handle: lane.handle.clone(), client: lane.client.clone(), slot: Arc::clone(slot) })
    }
}

/// A block of this size in bytes is freed before lanes begin.
const FREED_AT_FIRST: usize = 4 << 20;

/// Keeps the C library from giving freed buffers back to the kernel and asking for them again, thousands of times a second: once a
/// large block was freed, glibc holds on to twice as much ("dynamic mmap threshold" in mallopt(3)).
fn keep_freed_buffers() {
    drop(std::hint::black_box(Vec::<u8>::with_capacity(FREED_AT_FIRST)));
}

impl Lane {
    fn start(client: reqwest::Client) -> Result<Self, Fault> {
        keep_freed_buffers();
        let broken = |error| Fault::internal("a thread for connections cannot be started").because(error);
        let runtime = Builder::new_current_thread().enable_all().build().map_err(broken)?;
        let (handle, stop) = (runtime.handle().clone(), CancellationToken::new());
        let stopped = stop.clone();
        let run = move || runtime.block_on(stopped.cancelled());
        thread::Builder::new().name("transfer".to_owned()).spawn(run).map_err(broken)?;
        Ok(Self { handle, client, _stop: stop.drop_guard() })
    }
}

/// One connection's place in a lane; dropping it frees the place.
pub struct Seat {
    handle: Handle,
    client: reqwest::Client,
    slot: Arc<Slot>,
}

impl Seat {
    /// Where the connection's task is to be spawned. It may block for as long as a write takes.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What sends the connection's requests.
    pub fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.slot.taken.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lanes() -> Lanes {
        Lanes::new(3, || Ok(reqwest::Client::new()))
    }

    #[test]
    fn connections_spread_over_the_lanes_and_come_back_to_the_first() {
        let lanes = lanes();
        let taken = || lanes.slots.iter().map(|slot| slot.taken.load(Relaxed)).collect::<Vec<_>>();
        let count = lanes.slots.len();
        assert_eq!(count, 3);
        let seats: Vec<Seat> = (0..=count).map(|_| lanes.seat().unwrap()).collect();
        assert_eq!((taken()[0], taken()[1]), (2, 1));
        drop(seats);
        assert!(taken().iter().all(|count| *count == 0));
        drop(lanes.seat().unwrap());
        assert_eq!(taken().iter().sum::<usize>(), 0);
    }

    #[test]
    fn a_lane_works_on_a_thread_of_its_own_and_ends_with_the_mover() {
        let lanes = lanes();
        let seat = lanes.seat().unwrap();
        let (told, name) = std::sync::mpsc::channel();
        let alive = CancellationToken::new();
        let ended = alive.clone();
        seat.handle().spawn(async move {
            let _ended = ended.drop_guard();
            told.send(thread::current().name().map(str::to_owned)).unwrap();
            std::future::pending::<()>().await;
        });
        assert_eq!(name.recv().unwrap().as_deref(), Some("transfer"));
        drop((seat, lanes));
        futures::executor::block_on(alive.cancelled());
    }
}
