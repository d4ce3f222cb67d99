//! The C ABI as the doors call it, null pointers and all.
use myrmex_core::c_abi::*;
use std::ptr;

fn hash(data: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    // SAFETY: both ranges are arrays of this function.
    let status = unsafe { mx_blake3(data.as_ptr(), data.len(), out.as_mut_ptr()) };
    assert_eq!(status, OK);
    out
}

#[test]
fn null_pointers_are_refused_and_empty_inputs_are_not() {
    let mut out = [0; 32];
    // SAFETY: a null pointer with length 0 is allowed, a null output is what is tested.
    unsafe {
        assert_eq!(mx_blake3(ptr::null(), 0, out.as_mut_ptr()), OK);
        assert_eq!(mx_blake3(ptr::null(), 0, ptr::null_mut()), ARGUMENT);
        assert_eq!(mx_hasher_update(ptr::null_mut(), ptr::null(), 0), ARGUMENT);
        assert_eq!(
            mx_hasher_digest(ptr::null(), 0, ptr::null_mut(), 0),
            ARGUMENT
        );
        assert_eq!(
            mx_ml_dsa_key_pair(ptr::null(), ptr::null_mut(), ptr::null_mut()),
            ARGUMENT
        );
        assert_eq!(
            mx_ml_dsa_verify(ptr::null(), ptr::null(), 0, ptr::null(), ptr::null(), 0),
            0
        );
        assert_eq!(
            mx_open(ptr::null(), 0, ptr::null(), ptr::null_mut(), 0),
            ARGUMENT
        );
        mx_hasher_free(ptr::null_mut());
        mx_buffer_free(ptr::null_mut());
    }
    assert_eq!(out, hash(&[]));
    assert_eq!(out[..4], [0xaf, 0x13, 0x49, 0xb9]);
}

#[test]
fn a_hasher_gives_its_output_from_any_position() {
    let (mut whole, mut part) = ([0; 300], [0; 100]);
    // SAFETY: the hasher lives from new to free; the ranges are arrays of this function.
    unsafe {
        let hasher = mx_hasher_new(0, ptr::null(), 0);
        assert_eq!(mx_hasher_update(hasher, b"abc".as_ptr(), 3), OK);
        assert_eq!(mx_hasher_digest(hasher, 0, whole.as_mut_ptr(), 300), OK);
        assert_eq!(mx_hasher_digest(hasher, 150, part.as_mut_ptr(), 100), OK);
        mx_hasher_free(hasher);
        assert!(mx_hasher_new(1, [0; 31].as_ptr(), 31).is_null());
        assert!(mx_hasher_new(2, [0xff].as_ptr(), 1).is_null());
        assert!(mx_hasher_new(3, ptr::null(), 0).is_null());
    }
    assert_eq!(whole[150..250], part);
    assert_eq!(whole[..32], hash(b"abc"));
}

/// V2 of self-encryption.md 20: the bytes 00 01 02, chunk 0.
#[test]
fn the_worked_example_is_sealed_to_the_byte_and_opened() {
    let mut input = [0; 112];
    for (place, byte) in [(0, 0), (32, 2), (64, 1)] {
        input[place..place + 32].copy_from_slice(&hash(&[byte]));
    }
    let (mut address, mut plain) = ([0; 32], [9; 1]);
    let mut sealed = MxBuffer::empty();
    // SAFETY: all ranges are arrays of this function; the buffer is freed once, here.
    unsafe {
        let status = mx_seal(
            [0].as_ptr(),
            1,
            input.as_ptr(),
            address.as_mut_ptr(),
            &mut sealed,
        );
        assert_eq!(status, OK);
        let content = sealed.bytes().to_vec();
        mx_buffer_free(&mut sealed);
        mx_buffer_free(&mut sealed);
        let expected = [
            0xf4, 0xe2, 0xca, 0x6b, 0xbd, 0x5d, 0xfe, 0x10, 0x8e, 0x95, 0x5d, 0x5c, 0x4a, 0x19,
            0xca, 0xa3, 0xa6, 0xd1, 0x0f, 0xe1, 0xb2,
        ];
        assert_eq!(content, expected);
        assert_eq!(address, hash(&expected));
        let mut open = |content: &[u8], size: usize| {
            mx_open(
                content.as_ptr(),
                content.len(),
                input.as_ptr(),
                plain.as_mut_ptr(),
                size,
            )
        };
        assert_eq!(open(&content, 1), OK);
        assert_eq!(open(&content, 0), SIZE);
        assert_eq!(open(&content[1..], 1), AUTHENTICATION);
        assert_eq!(open(&content[..15], 1), AUTHENTICATION);
    }
    assert_eq!(plain, [0]);
}

#[test]
fn signatures_with_and_without_context_verify_and_bad_keys_are_refused() {
    let (mut public_key, mut secret_key) = ([0; 1952], [0; 4032]);
    let mut derived = [0; 1952];
    let mut signature = [0; 3309];
    let message = b"message";
    // SAFETY: all ranges are arrays of this function.
    unsafe {
        let status = mx_ml_dsa_key_pair(
            [7; 32].as_ptr(),
            public_key.as_mut_ptr(),
            secret_key.as_mut_ptr(),
        );
        assert_eq!(status, OK);
        assert_eq!(
            mx_ml_dsa_public_key(secret_key.as_ptr(), derived.as_mut_ptr()),
            OK
        );
        assert_eq!(public_key, derived);
        for context in [&b""[..], b"context"] {
            for randomness in [ptr::null(), [0; 32].as_ptr()] {
                let status = mx_ml_dsa_sign(
                    secret_key.as_ptr(),
                    message.as_ptr(),
                    message.len(),
                    context.as_ptr(),
                    context.len(),
                    randomness,
                    signature.as_mut_ptr(),
                );
                assert_eq!(status, OK);
                let verify = |context: &[u8]| {
                    mx_ml_dsa_verify(
                        public_key.as_ptr(),
                        message.as_ptr(),
                        message.len(),
                        signature.as_ptr(),
                        context.as_ptr(),
                        context.len(),
                    )
                };
                assert_eq!(verify(context), 1);
                assert_eq!(verify(b"other"), 0);
                assert_eq!(verify(&[0; 256]), 0);
            }
        }
        secret_key[200] = 0xff;
        let status = mx_ml_dsa_sign(
            secret_key.as_ptr(),
            ptr::null(),
            0,
            ptr::null(),
            0,
            ptr::null(),
            signature.as_mut_ptr(),
        );
        assert_eq!(status, KEY);
    }
}
