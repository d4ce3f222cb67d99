//! Openings of a stored content for audits: the nonced tree over its 1024-byte blocks (replication.md 16.3) and the
//! Bao slice of one block, which BLAKE3's own tree gives because a block is one of its chunks.

use blake3::IncrementCounter;
use blake3::hazmat::{ChainingValue, HasherExt, Mode, left_subtree_len, merge_subtrees_non_root};
use blake3::platform::{Platform, le_bytes_from_words_32, words_from_le_bytes_32};

pub const BLOCK_BYTES: usize = 1024;
pub const HASH_BYTES: usize = 32;
/// Four times the network's largest chunk.
pub const CONTENT_MAX_BYTES: usize = 1 << 24;
const HEADER_BYTES: usize = 8;
const PARENT_BYTES: usize = 2 * HASH_BYTES;
const LEAF_TAG: &[u8] = b"autonomi.ant.audit.slice.block-leaf.v1";
const NODE_TAG: &[u8] = b"autonomi.ant.audit.slice.block-node.v1";

/// As many as the widest processors have for 32-bit words.
const LANES: usize = 16;
/// Flags of BLAKE3 (section 2.2 of its paper).
const CHUNK_START: u8 = 1;
const CHUNK_END: u8 = 2;
const PARENT: u8 = 4;
const ROOT: u8 = 8;
const KEYED_HASH: u8 = 16;

type Hash = [u8; HASH_BYTES];

/// Empty content is one empty block.
pub fn block_count(length: usize) -> usize {
    length.div_ceil(BLOCK_BYTES).max(1)
}

pub fn nonced_root(key: &Hash, content: &[u8]) -> Hash {
    let mut level = leaves(key, content);
    while level.len() > 1 {
        fold(&mut level);
    }
    level.first().copied().unwrap_or_default()
}

/// Writes the siblings of block `index` from its leaf upwards. False when there is no such block or `out` has not
/// exactly their size.
pub fn nonced_path(key: &Hash, content: &[u8], index: usize, out: &mut [u8]) -> bool {
    let count = block_count(content.len());
    let depth = count.next_power_of_two().trailing_zeros() as usize;
    if index >= count || out.len() != depth * HASH_BYTES {
        return false;
    }
    let mut level = leaves(key, content);
    let mut at = index;
    for sibling in out.chunks_exact_mut(HASH_BYTES) {
        let Some(hash) = level.get(at ^ 1).or(level.get(at)) else {
            return false;
        };
        sibling.copy_from_slice(hash);
        fold(&mut level);
        at >>= 1;
    }
    true
}

fn leaves(key: &Hash, content: &[u8]) -> Vec<Hash> {
    let mut hashes = Vec::with_capacity(block_count(content.len()));
    let (full, rest) = content.as_chunks::<BLOCK_BYTES>();
    let batches = Batches::new(key);
    for (number, blocks) in full.chunks(LANES).enumerate() {
        batches.push_leaves(number * LANES, blocks, &mut hashes);
    }
    if !rest.is_empty() || full.is_empty() {
        let hash = blake3::Hasher::new_keyed(key)
            .update(LEAF_TAG)
            .update(&place(full.len(), rest.len()))
            .update(rest)
            .finalize();
        hashes.push(*hash.as_bytes());
    }
    hashes
}

/// What stands between tag and block; both numbers are far below 2^32.
fn place(index: usize, length: usize) -> [u8; 8] {
    let mut place = [0; 8];
    let (low, high) = place.split_at_mut(4);
    low.copy_from_slice(&(index as u32).to_le_bytes());
    high.copy_from_slice(&(length as u32).to_le_bytes());
    place
}

/// Leaves of full blocks, many at once. A `Hasher` uses the lanes of the processor only within one input, and a leaf
/// of 1070 bytes has nothing for them to do: one chunk, 46 bytes more, one parent. Here a lane is a leaf.
struct Batches {
    platform: Platform,
    key: [u32; 8],
}

impl Batches {
    fn new(key: &Hash) -> Self {
        Self {
            platform: Platform::detect(),
            key: words_from_le_bytes_32(key),
        }
    }

    /// At most LANES blocks, the first of them number `first`.
    fn push_leaves(&self, first: usize, blocks: &[[u8; BLOCK_BYTES]], hashes: &mut Vec<Hash>) {
        let mut texts = [[0; BLOCK_BYTES]; LANES];
        let mut parents = [[0; PARENT_BYTES]; LANES];
        for (i, ((text, parent), block)) in
            texts.iter_mut().zip(&mut parents).zip(blocks).enumerate()
        {
            let (tag, after) = text.split_at_mut(LEAF_TAG.len());
            let (head, body) = after.split_at_mut(8);
            let (fits, spills) = block.split_at(body.len());
            tag.copy_from_slice(LEAF_TAG);
            head.copy_from_slice(&place(first + i, BLOCK_BYTES));
            body.copy_from_slice(fits);
            parent[HASH_BYTES..].copy_from_slice(&self.second_chunk(spills));
        }
        let texts: [&[u8; BLOCK_BYTES]; LANES] = texts.each_ref();
        let mut values = [0; LANES * HASH_BYTES];
        self.hash_many(
            &texts[..blocks.len()],
            0,
            CHUNK_START,
            CHUNK_END,
            &mut values,
        );
        for (parent, value) in parents.iter_mut().zip(values.chunks_exact(HASH_BYTES)) {
            parent[..HASH_BYTES].copy_from_slice(value);
        }
        let parents: [&[u8; PARENT_BYTES]; LANES] = parents.each_ref();
        self.hash_many(&parents[..blocks.len()], PARENT | ROOT, 0, 0, &mut values);
        hashes.extend_from_slice(&values.as_chunks().0[..blocks.len()]);
    }

