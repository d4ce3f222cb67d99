//! Files through the crate of the reference, as its client uses it: streams there and back.
use bytes::Bytes;
use self_encryption::{DataMap, Error, XorName, stream_encrypt, streaming_decrypt};
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// As the reference's client reads a file.
const READ_BYTES: usize = 64 << 10;

/// `encrypt FILE`: chunks are made and let go. `{"ms","chunks","names"}`, where `names` is the BLAKE3 of all addresses
/// in ascending order.
/// `decrypt FOLDER MAP BYTES`: chunks are read from the folder by their address, the content is let go.
/// `check FOLDER MAP`: the BLAKE3 of the content, untimed.
pub fn answer(words: &[&str]) -> Result<String, String> {
    match *words {
        ["encrypt", path] => encrypt(path).map_err(|error| error.to_string()),
        ["decrypt", folder, map] => {
            let began = Instant::now();
            let mut size = 0;
            content(folder, map, |part| size += part.len()).map_err(|error| error.to_string())?;
            let ms = began.elapsed().as_secs_f64() * 1000.0;
            Ok(format!("{{\"ms\":{ms},\"size\":{size}}}"))
        }
        ["check", folder, map] => {
            let mut hasher = blake3::Hasher::new();
            content(folder, map, |part| {
                hasher.update(part);
            })
            .map_err(|error| error.to_string())?;
            Ok(format!("{{\"content\":\"{}\"}}", hasher.finalize()))
        }
        _ => Err("encrypt FILE, decrypt FOLDER MAP or check FOLDER MAP".to_string()),
    }
}

fn encrypt(path: &str) -> Result<String, Error> {
    let began = Instant::now();
    let mut file = File::open(path)?;
    let size = file.metadata()?.len() as usize;
    let mut failed = None;
    let pieces = std::iter::from_fn(|| {
        let mut buffer = vec![0; READ_BYTES];
        match file.read(&mut buffer) {
            Ok(0) => None,
            Ok(length) => {
                buffer.truncate(length);
                Some(Bytes::from(buffer))
            }
            Err(error) => {
                failed = Some(error);
                None
            }
        }
    });
    let mut names: Vec<XorName> = Vec::new();
    let mut stream = stream_encrypt(size, pieces)?;
    for chunk in stream.chunks() {
        names.push(chunk?.0);
    }
    drop(stream);
    if let Some(error) = failed {
        return Err(error.into());
    }
    let ms = began.elapsed().as_secs_f64() * 1000.0;
    names.sort_unstable();
    names.dedup();
    let mut hasher = blake3::Hasher::new();
    for name in &names {
        hasher.update(&name.0);
    }
    Ok(format!(
        "{{\"ms\":{ms},\"chunks\":{},\"names\":\"{}\"}}",
        names.len(),
        hasher.finalize()
    ))
}

fn content(folder: &str, map: &str, mut take: impl FnMut(&[u8])) -> Result<(), Error> {
    let map =
        DataMap::from_bytes(&fs::read(map)?).map_err(|error| Error::Generic(error.to_string()))?;
    let read = |wanted: &[(usize, XorName)]| {
        let one = |&(index, name): &(usize, XorName)| {
            let path = Path::new(folder).join(hex(&name.0));
            Ok((index, Bytes::from(fs::read(path)?)))
        };
        wanted.iter().map(one).collect()
    };
    for part in streaming_decrypt(&map, read)? {
        take(&part?);
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
