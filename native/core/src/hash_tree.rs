//! Plain BLAKE3 whose large parts go eight chunks wide (`hash_lanes`); the rest, and the tree above, is the crate's.

#[cfg(target_arch = "wasm32")]
use crate::hash_lanes;
use blake3::hazmat::{
    ChainingValue, HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root_xof,
};
use blake3::{Hasher, OutputReader};

const CHUNK: usize = 1024;
/// A subtree of 128 chunks. Wider ones would save little: seven of its parents are hashed one by one.
pub const UNIT: usize = 128 * CHUNK;

/// As in the paper: subtrees are merged only when more follows, because the last merge of all is the root.
pub struct Tree {
    /// The unit that is not full, or that may be the last of all.
    tail: Hasher,
    tail_bytes: usize,
    /// Whole units on the stack.
    units: u64,
    stack: Vec<ChainingValue>,
}

impl Tree {
    pub fn new() -> Self {
        Self {
            tail: Hasher::new(),
            tail_bytes: 0,
            units: 0,
            stack: Vec::new(),
        }
    }

    pub fn update(&mut self, mut data: &[u8]) {
        while !data.is_empty() {
            // One unit alone would be the root: then it is not a subtree.
            let followed = self.units > 0 || data.len() > UNIT;
            if self.tail_bytes == 0 && followed && data.len() >= UNIT {
                let (unit, rest) = data.split_at(UNIT);
                self.push(unit_value(unit, self.units * UNIT as u64));
                data = rest;
                continue;
            }
            if self.tail_bytes == UNIT {
                self.push(self.tail.finalize_non_root());
                self.tail_bytes = 0;
                continue;
            }
            if self.tail_bytes == 0 {
                self.tail = Hasher::new();
                self.tail.set_input_offset(self.units * UNIT as u64);
            }
            let (part, rest) = data.split_at(data.len().min(UNIT - self.tail_bytes));
            self.tail.update(part);
            self.tail_bytes += part.len();
            data = rest;
        }
    }

    fn push(&mut self, value: ChainingValue) {
        merge_whole(&mut self.stack, self.units);
        self.stack.push(value);
        self.units += 1;
    }

    pub fn finalize_xof(&self) -> OutputReader {
        let mut values = self.stack.clone();
        if self.tail_bytes > 0 {
            merge_whole(&mut values, self.units);
            values.push(self.tail.finalize_non_root());
        }
        loop {
            match (values.pop(), values.pop()) {
                (Some(right), Some(left)) if values.is_empty() => {
                    return merge_subtrees_root_xof(&left, &right, Mode::Hash);
                }
                (Some(right), Some(left)) => values.push(merged(&left, &right)),
                // No whole unit was pushed: the tail is all there is.
                _ => return self.tail.finalize_xof(),
            }
        }
    }
}

/// More follows: of `units` units, one value stays for each whole subtree, as many as the number has bits.
fn merge_whole(values: &mut Vec<ChainingValue>, units: u64) {
    while values.len() > units.count_ones() as usize {
        if let (Some(right), Some(left)) = (values.pop(), values.pop()) {
            values.push(merged(&left, &right));
        }
    }
}

fn merged(left: &ChainingValue, right: &ChainingValue) -> ChainingValue {
    merge_subtrees_non_root(left, right, Mode::Hash)
}

#[cfg(target_arch = "wasm32")]
fn unit_value(unit: &[u8], offset: u64) -> ChainingValue {
    use hash_lanes::{BLOCK, WIDTH, chunks, parents};
    let mut values = [[0; 32]; UNIT / CHUNK];
    let (groups, _) = unit.as_chunks::<{ WIDTH * CHUNK }>();
    for (i, group) in groups.iter().enumerate() {
        let number = offset / CHUNK as u64 + (i * WIDTH) as u64;
        values[i * WIDTH..][..WIDTH].copy_from_slice(&chunks(group, number));
    }
    let mut count = values.len();
    while count > WIDTH {
        count /= 2;
        for at in (0..count).step_by(WIDTH) {
            let pairs = values[2 * at..][..2 * WIDTH].as_flattened();
            if let (&[ref pairs], _) = pairs.as_chunks::<{ WIDTH * BLOCK }>() {
                let merged = parents(pairs);
                values[at..][..WIDTH].copy_from_slice(&merged);
            }
        }
    }
    while count > 1 {
        count /= 2;
        for at in 0..count {
            let [left, right] = [values[2 * at], values[2 * at + 1]];
            values[at] = merged(&left, &right);
        }
    }
    values[0]
}

/// For the tests: WebAssembly has none of its own.
#[cfg(not(target_arch = "wasm32"))]
fn unit_value(unit: &[u8], offset: u64) -> ChainingValue {
    let mut hasher = Hasher::new();
    hasher.set_input_offset(offset);
    hasher.update(unit).finalize_non_root()
}

#[cfg(test)]
mod tests {
    use super::{Tree, UNIT};

    #[test]
    fn is_blake3_for_every_length_and_cut() {
        let data: Vec<u8> = (0..5 * UNIT + 77).map(|i| (i % 251) as u8).collect();
        let edges = [0, 1, 1024, UNIT - 1, UNIT, UNIT + 1, 2 * UNIT, 3 * UNIT];
        let lengths = [edges.as_slice(), &[4 * UNIT - 1, 4 * UNIT, 5 * UNIT + 77]].concat();
        for length in lengths {
            let whole = &data[..length];
            for cut in [1000, UNIT / 2, UNIT, UNIT + 1000, 2 * UNIT, 9 * UNIT] {
                let mut tree = Tree::new();
                whole.chunks(cut).for_each(|part| tree.update(part));
                let mut hash = [0; 32];
                tree.finalize_xof().fill(&mut hash);
                assert_eq!(hash, *blake3::hash(whole).as_bytes(), "{length} by {cut}");
            }
        }
    }
}
