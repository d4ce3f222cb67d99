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

/// The values of replication.md 16.3, and the lengths of wire.md 18.6.
#[test]
fn blocks_are_opened_to_the_byte_and_what_does_not_fit_is_refused() {
    let key = [
        0xea, 0x71, 0xf4, 0x5c, 0xe3, 0xad, 0xb5, 0x99, 0x1b, 0x16, 0xd6, 0x70, 0x67, 0x5a, 0xc7,
        0x11, 0x4b, 0x27, 0x08, 0xaf, 0x00, 0xe9, 0x84, 0x9a, 0xcb, 0x4a, 0x84, 0x1f, 0xb6, 0x3e,
        0xba, 0x84,
    ];
    let content: Vec<u8> = (0..2500u32).map(|i| i as u8).collect();
    let mut root = [0; 32];
    // SAFETY: all ranges are arrays of this function, with their lengths.
    unsafe {
        let (at, length) = (content.as_ptr(), content.len());
        assert_eq!(
            mx_nonced_root(key.as_ptr(), at, length, root.as_mut_ptr()),
            OK
        );
        assert_eq!(root[..4], [0xfb, 0xd3, 0xd1, 0x66]);
        assert_eq!(
            mx_nonced_root(key.as_ptr(), b"hello".as_ptr(), 5, root.as_mut_ptr()),
            OK
        );
        assert_eq!(root[..4], [0xac, 0x6b, 0xf1, 0x91]);
        let path = |index, out: &mut [u8]| {
            let (out, room) = (out.as_mut_ptr(), out.len());
            mx_nonced_path(key.as_ptr(), at, length, index, out, room)
        };
        let slice = |length, index, out: &mut [u8]| {
            mx_bao_slice(at, length, index, out.as_mut_ptr(), out.len())
        };
        for index in 0..3 {
            assert_eq!(path(index, &mut [0; 64]), OK);
            assert_eq!(path(index, &mut [0; 32]), ARGUMENT);
        }
        for (length, index, size) in [(0, 0, 8), (1023, 0, 1031), (1025, 0, 1096), (1025, 1, 73)] {
            assert_eq!(slice(length, index, &mut vec![0; size]), OK);
            assert_eq!(slice(length, index, &mut vec![0; size - 1]), ARGUMENT);
            assert_eq!(slice(length, index, &mut vec![0; size + 1]), ARGUMENT);
        }
        for index in [3, usize::MAX] {
            assert_eq!(path(index, &mut [0; 64]), ARGUMENT);
            assert_eq!(slice(length, index, &mut [0; 1096]), ARGUMENT);
        }
        let null = ptr::null();
        assert_eq!(mx_nonced_root(null, null, 0, root.as_mut_ptr()), ARGUMENT);
        assert_eq!(
            mx_nonced_root(key.as_ptr(), null, 0, ptr::null_mut()),
            ARGUMENT
        );
        assert_eq!(mx_bao_slice(null, 0, 0, ptr::null_mut(), 0), ARGUMENT);
        let large = vec![0; (1 << 24) + 1];
        let status = mx_nonced_root(key.as_ptr(), large.as_ptr(), large.len(), root.as_mut_ptr());
        assert_eq!(status, ARGUMENT);
    }
}
