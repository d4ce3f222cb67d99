//! ChaCha20-Poly1305 (RFC 8439) without additional data: aws-lc on machines, RustCrypto in WebAssembly.

pub const KEY_BYTES: usize = 32;
pub const NONCE_BYTES: usize = 12;
pub const TAG_BYTES: usize = 16;

/// The tag is wrong, or the input is too short or too long for the cipher.
#[derive(Debug, PartialEq, Eq)]
pub struct Refused;

#[cfg(not(target_arch = "wasm32"))]
mod cipher {
    use super::{KEY_BYTES, NONCE_BYTES, Refused};
    use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

    fn key(key: &[u8; KEY_BYTES]) -> Result<LessSafeKey, Refused> {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key).map_err(|_| Refused)?;
        Ok(LessSafeKey::new(key))
    }

    pub fn encrypt(
        secret: &[u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
        data: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        key(secret)?
            .seal_in_place_append_tag(nonce, Aad::empty(), data)
            .map_err(|_| Refused)
    }

    pub fn decrypt(
        secret: &[u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
        data: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let nonce = Nonce::assume_unique_for_key(nonce);
        let length = key(secret)?
            .open_in_place(nonce, Aad::empty(), data)
            .map_err(|_| Refused)?
            .len();
        data.truncate(length);
        Ok(())
    }
}

#[cfg(target_arch = "wasm32")]
mod cipher {
    use super::{KEY_BYTES, NONCE_BYTES, Refused, TAG_BYTES};
    use chacha20poly1305::{ChaCha20Poly1305, KeyInit, Nonce, Tag, aead::AeadInPlace};

    pub fn encrypt(
        secret: &[u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
        data: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let tag = ChaCha20Poly1305::new(secret.into())
            .encrypt_in_place_detached(Nonce::from_slice(&nonce), b"", data)
            .map_err(|_| Refused)?;
        data.extend_from_slice(&tag);
        Ok(())
    }

    pub fn decrypt(
        secret: &[u8; KEY_BYTES],
        nonce: [u8; NONCE_BYTES],
        data: &mut Vec<u8>,
    ) -> Result<(), Refused> {
        let length = data.len().checked_sub(TAG_BYTES).ok_or(Refused)?;
        let (text, tag) = data.split_at_mut(length);
        ChaCha20Poly1305::new(secret.into())
            .decrypt_in_place_detached(Nonce::from_slice(&nonce), b"", text, Tag::from_slice(tag))
            .map_err(|_| Refused)?;
        data.truncate(length);
        Ok(())
    }
}

/// Encrypts in place and appends the tag. `nonce` must be new for `key`.
pub fn encrypt(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    data: &mut Vec<u8>,
) -> Result<(), Refused> {
    cipher::encrypt(key, nonce, data)
}

/// Checks and removes the tag and decrypts in place; on refusal the content of `data` is worthless.
pub fn decrypt(
    key: &[u8; KEY_BYTES],
    nonce: [u8; NONCE_BYTES],
    data: &mut Vec<u8>,
) -> Result<(), Refused> {
    cipher::decrypt(key, nonce, data)
}
