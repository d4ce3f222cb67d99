//! Buffers for large messages, used again: a chunk of 4 MiB read into fresh memory costs a thousand page faults, and one
//! that grows as it comes in is copied twice besides. A few are kept while there is traffic; `trim` gives them back.
use crate::lock;
use std::sync::Mutex;

/// A chunk in its signed envelope, and a little more.
const CAPACITY: usize = (4 << 20) + (64 << 10);
/// Smaller messages come from the allocator.
const WORTH_BYTES: usize = 256 << 10;
/// What stays resident between two chunks is at most so many times `CAPACITY`.
const KEPT: usize = 4;

static SPARE: Mutex<Vec<Vec<u8>>> = Mutex::new(Vec::new());

/// Makes room for `bytes` more; a message that becomes large moves into a buffer of its final size at once. Untouched
/// pages of a fresh one cost nothing.
pub fn reserve(data: &mut Vec<u8>, bytes: usize) {
    let length = data.len().saturating_add(bytes);
    if length > data.capacity() && (WORTH_BYTES..=CAPACITY).contains(&length) {
        let kept = lock(&SPARE).pop();
        let mut large = kept.unwrap_or_else(|| Vec::with_capacity(CAPACITY));
        large.extend_from_slice(data);
        *data = large;
    } else {
        data.reserve(bytes);
    }
}

/// Of a message that is whole: memory it does not need goes back, unless the buffer is worth keeping as it is.
pub fn fit(data: &mut Vec<u8>) {
    if data.len() < CAPACITY / 2 {
        data.shrink_to_fit();
    }
}

/// Takes a buffer back that nobody reads any more.
pub fn give(mut data: Vec<u8>) {
    if data.capacity() == CAPACITY {
        data.clear();
        let mut spare = lock(&SPARE);
        if spare.len() < KEPT {
            spare.push(data);
        }
    }
}

pub fn clear() {
    let kept = std::mem::take(&mut *lock(&SPARE));
    drop(kept);
}

#[cfg(test)]
mod tests {
    use super::{CAPACITY, KEPT, WORTH_BYTES, clear, fit, give, reserve};

    #[test]
    fn large_messages_take_turns_in_the_same_memory() {
        let mut data = vec![7; 10];
        reserve(&mut data, 10);
        assert!(data.capacity() < CAPACITY, "small ones grow as they like");
        reserve(&mut data, WORTH_BYTES);
        assert_eq!((data.capacity(), data.as_slice()), (CAPACITY, &[7; 10][..]));
        data.resize(4 << 20, 1);
        fit(&mut data);
        let memory = data.as_ptr();
        give(data);
        let mut next = Vec::new();
        reserve(&mut next, WORTH_BYTES);
        assert_eq!((next.as_ptr(), next.len()), (memory, 0));
        reserve(&mut next, CAPACITY + 1);
        assert!(
            next.capacity() > CAPACITY,
            "larger than a chunk: as any vector"
        );
        give(next);
        for _ in 0..KEPT * 2 {
            give(Vec::with_capacity(CAPACITY));
        }
        assert_eq!(super::lock(&super::SPARE).len(), KEPT);
        clear();
        assert!(super::lock(&super::SPARE).is_empty());
    }

    #[test]
    fn a_message_far_smaller_than_its_buffer_keeps_no_more_than_it_needs() {
        let mut data = Vec::with_capacity(CAPACITY);
        data.resize(WORTH_BYTES, 1);
        fit(&mut data);
        assert!(data.capacity() < CAPACITY);
    }
}
