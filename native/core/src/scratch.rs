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
/// The encoder's ring: twice the window of 22 bits, a tail, and what it reads beyond its end. Its output, room for twice
/// a full chunk, is no larger.
const ENCODER_BYTES: usize = (8 << 20) + (64 << 10) + 9;
/// The ring or the output, whichever is free first: the second costs 1 to 2 ms of fresh pages a chunk and would keep
/// 8 MiB more a thread.
const ENCODER_BLOCKS: usize = 1;

thread_local! {
    static CONTENT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static ENCODER: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
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
            return Block::zero(length);
        };
        block.resize(length, 0);
        Block::of(block, length)
    }

    fn free_cell(&mut self, block: Block<u8>) {
        WINDOW.with(|kept| keep(kept, block.memory));
    }
}

/// The encoder's hash table: zero, as from the system.
#[derive(Default, Clone, Copy)]
pub struct KeptHashes;

impl Allocator<u32> for KeptHashes {
    type AllocatedMemory = Block<u32>;

    fn alloc_cell(&mut self, length: usize) -> Block<u32> {
        let Some(mut block) = HASHES.with(|kept| take(kept, length)) else {
            return Block::zero(length);
        };
        block.clear();
        block.resize(length, 0);
        Block::of(block, length)
    }

    fn free_cell(&mut self, block: Block<u32>) {
        HASHES.with(|kept| keep(kept, block.memory));
    }
}

/// The encoder's ring and output. It asks for a larger output with every block of 64 KiB that it puts off, up to 64 times
/// a chunk: all get the same memory of full size, whose pages are taken only where they are written. A kept one holds
/// bytes of the chunk before: like the encoder in C, which never clears this memory, it reads only what it has written
/// (the ring's few bytes past the end of the input are set to zero by itself).
#[derive(Default, Clone, Copy)]
pub struct KeptBytes;

impl Allocator<u8> for KeptBytes {
    type AllocatedMemory = Block<u8>;

    fn alloc_cell(&mut self, length: usize) -> Block<u8> {
        if !(WORTH_BYTES..=ENCODER_BYTES).contains(&length) {
            return Block::zero(length);
        }
        let kept = ENCODER.with(|kept| kept.borrow_mut().pop());
        let memory = kept.unwrap_or_else(|| vec![0; ENCODER_BYTES]);
        #[cfg(test)]
        let memory = tests::soiled(memory);
        Block::of(memory, length)
    }

    fn free_cell(&mut self, block: Block<u8>) {
        ENCODER.with(|kept| {
            let mut kept = kept.borrow_mut();
            if block.memory.len() == ENCODER_BYTES && kept.len() < ENCODER_BLOCKS {
                kept.push(block.memory);
            }
        });
    }
}

/// The first `length` of what may be more memory.
pub struct Block<T> {
    memory: Vec<T>,
    length: usize,
}

impl<T> Block<T> {
    fn of(memory: Vec<T>, length: usize) -> Self {
        Self { memory, length }
    }
}

impl<T: Clone + Default> Block<T> {
    fn zero(length: usize) -> Self {
        Self::of(vec![T::default(); length], length)
    }
}

impl<T> Default for Block<T> {
    fn default() -> Self {
        Self::of(Vec::new(), 0)
    }
}

impl<T> SliceWrapper<T> for Block<T> {
    fn slice(&self) -> &[T] {
        &self.memory[..self.length]
    }
}

impl<T> SliceWrapperMut<T> for Block<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.memory[..self.length]
    }
}

type Plain = StandardAlloc;
/// Everything from the system but the large blocks.
#[rustfmt::skip]
pub type EncoderAlloc = CombiningAllocator<
    KeptBytes, Plain, Plain, KeptHashes, Plain, Plain, Plain, Plain, Plain,
    Plain, Plain, Plain, Plain, Plain, Plain, Plain, Plain, Plain,
>;

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    thread_local! {
        static DIRT: Cell<u8> = const { Cell::new(0) };
    }

    /// Never twice the same on a thread: a test that compares with a fresh thread sees what depends on it.
    pub fn soiled(mut memory: Vec<u8>) -> Vec<u8> {
        let dirt = DIRT.get().wrapping_add(1);
        DIRT.set(dirt);
        memory.fill(dirt);
        memory
    }
}
