use super::{ARGUMENT, FAILED, KEY, OK, array, array_mut, guarded, view};
use crate::ml_dsa::{self, SignError};

/// # Safety
/// `seed` is null or readable for 32 bytes, `public_key` null or writable for 1952, `secret_key` null or writable for
/// 4032, all apart from each other.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_key_pair(
    seed: *const u8,
    public_key: *mut u8,
    secret_key: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (seed, public_key, secret_key) =
        unsafe { (array(seed), array_mut(public_key), array_mut(secret_key)) };
    guarded(|| {
        let (Some(seed), Some(public_key), Some(secret_key)) = (seed, public_key, secret_key)
        else {
            return ARGUMENT;
        };
        let pair = ml_dsa::key_pair(*seed);
        *public_key = pair.public_key;
        *secret_key = pair.secret_key;
        OK
    })
}

/// Only on machines: libcrux does not offer it, so the WebAssembly door asks elsewhere.
///
/// # Safety
/// `secret_key` is null or readable for 4032 bytes, `public_key` null or writable for 1952, apart from each other.
#[cfg(not(target_arch = "wasm32"))]
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_public_key(secret_key: *const u8, public_key: *mut u8) -> i32 {
    // SAFETY: the caller's promise.
    let (secret_key, public_key) = unsafe { (array(secret_key), array_mut(public_key)) };
    guarded(|| {
        let (Some(secret_key), Some(public_key)) = (secret_key, public_key) else {
            return ARGUMENT;
        };
        match ml_dsa::public_key(secret_key) {
            Ok(bytes) => *public_key = bytes,
            Err(error) => return sign_status(&error),
        }
        OK
    })
}

/// `randomness`: null asks for fresh randomness of the system, which WebAssembly does not have.
///
/// # Safety
/// `secret_key` is null or readable for 4032 bytes, `randomness` for 32, `message` and `context` for their lengths,
/// `signature` null or writable for 3309, apart from all others.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_sign(
    secret_key: *const u8,
    message: *const u8,
    message_length: usize,
    context: *const u8,
    context_length: usize,
    randomness: *const u8,
    signature: *mut u8,
) -> i32 {
    // SAFETY: the caller's promise.
    let (secret_key, message, context, randomness, signature) = unsafe {
        (
            array(secret_key),
            view(message, message_length),
            view(context, context_length),
            array(randomness),
            array_mut(signature),
        )
    };
    guarded(|| {
        let (Some(secret_key), Some(signature)) = (secret_key, signature) else {
            return ARGUMENT;
        };
        if context.len() > ml_dsa::CONTEXT_MAX_BYTES {
            return ARGUMENT;
        }
        let signed = match randomness {
            Some(randomness) => ml_dsa::sign_with(secret_key, message, context, *randomness),
            #[cfg(not(target_arch = "wasm32"))]
            None => ml_dsa::sign_hedged(secret_key, message, context),
            #[cfg(target_arch = "wasm32")]
            None => return ARGUMENT,
        };
        match signed {
            Ok(bytes) => *signature = bytes,
            Err(error) => return sign_status(&error),
        }
        OK
    })
}

fn sign_status(error: &SignError) -> i32 {
    match error {
        SignError::Key => KEY,
        SignError::Failed => FAILED,
    }
}

/// 1 for a valid signature, else 0; never another status.
///
/// # Safety
/// `public_key` is null or readable for 1952 bytes, `signature` for 3309, `message` and `context` for their lengths.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn mx_ml_dsa_verify(
    public_key: *const u8,
    message: *const u8,
    message_length: usize,
    signature: *const u8,
    context: *const u8,
    context_length: usize,
) -> i32 {
    // SAFETY: the caller's promise.
    let (public_key, message, signature, context) = unsafe {
        (
            array(public_key),
            view(message, message_length),
            array(signature),
            view(context, context_length),
        )
    };
    let valid = guarded(|| {
        let (Some(public_key), Some(signature)) = (public_key, signature) else {
            return ARGUMENT;
        };
        i32::from(ml_dsa::verify(public_key, message, signature, context))
    });
    i32::from(valid == 1)
}
