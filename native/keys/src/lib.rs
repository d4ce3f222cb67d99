//! A durable set of 32-byte keys in an LMDB environment: the unnamed database, raw keys, empty values, as the network's
//! stock node keeps its paid list. A commit that returns is on the disk.
mod c_abi;

pub use c_abi::*;

use heed::types::{Bytes, Unit};
use heed::{Database, Env, EnvOpenOptions, MdbError, PutFlags, RoTxn, WithoutTls};
use std::ops::Bound::{Excluded, Unbounded};
use std::path::Path;

pub const KEY_BYTES: usize = 32;
pub type Key = [u8; KEY_BYTES];

pub struct KeySet {
    env: Env<WithoutTls>,
    keys: Database<Bytes, Unit>,
    limit_bytes: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Failure {
    /// The map has no free page left; nothing of the transaction was kept.
    Full,
    /// No LMDB environment of this version, or a damaged one.
    Corrupt,
    /// The environment is open in this process already.
    Open,
    /// Number of the operating system's error.
    System(i32),
    Other,
}

impl From<heed::Error> for Failure {
    fn from(error: heed::Error) -> Self {
        match error {
            heed::Error::Mdb(MdbError::MapFull) => Self::Full,
            heed::Error::Mdb(
                MdbError::Corrupted
                | MdbError::PageNotFound
                | MdbError::Invalid
                | MdbError::VersionMismatch
                | MdbError::Incompatible
                | MdbError::BadDbi,
            ) => Self::Corrupt,
            // A write of the meta page failed: the environment must be opened anew, which looks at the disk again.
            heed::Error::Mdb(MdbError::Panic) => Self::System(EIO),
            heed::Error::Mdb(MdbError::Other(number)) => Self::System(number),
            heed::Error::Io(error) => error.raw_os_error().map_or(Self::Other, Self::System),
            heed::Error::EnvAlreadyOpened => Self::Open,
            _ => Self::Other,
        }
    }
}

const EIO: i32 = 5;
/// A removal copies pages before it frees any: inserts leave it this share of the map, and at least so many pages.
const ROOM_SHARE: usize = 16;
const ROOM_PAGES: usize = 16;

impl KeySet {
    /// Opens or creates the environment in the directory `path`, which exists.
    pub fn open(path: &Path, map_bytes: usize) -> Result<Self, Failure> {
        let mut options = EnvOpenOptions::new().read_txn_without_tls();
        options.map_size(map_bytes).max_dbs(1);
        // SAFETY: the files are written by LMDB only; the folder lock of the node keeps other programs out.
        let env = unsafe { options.open(path) }?;
        let mut txn = env.write_txn()?;
        let keys = env.create_database(&mut txn, None)?;
        let page_bytes = keys.stat(&txn)?.page_size as usize;
        txn.commit()?;
        let room = (map_bytes / ROOM_SHARE).max(ROOM_PAGES * page_bytes);
        let limit_bytes = map_bytes.saturating_sub(room);
        Ok(Self {
            env,
            keys,
            limit_bytes,
        })
    }

    pub fn has(&self, key: &Key) -> Result<bool, Failure> {
        let txn = self.env.read_txn()?;
        Ok(self.keys.get(&txn, key)?.is_some())
    }

    pub fn count(&self) -> Result<u64, Failure> {
        let txn = self.env.read_txn()?;
        Ok(self.keys.len(&txn)?)
    }

    /// All or none, in one transaction; calls back with the place of each key that was not there.
    pub fn insert(&self, keys: &[Key], mut fresh: impl FnMut(usize)) -> Result<(), Failure> {
        let mut txn = self.env.write_txn()?;
        let mut changed = false;
        for (place, key) in keys.iter().enumerate() {
            match self
                .keys
                .put_with_flags(&mut txn, PutFlags::NO_OVERWRITE, key, &())
            {
                Ok(()) => {
                    changed = true;
                    fresh(place);
                }
                Err(heed::Error::Mdb(MdbError::KeyExist)) => {}
                Err(error) => return Err(error.into()),
            }
        }
        if changed {
            if self.used_bytes(&txn)? > self.limit_bytes {
                return Err(Failure::Full);
            }
            txn.commit()?;
        }
        Ok(())
    }

