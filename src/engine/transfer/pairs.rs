//! Hashing the bytes of files that come at the same time two by two.
//!
//! A processor computes two SHA-256 digests in hardly more time than one, but it needs bytes of two files for that. So whoever has written
//! some leaves them here; whoever then comes with bytes of another file hashes both. Bytes for which no others come are hashed alone.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes};

use super::hash::{Growing, Turn};
use super::lock;

/// So many bytes wait for others before some are hashed alone.
const MOST_WAITING: usize = 4 << 20;

/// Bytes of a file that are on the disk and not hashed yet.
pub struct Portion {
    growing: Arc<Growing>,
    offset: u64,
    pieces: VecDeque<Bytes>,
}

impl Portion {
    /// The bytes of a file from `offset` on.
    pub fn new(growing: Arc<Growing>, offset: u64, pieces: Vec<Bytes>) -> Self {
        Self { growing, offset, pieces: pieces.into_iter().filter(|piece| !piece.is_empty()).collect() }
    }

    fn len(&self) -> usize {
        self.pieces.iter().map(Bytes::len).sum()
    }

    /// Takes away the first bytes.
    fn advance(&mut self, count: usize) {
        self.offset += count as u64;
        let Some(first) = self.pieces.front_mut() else { return };
        first.advance(count);
        if first.is_empty() {
            self.pieces.pop_front();
        }
    }
}

/// Where bytes wait for those of another file.
pub struct Pairs {
    waiting: Mutex<VecDeque<Portion>>,
    most: usize,
}

impl Default for Pairs {
    fn default() -> Self {
        Self { waiting: Mutex::default(), most: MOST_WAITING }
    }
}

/// A portion whose turn it is.
type Next = (Portion, Turn);

impl Pairs {
    /// Takes what was written, and hashes whatever can be hashed together with something else.
    pub fn add(&self, portion: Portion) {
        lock(&self.waiting).push_back(portion);
        while let Some((one, other)) = self.pick() {
            match other {
                Some(other) => {
                    let rest = hash_both(one, other); // before the lock: others go on meanwhile
                    lock(&self.waiting).extend(rest);
                }
                None => hash_alone(one),
            }
        }
    }

    /// From where on a file's bytes wait here, if any do.
    pub fn first(&self, growing: &Arc<Growing>) -> Option<u64> {
        let waiting = lock(&self.waiting);
        waiting.iter().filter(|portion| Arc::ptr_eq(&portion.growing, growing)).map(|portion| portion.offset).min()
    }

    /// Lets go of a file's bytes.
    pub fn forget(&self, growing: &Arc<Growing>) {
        lock(&self.waiting).retain(|portion| !Arc::ptr_eq(&portion.growing, growing));
    }

    /// What is to be hashed now: portions of two files, or a single one when too much waits.
    fn pick(&self) -> Option<(Next, Option<Next>)> {
        let mut waiting = lock(&self.waiting);
        waiting.retain(|portion| portion.offset >= portion.growing.done());
        let Some(one) = take_next(&mut waiting) else {
            while length(&waiting) > 2 * self.most {
                waiting.pop_front(); // those before it do not come; it is read back from the disk when they have
            }
            return None;
        };
        let other = take_next(&mut waiting);
        if other.is_none() && length(&waiting) + one.0.len() <= self.most {
            waiting.push_front(one.0);
            return None;
        }
        Some((one, other))
    }
}

/// How many bytes wait.
fn length(waiting: &VecDeque<Portion>) -> usize {
    waiting.iter().map(Portion::len).sum()
}

/// Takes out the first portion whose turn it is.
fn take_next(waiting: &mut VecDeque<Portion>) -> Option<Next> {
    let (index, turn) = waiting.iter().enumerate().find_map(|(index, portion)| Some((index, portion.growing.turn(portion.offset)?)))?;
    Some((waiting.remove(index)?, turn))
}

/// Hashes two portions side by side and answers with what is left of the longer one.
fn hash_both((mut one, mut turn): Next, (mut other, mut others_turn): Next) -> Option<Portion> {
    while let (Some(bytes), Some(others)) = (one.pieces.front(), other.pieces.front()) {
        let both = bytes.len().min(others.len());
        turn.hash_both(&bytes[..both], &mut others_turn, &others[..both]);
        one.advance(both);
        other.advance(both);
    }
    [one, other].into_iter().find(|portion| !portion.pieces.is_empty())
}

