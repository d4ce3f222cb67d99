//! One self-encryption chunk there and back: derive, Brotli, ChaCha20-Poly1305, pad, hash.

use crate::aead::{self, KEY_BYTES, NONCE_BYTES, TAG_BYTES};
use crate::hash::hash;
use crate::scratch::{self, EncoderAlloc, KeptWindow};
use brotli::enc::{BrotliEncoderParams, StandardAlloc};
use brotli::{BrotliDecompressStream, BrotliResult, BrotliState};

/// Source hash, two neighbours, index and level as little-endian u64.
pub const INPUT_BYTES: usize = 112;
const KDF_CONTEXT: &str = "self_encryption/chunk/v2";
const PAD_BYTES: usize = 52;
/// Common multiple of the pad and of the widest vectors: whole blocks are combined without a turn in between.
const PAD_BLOCK_BYTES: usize = 832;
/// The encoder picks its hasher by how much input it sees at once: this must stay far below 1 MiB, or bytes change.
const ENCODER_BUFFER_BYTES: usize = 4096;

#[derive(Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The tag is wrong, or the chunk is shorter than a tag.
    Authentication,
    /// The plain bytes are more or fewer than declared.
    Size,
    /// The plain bytes have another source hash.
    Hash,
    /// Not a whole Brotli stream.
    Compression,
}

#[derive(Debug, PartialEq, Eq)]
pub struct SealFailed;

struct Keys {
    pad: [u8; PAD_BLOCK_BYTES],
    key: [u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
}

fn derive(input: &[u8; INPUT_BYTES]) -> Keys {
    let mut reader = blake3::Hasher::new_derive_key(KDF_CONTEXT)
        .update(input)
        .finalize_xof();
    let mut keys = Keys {
        pad: [0; PAD_BLOCK_BYTES],
        key: [0; KEY_BYTES],
        nonce: [0; NONCE_BYTES],
    };
    let mut pad = [0; PAD_BYTES];
    reader.fill(&mut pad);
    reader.fill(&mut keys.key);
    reader.fill(&mut keys.nonce);
    for turn in keys.pad.chunks_exact_mut(PAD_BYTES) {
        turn.copy_from_slice(&pad);
    }
    keys
}

fn apply_pad(data: &mut [u8], pad: &[u8; PAD_BLOCK_BYTES]) {
    for block in data.chunks_mut(PAD_BLOCK_BYTES) {
        for (byte, mask) in block.iter_mut().zip(pad) {
            *byte ^= mask;
        }
    }
}

/// The encrypted chunk and its address.
pub fn seal(plain: &[u8], input: &[u8; INPUT_BYTES]) -> Result<(Vec<u8>, [u8; 32]), SealFailed> {
    let keys = derive(input);
    let mut content = compress(plain)?;
    aead::encrypt(&keys.key, keys.nonce, &mut content).map_err(|_| SealFailed)?;
    apply_pad(&mut content, &keys.pad);
    let address = hash(&content);
    Ok((content, address))
}

fn compress(plain: &[u8]) -> Result<Vec<u8>, SealFailed> {
    let params = BrotliEncoderParams {
        quality: 6,
        lgwin: 22,
        ..Default::default()
    };
    // Room for bytes that do not compress, and for the tag: growing would copy. Pages that are not written cost nothing.
    let mut compressed = scratch::content_buffer(plain.len() + plain.len() / 1024 + 64);
    let mut input_buffer = [0; ENCODER_BUFFER_BYTES];
    let mut output_buffer = [0; ENCODER_BUFFER_BYTES];
    brotli::BrotliCompressCustomAlloc(
        &mut &plain[..],
        &mut compressed,
        &mut input_buffer,
        &mut output_buffer,
        &params,
        EncoderAlloc::default(),
    )
    .map_err(|_| SealFailed)?;
    Ok(compressed)
}

/// Fills `plain` (its length is the declared size) from the encrypted chunk, with every check. On an error the
/// content of `plain` is worthless.
pub fn open(content: &[u8], input: &[u8; INPUT_BYTES], plain: &mut [u8]) -> Result<(), OpenError> {
    let keys = derive(input);
    if content.len() < TAG_BYTES {
        return Err(OpenError::Authentication);
    }
    let mut compressed = scratch::content_buffer(content.len());
    compressed.extend_from_slice(content);
    let opened = decode(&keys, &mut compressed, plain);
    scratch::keep_content_buffer(compressed);
    opened?;
    if hash(plain) != input[..32] {
        return Err(OpenError::Hash);
    }
    Ok(())
}

fn decode(keys: &Keys, content: &mut Vec<u8>, plain: &mut [u8]) -> Result<(), OpenError> {
    apply_pad(content, &keys.pad);
    aead::decrypt(&keys.key, keys.nonce, content).map_err(|_| OpenError::Authentication)?;
    decompress(content, plain)
}

/// Decodes into a space of exactly the declared size; one byte more than that is the end of the attempt.
fn decompress(compressed: &[u8], plain: &mut [u8]) -> Result<(), OpenError> {
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(KeptWindow, alloc(), alloc());
    let (mut available_in, mut in_offset) = (compressed.len(), 0);
    let (mut available_out, mut out_offset, mut total) = (plain.len(), 0, 0);
    let mut result = BrotliDecompressStream(
        &mut available_in,
        &mut in_offset,
        compressed,
        &mut available_out,
        &mut out_offset,
        plain,
        &mut total,
        &mut state,
    );
    if matches!(result, BrotliResult::NeedsMoreOutput) {
        let (mut spare, mut available_spare, mut spare_offset) = ([0; 1], 1, 0);
        result = BrotliDecompressStream(
            &mut available_in,
            &mut in_offset,
            compressed,
            &mut available_spare,
            &mut spare_offset,
            &mut spare,
            &mut total,
            &mut state,
        );
        if spare_offset > 0 {
            return Err(OpenError::Size);
        }
    }
    match result {
        BrotliResult::ResultSuccess if out_offset == plain.len() => Ok(()),
        BrotliResult::ResultSuccess | BrotliResult::NeedsMoreOutput => Err(OpenError::Size),
        BrotliResult::ResultFailure | BrotliResult::NeedsMoreInput => Err(OpenError::Compression),
    }
}

#[cfg(test)]
mod tests {
    use super::{OpenError, apply_pad, decompress, derive, open, seal};

