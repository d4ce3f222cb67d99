//! ML-DSA-65 (FIPS 204). aws-lc signs and verifies where nothing but the plain form is asked for; libcrux does the
//! rest (key pairs from a seed in the expanded form, contexts, given randomness), and everything in WebAssembly.

use libcrux_ml_dsa::ml_dsa_65::{
    self as libcrux, MLDSA65Signature, MLDSA65SigningKey, MLDSA65VerificationKey,
};

pub const SEED_BYTES: usize = 32;
pub const PUBLIC_KEY_BYTES: usize = 1952;
pub const SECRET_KEY_BYTES: usize = 4032;
pub const SIGNATURE_BYTES: usize = 3309;
pub const CONTEXT_MAX_BYTES: usize = 255;
pub const RANDOMNESS_BYTES: usize = 32;

/// Where s1 and s2 lie in the expanded secret key: after rho, K and tr; 11 polynomials of 128 bytes.
const SMALL_POLYNOMIALS: std::ops::Range<usize> = 128..128 + 11 * 128;
/// Two coefficients in a byte, each stored as eta minus its value: 0 to 8.
const SMALL_MAX: u8 = 8;

#[derive(Debug, PartialEq, Eq)]
pub enum SignError {
    /// The secret key encodes what no key generation gives.
    Key,
    /// The library refused, or found no signature within its bound of attempts.
    Failed,
}

pub struct KeyPair {
    pub public_key: [u8; PUBLIC_KEY_BYTES],
    pub secret_key: [u8; SECRET_KEY_BYTES],
}

pub fn key_pair(seed: [u8; SEED_BYTES]) -> KeyPair {
    let pair = libcrux::generate_key_pair(seed);
    KeyPair {
        public_key: *pair.verification_key.as_ref(),
        secret_key: *pair.signing_key.as_ref(),
    }
}

/// Signs with the given randomness; 32 zero bytes give the deterministic variant.
pub fn sign_with(
    secret_key: &[u8; SECRET_KEY_BYTES],
    message: &[u8],
    context: &[u8],
    randomness: [u8; RANDOMNESS_BYTES],
) -> Result<[u8; SIGNATURE_BYTES], SignError> {
    check_secret_key(secret_key)?;
    let key = MLDSA65SigningKey::new(*secret_key);
    libcrux::sign(&key, message, context, randomness)
        .map(|signature| *signature.as_ref())
        .map_err(|_| SignError::Failed)
}

fn check_secret_key(secret_key: &[u8; SECRET_KEY_BYTES]) -> Result<(), SignError> {
    let bad = |byte: &u8| byte & 15 > SMALL_MAX || byte >> 4 > SMALL_MAX;
    match secret_key[SMALL_POLYNOMIALS].iter().any(bad) {
        true => Err(SignError::Key),
        false => Ok(()),
    }
}

/// Anything that is not a valid signature is false.
pub fn verify(
    public_key: &[u8; PUBLIC_KEY_BYTES],
    message: &[u8],
    signature: &[u8; SIGNATURE_BYTES],
    context: &[u8],
) -> bool {
    #[cfg(not(target_arch = "wasm32"))]
    if context.is_empty() {
        return machine::verify(public_key, message, signature);
    }
    if context.len() > CONTEXT_MAX_BYTES {
        return false;
    }
    let key = MLDSA65VerificationKey::new(*public_key);
    let signature = MLDSA65Signature::new(*signature);
    libcrux::verify(&key, message, context, &signature).is_ok()
}

#[cfg(not(target_arch = "wasm32"))]
pub use machine::{public_key, sign_hedged};

#[cfg(not(target_arch = "wasm32"))]
mod machine {
    use super::{
        PUBLIC_KEY_BYTES, RANDOMNESS_BYTES, SECRET_KEY_BYTES, SIGNATURE_BYTES, SignError,
        check_secret_key, sign_with,
    };
    use aws_lc_rs::constant_time::verify_slices_are_equal;
    use aws_lc_rs::signature::{
        KeyPair, ML_DSA_65, ML_DSA_65_SIGNING, PqdsaKeyPair, UnparsedPublicKey,
    };
    use std::cell::RefCell;
    use std::collections::VecDeque;

    pub fn verify(
        public_key: &[u8; PUBLIC_KEY_BYTES],
        message: &[u8],
        signature: &[u8; SIGNATURE_BYTES],
    ) -> bool {
        UnparsedPublicKey::new(&ML_DSA_65, public_key)
            .verify(message, signature)
            .is_ok()
    }

    fn parse(secret_key: &[u8; SECRET_KEY_BYTES]) -> Result<PqdsaKeyPair, SignError> {
        check_secret_key(secret_key)?;
        PqdsaKeyPair::from_raw_private_key(&ML_DSA_65_SIGNING, secret_key)
            .map_err(|_| SignError::Key)
    }

    /// Keys that a thread signed with last. Parsing derives the public key, which costs a third of a signature.
    const KEPT_KEYS: usize = 4;

    struct Kept {
        secret_key: Box<[u8; SECRET_KEY_BYTES]>,
        pair: PqdsaKeyPair,
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            for byte in self.secret_key.iter_mut() {
                // SAFETY: a byte that we own; volatile, so that the write is not left out.
                unsafe { std::ptr::write_volatile(byte, 0) };
            }
        }
    }

    thread_local! {
        static KEPT: RefCell<VecDeque<Kept>> = const { RefCell::new(VecDeque::new()) };
    }

    /// Runs `work` with the parsed key, which stays with the thread.
    fn with_key<T>(
        secret_key: &[u8; SECRET_KEY_BYTES],
        work: impl FnOnce(&PqdsaKeyPair) -> T,
    ) -> Result<T, SignError> {
        KEPT.with_borrow_mut(|kept| {
            let found = kept.iter().position(|key| {
                verify_slices_are_equal(key.secret_key.as_slice(), secret_key).is_ok()
            });
            let key = match found.and_then(|at| kept.remove(at)) {
                Some(key) => key,
                None => Kept {
                    secret_key: Box::new(*secret_key),
                    pair: parse(secret_key)?,
                },
            };
            let result = work(&key.pair);
            kept.truncate(KEPT_KEYS - 1);
            kept.push_front(key);
            Ok(result)
        })
    }

    /// Signs with fresh randomness of the system.
    pub fn sign_hedged(
        secret_key: &[u8; SECRET_KEY_BYTES],
        message: &[u8],
        context: &[u8],
    ) -> Result<[u8; SIGNATURE_BYTES], SignError> {
        if !context.is_empty() {
            let mut randomness = [0; RANDOMNESS_BYTES];
            aws_lc_rs::rand::fill(&mut randomness).map_err(|_| SignError::Failed)?;
            return sign_with(secret_key, message, context, randomness);
        }
        let mut signature = [0; SIGNATURE_BYTES];
        with_key(secret_key, |pair| pair.sign(message, &mut signature))?
            .map_err(|_| SignError::Failed)?;
        Ok(signature)
    }

    /// The public key that belongs to an expanded secret key.
    pub fn public_key(
        secret_key: &[u8; SECRET_KEY_BYTES],
    ) -> Result<[u8; PUBLIC_KEY_BYTES], SignError> {
        let pair = parse(secret_key)?;
        pair.public_key()
            .as_ref()
            .try_into()
            .map_err(|_| SignError::Failed)
    }
}
