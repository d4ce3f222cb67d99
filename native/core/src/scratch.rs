//! Large memory that a thread keeps from one chunk to the next. The system hands out fresh pages of 4 KiB one by one; for
//! the buffers of one chunk that costs as much as its cipher and its hash together.

use brotli::enc::StandardAlloc;
use brotli::{Allocator, CombiningAllocator, SliceWrapper, SliceWrapperMut};
use std::cell::RefCell;

/// Smaller blocks come from the allocator's own stock.
const WORTH_BYTES: usize = 256 << 10;
/// What a full chunk of the network needs (the decoder's window, the encrypted bytes) and a little more: a thread does
/// not keep larger blocks.
const LIMIT_BYTES: usize = (4 << 20) + (64 << 10);

thread_local! {
    static CONTENT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static WINDOW: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static HASHES: RefCell<Vec<u32>> = const { RefCell::new(Vec::new()) };
}

/// An empty buffer of at least this capacity.
pub fn content_buffer(capacity: usize) -> Vec<u8> {
    let mut buffer = CONTENT.with(RefCell::take);
    buffer.clear();
    buffer.reserve_exact(capacity);
    buffer
}

/// Takes such a buffer back; dropping it is harmless too.
pub fn keep_content_buffer(buffer: Vec<u8>) {
    CONTENT.with(|kept| keep(kept, buffer));
}

fn keep<T>(kept: &RefCell<Vec<T>>, block: Vec<T>) {
    let bytes = block.capacity() * size_of::<T>();
    if (WORTH_BYTES..=LIMIT_BYTES).contains(&bytes) && block.capacity() > kept.borrow().capacity() {
        kept.replace(block);
    }
}

/// A kept block if it is large enough and not far too large.
fn take<T>(kept: &RefCell<Vec<T>>, length: usize) -> Option<Vec<T>> {
    let fits = length * size_of::<T>() >= WORTH_BYTES && kept.borrow().capacity() >= length;
    fits.then(|| kept.take())
}

/// The decoder's window. A kept one holds bytes of the chunk before: the decoder never reads where it has not written
/// (RFC 7932, 4: distances are limited by what was put out), and what it puts out is checked by its hash.
#[derive(Default, Clone, Copy)]
pub struct KeptWindow;

impl Allocator<u8> for KeptWindow {
    type AllocatedMemory = Block<u8>;

    fn alloc_cell(&mut self, length: usize) -> Block<u8> {
        let Some(mut block) = WINDOW.with(|kept| take(kept, length)) else {
            return Block(vec![0; length]);
        };
        block.resize(length, 0);
        Block(block)
    }

    fn free_cell(&mut self, block: Block<u8>) {
        WINDOW.with(|kept| keep(kept, block.0));
    }
}

/// The encoder's hash table: zero, as from the system.
#[derive(Default, Clone, Copy)]
pub struct KeptHashes;

impl Allocator<u32> for KeptHashes {
    type AllocatedMemory = Block<u32>;

    fn alloc_cell(&mut self, length: usize) -> Block<u32> {
        let Some(mut block) = HASHES.with(|kept| take(kept, length)) else {
            return Block(vec![0; length]);
        };
        block.clear();
        block.resize(length, 0);
        Block(block)
    }

    fn free_cell(&mut self, block: Block<u32>) {
        HASHES.with(|kept| keep(kept, block.0));
    }
}

pub struct Block<T>(Vec<T>);

impl<T> Default for Block<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T> SliceWrapper<T> for Block<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Block<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

type Plain = StandardAlloc;
/// Everything from the system but the hash table.
#[rustfmt::skip]
pub type EncoderAlloc = CombiningAllocator<
    Plain, Plain, Plain, KeptHashes, Plain, Plain, Plain, Plain, Plain,
    Plain, Plain, Plain, Plain, Plain, Plain, Plain, Plain, Plain,
>;