    /// Chaining value of the last bytes of a leaf, fewer than 64.
    fn second_chunk(&self, spills: &[u8]) -> Hash {
        let mut block = [0; 64];
        block[..spills.len()].copy_from_slice(spills);
        let mut value = self.key;
        let flags = KEYED_HASH | CHUNK_START | CHUNK_END;
        self.platform
            .compress_in_place(&mut value, &block, spills.len() as u8, 1, flags);
        le_bytes_from_words_32(&value)
    }

    fn hash_many<const N: usize>(
        &self,
        inputs: &[&[u8; N]],
        flags: u8,
        start: u8,
        end: u8,
        out: &mut [u8],
    ) {
        self.platform.hash_many(
            inputs,
            &self.key,
            0,
            IncrementCounter::No,
            KEYED_HASH | flags,
            start,
            end,
            out,
        );
    }
}

/// One level up, in place; an odd node is paired with itself.
fn fold(level: &mut Vec<Hash>) {
    let above = level.len().div_ceil(2);
    for i in 0..above {
        let left = level[2 * i];
        let right = level.get(2 * i + 1).copied().unwrap_or(left);
        level[i] = node(&left, &right);
    }
    level.truncate(above);
}

fn node(left: &Hash, right: &Hash) -> Hash {
    let mut text = [0; NODE_TAG.len() + PARENT_BYTES];
    let (tag, pair) = text.split_at_mut(NODE_TAG.len());
    tag.copy_from_slice(NODE_TAG);
    pair[..HASH_BYTES].copy_from_slice(left);
    pair[HASH_BYTES..].copy_from_slice(right);
    *blake3::hash(&text).as_bytes()
}

/// Length of the Bao slice of block `index`; None when there is no such block.
pub fn bao_slice_len(length: usize, index: usize) -> Option<usize> {
    if index >= block_count(length) {
        return None;
    }
    let start = index * BLOCK_BYTES;
    let (mut first, mut part, mut parents) = (0, length, 0);
    while part > BLOCK_BYTES {
        let left = left_subtree_len(part as u64) as usize;
        if start < first + left {
            part = left;
        } else {
            first += left;
            part -= left;
        }
        parents += 1;
    }
    Some(HEADER_BYTES + parents * PARENT_BYTES + part)
}

/// Writes the Bao slice of block `index`. False when there is no such block or `out` has not exactly its size.
pub fn bao_slice(content: &[u8], index: usize, out: &mut [u8]) -> bool {
    if bao_slice_len(content.len(), index) != Some(out.len()) {
        return false;
    }
    let Some((header, rest)) = out.split_first_chunk_mut::<HEADER_BYTES>() else {
        return false;
    };
    *header = (content.len() as u64).to_le_bytes();
    if content.is_empty() {
        // An empty subtree has no chaining value; the header is the whole slice.
        return true;
    }
    descend(content, 0, index * BLOCK_BYTES, rest).is_some()
}

/// Writes the parents from here down to the block that starts at `wanted`, and the block; gives the value of this
/// subtree, which starts at byte `first`. So all of the content is hashed once.
fn descend(part: &[u8], first: usize, wanted: usize, out: &mut [u8]) -> Option<ChainingValue> {
    if part.len() <= BLOCK_BYTES {
        out.get_mut(..part.len())?.copy_from_slice(part);
        return Some(value(part, first));
    }
    let (left, right) = part.split_at(left_subtree_len(part.len() as u64) as usize);
    let middle = first + left.len();
    let (parent, below) = out.split_at_mut_checked(PARENT_BYTES)?;
    let (left, right) = if wanted < middle {
        (descend(left, first, wanted, below)?, value(right, middle))
    } else {
        (value(left, first), descend(right, middle, wanted, below)?)
    };
    parent[..HASH_BYTES].copy_from_slice(&left);
    parent[HASH_BYTES..].copy_from_slice(&right);
    Some(merge_subtrees_non_root(&left, &right, Mode::Hash))
}

/// `part` is not empty and a subtree of the content, so its start is a border of chunks.
fn value(part: &[u8], first: usize) -> ChainingValue {
    blake3::Hasher::new()
        .set_input_offset(first as u64)
        .update(part)
        .finalize_non_root()
}