    /// Bytes of the pages that hold keys.
    fn used_bytes(&self, txn: &RoTxn<WithoutTls>) -> Result<usize, Failure> {
        let stat = self.keys.stat(txn)?;
        Ok((stat.branch_pages + stat.leaf_pages + stat.overflow_pages) * stat.page_size as usize)
    }

    /// All or none, in one transaction; calls back with the place of each key that was there.
    pub fn remove(&self, keys: &[Key], mut gone: impl FnMut(usize)) -> Result<(), Failure> {
        let mut txn = self.env.write_txn()?;
        let mut changed = false;
        for (place, key) in keys.iter().enumerate() {
            if self.keys.delete(&mut txn, key)? {
                changed = true;
                gone(place);
            }
        }
        if changed {
            txn.commit()?;
        }
        Ok(())
    }

    /// Keys in order after `after`, at most as many as fit in `out`. Foreign keys of other lengths are passed over.
    pub fn page(&self, after: Option<&Key>, out: &mut [Key]) -> Result<usize, Failure> {
        let txn = self.env.read_txn()?;
        let from = after.map_or(Unbounded, |key| Excluded(&key[..]));
        let mut found = 0;
        for entry in self.keys.range(&txn, &(from, Unbounded))? {
            let Some(place) = out.get_mut(found) else {
                break;
            };
            if let Ok(key) = Key::try_from(entry?.0) {
                *place = key;
                found += 1;
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn key(n: u8) -> Key {
        [n; KEY_BYTES]
    }

    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path =
                std::env::temp_dir().join(format!("myrmex-keys-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn keys_come_back_in_order_and_survive_a_reopening() {
        let folder = Folder::new("order");
        let set = KeySet::open(&folder.0, 1 << 20).unwrap();
        let mut fresh = Vec::new();
        set.insert(&[key(3), key(1), key(3)], |place| fresh.push(place))
            .unwrap();
        assert_eq!(fresh, [0, 1]);
        drop(set);
        let set = KeySet::open(&folder.0, 1 << 20).unwrap();
        assert_eq!(set.count().unwrap(), 2);
        let mut out = [key(0); 8];
        assert_eq!(set.page(None, &mut out).unwrap(), 2);
        assert_eq!(out[..2], [key(1), key(3)]);
        assert_eq!(set.page(Some(&key(1)), &mut out).unwrap(), 1);
        let mut gone = Vec::new();
        set.remove(&[key(2), key(3)], |place| gone.push(place))
            .unwrap();
        assert_eq!(gone, [1]);
        assert!(!set.has(&key(3)).unwrap());
    }

    #[test]
    fn a_full_map_keeps_nothing_of_the_transaction_and_stays_usable() {
        let folder = Folder::new("full");
        let set = KeySet::open(&folder.0, 128 << 10).unwrap();
        set.insert(&[key(1)], |_| ()).unwrap();
        let many: Vec<Key> = (0..4000u32)
            .map(|n| std::array::from_fn(|i| n.to_be_bytes()[i % 4]))
            .collect();
        assert_eq!(set.insert(&many, |_| ()), Err(Failure::Full));
        assert_eq!(set.count().unwrap(), 1);
        set.insert(&[key(2)], |_| ()).unwrap();
        set.remove(&[key(1)], |_| ()).unwrap();
        assert!(set.has(&key(2)).unwrap());
    }

    #[test]
    fn what_is_no_environment_is_corrupt() {
        let folder = Folder::new("corrupt");
        std::fs::write(folder.0.join("data.mdb"), [7u8; 9000]).unwrap();
        assert!(matches!(
            KeySet::open(&folder.0, 1 << 20),
            Err(Failure::Corrupt)
        ));
    }
}
