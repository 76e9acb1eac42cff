//! A buffer for content that may hold tokens.

#[cfg(any(feature = "blocking", test))]
use std::io::{self, Read};
use std::mem;

use zeroize::{Zeroize as _, Zeroizing};

/// Room for the content of most answers, in bytes.
const ROOM: usize = 8 << 10;

/// Bytes that grow without leaving a copy behind: what is moved out of is wiped before it is freed, and so is the whole
/// when it is dropped.
pub(crate) struct Wiped(Zeroizing<Vec<u8>>);

impl Wiped {
    /// Makes an empty one with room for what is announced.
    pub(crate) fn with_room(announced: u64) -> Self {
        let room = usize::try_from(announced).unwrap_or(0).max(ROOM);
        Self(Zeroizing::new(Vec::with_capacity(room)))
    }

    #[cfg(any(feature = "async", test))]
    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Adds bytes at the end.
    #[cfg(any(feature = "async", test))]
    pub(crate) fn extend(&mut self, more: &[u8]) {
        drop(self.make_room(more.len()));
        self.0.extend_from_slice(more);
    }

    /// Reads to the end, straight into this buffer.
    ///
    /// # Errors
    ///
    /// Fails as the input does, an interruption excepted.
    #[cfg(any(feature = "blocking", test))]
    pub(crate) fn read_to_end(&mut self, mut input: impl Read) -> io::Result<()> {
        loop {
            drop(self.make_room(1));
            let start = self.0.len();
            // Within the capacity: nothing is moved.
            let end = self.0.capacity().min(start + ROOM);
            self.0.resize(end, 0);
            let read = match input.read(self.0.get_mut(start..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                read => read.map(Some),
            };
            let end = start + read.as_ref().ok().copied().flatten().unwrap_or(0);
            // What a reader wrote behind that is no content, and may be of it all the same.
            self.0.get_mut(end..).unwrap_or_default().zeroize();
            self.0.truncate(end);
            if read? == Some(0) {
                return Ok(());
            }
        }
    }

    /// The bytes, which are the caller's to wipe from now on.
    pub(crate) fn take(mut self) -> Vec<u8> {
        mem::take(&mut *self.0)
    }

    /// Makes room for more, in another place if need be. Returns the buffer that was left, wiped.
    fn make_room(&mut self, more: usize) -> Option<Vec<u8>> {
        let needed = self.0.len().saturating_add(more);
        if needed <= self.0.capacity() {
            return None;
        }
        let mut larger = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
        larger.extend_from_slice(&self.0);
        let mut left = mem::replace(&mut *self.0, larger);
        wipe(&mut left);
        #[cfg(test)]
        tests::LEFT.lock().unwrap().push(left.clone());
        Some(left)
    }
}

/// Makes all that a buffer may hold zeros, and leaves them to be seen.
fn wipe(buffer: &mut Vec<u8>) {
    buffer.resize(buffer.capacity(), 0);
    buffer.as_mut_slice().zeroize();
}

#[cfg(test)]
pub(crate) mod tests {
    use std::sync::Mutex;

    use super::*;

    /// Each buffer that was left, as it was before it was freed.
    pub(crate) static LEFT: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

    #[test]
    fn buffer_that_is_outgrown_is_wiped_before_it_is_freed() {
        let mut buffer = Wiped::with_room(0);
        buffer.extend(&[7; ROOM]);
        let left = buffer.make_room(1).unwrap();
        assert_eq!(left, [0; ROOM]);
        assert_eq!((buffer.0.as_slice(), buffer.0.capacity()), (&[7; ROOM][..], 2 * ROOM));
        assert_eq!(buffer.make_room(ROOM), None, "there is room already");
        // It was not full, and more than twice as much is wanted.
        buffer.0.truncate(5);
        assert_eq!(buffer.make_room(9 * ROOM).unwrap(), [0; 2 * ROOM]);
        assert_eq!(buffer.take(), [7; 5]);
    }

    /// Gives a few bytes at a time, and writes further than it says.
    struct Untidy<'a>(&'a [u8], usize);

    impl Read for Untidy<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            self.1 += 1;
            if self.1.is_multiple_of(3) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            into.fill(9);
            let count = self.0.len().min(into.len()).min(1_000);
            let (now, later) = self.0.split_at(count);
            into[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    #[test]
    fn content_is_whole_however_it_comes() {
        let content: Vec<u8> = (0..100_000_u32).map(|n| n.to_le_bytes()[0]).collect();
        for length in [0, 1, ROOM - 1, ROOM, ROOM + 1, content.len()] {
            let content = &content[..length];
            let mut read = Wiped::with_room(0);
            read.read_to_end(Untidy(content, 0)).unwrap();
            assert!(read.take() == content, "{length}");
            let mut extended = Wiped::with_room(100);
            content.chunks(777).for_each(|chunk| extended.extend(chunk));
            assert_eq!(extended.len(), length);
            assert!(extended.take() == content, "{length}");
        }
    }
}
