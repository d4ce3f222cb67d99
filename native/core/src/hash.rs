//! BLAKE3: the crate's own on machines; in WebAssembly large plain inputs take a wider path of ours.

#[cfg(not(target_arch = "wasm32"))]
mod plain {
    pub type Plain = blake3::Hasher;

    pub fn hash(data: &[u8]) -> [u8; 32] {
        *blake3::hash(data).as_bytes()
    }
}

#[cfg(target_arch = "wasm32")]
mod plain {
    use crate::hash_tree::{Tree, UNIT};
    pub type Plain = Tree;

    pub fn hash(data: &[u8]) -> [u8; 32] {
        if data.len() <= UNIT {
            return *blake3::hash(data).as_bytes();
        }
        let (mut tree, mut out) = (Tree::new(), [0; 32]);
        tree.update(data);
        tree.finalize_xof().fill(&mut out);
        out
    }
}

pub use plain::{Plain, hash};

/// Keyed and derived hashes are short: they stay with the crate everywhere.
pub enum Hasher {
    Plain(Plain),
    Other(blake3::Hasher),
}

impl Hasher {
    pub fn update(&mut self, data: &[u8]) {
        match self {
            Self::Plain(hasher) => {
                hasher.update(data);
            }
            Self::Other(hasher) => {
                hasher.update(data);
            }
        }
    }

    pub fn finalize_xof(&self) -> blake3::OutputReader {
        match self {
            Self::Plain(hasher) => hasher.finalize_xof(),
            Self::Other(hasher) => hasher.finalize_xof(),
        }
    }
}