/// Hashes a portion to its end.
fn hash_alone((portion, mut turn): Next) {
    portion.pieces.iter().for_each(|piece| turn.hash(piece));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tokio::sync::watch;
    use tokio_util::sync::CancellationToken;

    use super::super::file::DataFile;
    use super::*;
    use crate::desk::Digest;
    use crate::engine::digest::Hasher;

    fn pairs(most: usize) -> Pairs {
        Pairs { most, ..Pairs::default() }
    }

    /// A file on the disk, and its digest in the making.
    struct Arriving {
        content: Vec<u8>,
        digest: Digest,
        growing: Arc<Growing>,
        file: DataFile,
        _dir: tempfile::TempDir,
    }

    impl Arriving {
        fn new(content: Vec<u8>) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let file = DataFile::open(&dir.path().join("x"), content.len() as u64, false).unwrap();
            file.write(0, &[Bytes::from(content.clone())]).unwrap();
            let mut hasher = Hasher::like(&"ab".repeat(32).parse().unwrap(), 0);
            hasher.update(&content);
            let digest = hasher.finish();
            let growing = Arc::new(Growing::new(&digest, content.len() as u64));
            Self { content, digest, growing, file, _dir: dir }
        }

        fn portion(&self, from: usize, to: usize) -> Portion {
            let pieces = self.content[from..to].chunks(7).map(Bytes::copy_from_slice).collect();
            Portion::new(self.growing.clone(), from as u64, pieces)
        }

        fn is_whole(&self) -> bool {
            let prefix = watch::Sender::new(self.content.len() as u64);
            let found = self.growing.follow(&self.file, prefix.subscribe(), &CancellationToken::new()).unwrap();
            found.is_some_and(|(digest, _)| digest == self.digest)
        }
    }

    #[test]
    fn bytes_wait_for_those_of_another_file_unless_too_many_wait() {
        let (one, other, pairs) = (Arriving::new(vec![1; 100]), Arriving::new(vec![2; 60]), pairs(50));
        pairs.add(one.portion(0, 30));
        assert_eq!((one.growing.done(), pairs.first(&one.growing)), (0, Some(0)), "alone");
        pairs.add(other.portion(0, 20));
        assert_eq!((one.growing.done(), other.growing.done()), (20, 20), "two by two");
        assert_eq!((pairs.first(&one.growing), pairs.first(&other.growing)), (Some(20), None), "the rest waits on");
        pairs.add(one.portion(30, 80));
        assert_eq!(one.growing.done(), 30, "too many bytes of the same file: the first are hashed alone");
        pairs.forget(&one.growing);
        assert_eq!(pairs.first(&one.growing), None);
        assert!(one.is_whole() && other.is_whole());
    }

    #[test]
    fn bytes_that_come_early_wait_for_those_before_them_but_not_for_ever() {
        let (one, other, pairs) = (Arriving::new((0..200).collect()), Arriving::new(vec![2; 60]), pairs(50));
        pairs.add(one.portion(40, 60));
        pairs.add(other.portion(0, 60));
        assert_eq!((one.growing.done(), other.growing.done()), (0, 60));
        pairs.add(one.portion(0, 40));
        pairs.add(one.portion(60, 80));
        assert_eq!(one.growing.done(), 40, "in their order");
        pairs.add(one.portion(90, 190));
        pairs.add(one.portion(190, 200));
        assert_eq!(pairs.first(&one.growing), Some(190), "what waits for bytes that do not come is let go");
        assert!(one.is_whole(), "and read back");
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

        /// Whichever portions of several files come in which order, from several threads, every digest is right.
        #[test]
        fn every_digest_is_right_in_the_end(
            sizes in prop::collection::vec(1_usize..5000, 2..5),
            steps in prop::collection::vec((0_usize..5, 1_usize..900), 0..80),
            most in 1_usize..4000,
        ) {
            let files: Vec<Arriving> = (1..).zip(&sizes).map(|(seed, size)| Arriving::new((0..*size).map(|at| u8::try_from(at * seed % 251).unwrap()).collect())).collect();
            let (pairs, mut at) = (pairs(most), vec![0; files.len()]);
            let portions = steps.into_iter().map(|(which, length)| {
                let which = which % files.len();
                let from = at[which];
                at[which] = sizes[which].min(from + length);
                files[which].portion(from, at[which])
            });
            let (mut lanes, lane_count) = ([Vec::new(), Vec::new(), Vec::new()], 3);
            portions.enumerate().for_each(|(index, portion)| lanes[index % lane_count].push(portion));
            std::thread::scope(|scope| {
                for lane in lanes {
                    scope.spawn(|| lane.into_iter().for_each(|portion| pairs.add(portion)));
                }
            });
            prop_assert!(files.iter().all(Arriving::is_whole));
        }
    }
}