    fn input(plain: &[u8]) -> [u8; 112] {
        let mut input = [3; 112];
        input[..32].copy_from_slice(blake3::hash(plain).as_bytes());
        input
    }

    /// Worked example of self-encryption.md 5.
    #[test]
    fn keys_are_those_of_the_worked_example() {
        let mut input = [0; 112];
        for (place, byte) in [(0, 0), (32, 2), (64, 1)] {
            input[place..place + 32].copy_from_slice(blake3::hash(&[byte]).as_bytes());
        }
        let keys = derive(&input);
        assert_eq!(keys.pad[..4], [0x24, 0x87, 0x72, 0xc2]);
        assert_eq!(keys.pad[49..56], [0xb5, 0x8d, 0x4c, 0x24, 0x87, 0x72, 0xc2]);
        assert_eq!(keys.key[..4], [0x3a, 0xea, 0x72, 0xa6]);
        assert_eq!(keys.nonce[8..], [0xdb, 0x60, 0x39, 0x17]);
    }

    #[test]
    fn the_pad_starts_anew_every_52_bytes_whatever_the_length() {
        let keys = derive(&[5; 112]);
        for length in [0, 1, 51, 52, 53, 831, 832, 833, 5000] {
            let mut data = vec![0; length];
            apply_pad(&mut data, &keys.pad);
            assert!(
                data.iter()
                    .enumerate()
                    .all(|(i, &byte)| byte == keys.pad[i % 52])
            );
        }
    }

    #[test]
    fn what_is_sealed_opens_and_nothing_else_does() {
        for length in [0, 1, 100, 5000, 70_000] {
            let plain: Vec<u8> = (0..length).map(|i| (i * i % 251) as u8).collect();
            let input = input(&plain);
            let (content, address) = seal(&plain, &input).unwrap();
            assert_eq!(address, *blake3::hash(&content).as_bytes());
            let mut out = vec![0; length];
            assert_eq!(open(&content, &input, &mut out), Ok(()));
            assert_eq!(out, plain);
            let mut longer = vec![0; length + 1];
            assert_eq!(open(&content, &input, &mut longer), Err(OpenError::Size));
            let mut damaged = content.clone();
            damaged[content.len() / 2] ^= 1;
            assert_eq!(
                open(&damaged, &input, &mut out),
                Err(OpenError::Authentication)
            );
        }
    }

    /// A thread keeps memory between calls: what an earlier chunk left there must not show.
    #[test]
    fn chunks_before_it_change_nothing() {
        let sizes = [
            3 << 20,
            300_000,
            5000,
            (4 << 20) - 4096,
            1 << 20,
            600_000,
            2 << 20,
        ];
        let chunk = |turn: usize, size: usize| -> Vec<u8> {
            let mut bytes = vec![0; size];
            blake3::Hasher::new()
                .update(&[turn as u8])
                .finalize_xof()
                .fill(&mut bytes);
            // Every second one compresses: runs of varying length between random bytes.
            if turn.is_multiple_of(2) {
                for at in (0..size.saturating_sub(64)).step_by(64) {
                    let length = usize::from(bytes[at] % 64);
                    bytes[at..at + length].fill(b'a');
                }
            }
            bytes
        };
        for (turn, size) in sizes.into_iter().cycle().take(21).enumerate() {
            let plain = chunk(turn, size);
            let input = input(&plain);
            let (content, address) = seal(&plain, &input).unwrap();
            let fresh = std::thread::scope(|scope| scope.spawn(|| seal(&plain, &input)).join());
            assert_eq!(fresh.unwrap().unwrap().1, address, "turn {turn}");
            let mut out = vec![0xee; size];
            assert_eq!(open(&content, &input, &mut out), Ok(()), "turn {turn}");
            assert!(out == plain, "turn {turn}");
            crate::scratch::keep_content_buffer(content);
        }
    }

    #[test]
    fn a_source_hash_of_other_bytes_is_seen() {
        let input = input(b"these");
        let (content, _) = seal(b"those", &input).unwrap();
        assert_eq!(open(&content, &input, &mut [0; 5]), Err(OpenError::Hash));
    }

    #[test]
    fn decoding_stops_one_byte_after_the_declared_size() {
        let bomb = super::compress(&vec![0; 10_000_000]).unwrap();
        assert!(bomb.len() < 1000);
        assert_eq!(decompress(&bomb, &mut [0; 10]), Err(OpenError::Size));
        assert_eq!(
            decompress(&bomb[..bomb.len() - 1], &mut vec![0; 10_000_000]),
            Err(OpenError::Compression)
        );
        assert_eq!(decompress(&[], &mut [0; 10]), Err(OpenError::Compression));
        assert_eq!(
            decompress(&[0xff; 50], &mut [0; 10]),
            Err(OpenError::Compression)
        );
    }
}
