//! Eight BLAKE3 inputs side by side with SIMD128, two groups of four in turn. The blake3 crate goes four by four: one
//! group alone leaves the processor waiting for itself. And it turns words by constant shuffles, which V8 (26) builds
//! anew in five instructions each time; a mask that the compiler cannot see through stays in a register.

use blake3::hazmat::ChainingValue;
use std::arch::wasm32::*;
use std::hint::black_box;

pub const WIDTH: usize = 8;
const HALF: usize = WIDTH / 2;
pub const BLOCK: usize = 64;

const CHUNK_START: u32 = 1;
const CHUNK_END: u32 = 2;
const PARENT: u32 = 4;

#[rustfmt::skip]
const IV: [u32; 8] = [
    0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19,
];
/// Which words of a block enter each round.
const SCHEDULE: [[usize; 16]; 7] = [
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
    [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8],
    [3, 4, 10, 12, 13, 2, 7, 14, 6, 5, 9, 0, 11, 15, 8, 1],
    [10, 7, 12, 9, 14, 3, 13, 15, 4, 0, 11, 2, 5, 8, 1, 6],
    [12, 13, 9, 11, 15, 10, 14, 8, 7, 2, 5, 3, 0, 1, 6, 4],
    [9, 14, 11, 5, 8, 12, 15, 1, 13, 3, 0, 10, 2, 6, 4, 7],
    [11, 15, 5, 0, 1, 9, 8, 6, 14, 10, 2, 12, 3, 4, 7, 13],
];
/// A turn of each 32-bit word to the right, by 16 and by 8 bits, as places of bytes.
static TURNS: [[u8; 16]; 2] = [
    [2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13],
    [1, 2, 3, 0, 5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12],
];

/// Word i of four inputs each.
type Words = [v128; 16];

#[derive(Clone, Copy)]
struct Turns {
    by16: v128,
    by8: v128,
}

/// Chaining values of eight whole chunks, the first of them number `counter`.
pub fn chunks(data: &[u8; WIDTH * 1024], counter: u64) -> [ChainingValue; WIDTH] {
    wide(data, 16, Some(counter), 0, CHUNK_START, CHUNK_END)
}

/// Chaining values of the parents of eight pairs.
pub fn parents(pairs: &[u8; WIDTH * BLOCK]) -> [ChainingValue; WIDTH] {
    wide(pairs, 1, None, PARENT, 0, 0)
}

#[inline(never)]
fn wide(
    data: &[u8],
    blocks: usize,
    counter: Option<u64>,
    flags: u32,
    start: u32,
    end: u32,
) -> [ChainingValue; WIDTH] {
    let turns = {
        let [by16, by8] = black_box(&TURNS);
        Turns {
            by16: load(by16, 0),
            by8: load(by8, 0),
        }
    };
    let counters_a = counters(counter);
    let counters_b = counters(counter.map(|first| first + HALF as u64));
    let (mut a, mut b) = (
        IV.map(|word| u32x4_splat(word)),
        IV.map(|word| u32x4_splat(word)),
    );
    let mut block_flags = flags | start;
    for block in 0..blocks {
        if block + 1 == blocks {
            block_flags |= end;
        }
        let words_a = words(data, 0, blocks, block);
        let words_b = words(data, HALF, blocks, block);
        let mut state_a = state(&a, counters_a, block_flags);
        let mut state_b = state(&b, counters_b, block_flags);
        macro_rules! round {
            ($r:literal) => {
                half_round::<$r, 0>(&mut state_a, &words_a, turns);
                half_round::<$r, 0>(&mut state_b, &words_b, turns);
                half_round::<$r, 1>(&mut state_a, &words_a, turns);
                half_round::<$r, 1>(&mut state_b, &words_b, turns);
            };
        }
        round!(0);
        round!(1);
        round!(2);
        round!(3);
        round!(4);
        round!(5);
        round!(6);
        for i in 0..8 {
            a[i] = v128_xor(state_a[i], state_a[i + 8]);
            b[i] = v128_xor(state_b[i], state_b[i + 8]);
        }
        block_flags = flags;
    }
    let mut values = [[0; 32]; WIDTH];
    let (values_a, values_b) = values.split_at_mut(HALF);
    put_out(&a, values_a);
    put_out(&b, values_b);
    values
}

fn counters(first: Option<u64>) -> [v128; 2] {
    let all = [0, 1, 2, 3].map(|i| first.map_or(0, |first| first + i));
    let [low, high] = [0, 32].map(|shift| all.map(|counter| (counter >> shift) as u32));
    [low, high].map(|[a, b, c, d]| u32x4(a, b, c, d))
}

#[inline(always)]
fn state(chain: &[v128; 8], [low, high]: [v128; 2], flags: u32) -> Words {
    let [a, b, c, d, e, f, g, h] = *chain;
    let [i, j, k, l] = [IV[0], IV[1], IV[2], IV[3]].map(|word| u32x4_splat(word));
    let (length, flags) = (u32x4_splat(BLOCK as u32), u32x4_splat(flags));
    [a, b, c, d, e, f, g, h, i, j, k, l, low, high, length, flags]
}

/// The columns (`DIAGONAL` 0) or the diagonals (1) of one round, four inputs at once.
#[inline(always)]
fn half_round<const ROUND: usize, const DIAGONAL: usize>(v: &mut Words, m: &Words, turns: Turns) {
    let place = |row: usize, i: usize| 4 * row + (i + row * DIAGONAL) % 4;
    let word = |i: usize| SCHEDULE[ROUND][8 * DIAGONAL + i];
    for i in 0..4 {
        v[i] = u32x4_add(u32x4_add(v[i], m[word(2 * i)]), v[place(1, i)]);
        v[place(3, i)] = u8x16_swizzle(v128_xor(v[place(3, i)], v[i]), turns.by16);
    }
    for i in 0..4 {
        v[place(2, i)] = u32x4_add(v[place(2, i)], v[place(3, i)]);
        v[place(1, i)] = turn::<12, 20>(v128_xor(v[place(1, i)], v[place(2, i)]));
    }
    for i in 0..4 {
        v[i] = u32x4_add(u32x4_add(v[i], m[word(2 * i + 1)]), v[place(1, i)]);
        v[place(3, i)] = u8x16_swizzle(v128_xor(v[place(3, i)], v[i]), turns.by8);
    }
    for i in 0..4 {
        v[place(2, i)] = u32x4_add(v[place(2, i)], v[place(3, i)]);
        v[place(1, i)] = turn::<7, 25>(v128_xor(v[place(1, i)], v[place(2, i)]));
    }
}

#[inline(always)]
fn turn<const RIGHT: u32, const LEFT: u32>(words: v128) -> v128 {
    v128_or(u32x4_shr(words, RIGHT), u32x4_shl(words, LEFT))
}

/// A block of four inputs from number `first` on.
#[inline(always)]
fn words(data: &[u8], first: usize, blocks: usize, block: usize) -> Words {
    let one = |i: usize| {
        let at = ((first + i) * blocks + block) * BLOCK;
        &data[at..at + BLOCK]
    };
    let inputs = [one(0), one(1), one(2), one(3)];
    let quarter = |at: usize| {
        let one = |i: usize| load(inputs[i], at);
        transposed([one(0), one(1), one(2), one(3)])
    };
    let [[a, b, c, d], [e, f, g, h], [i, j, k, l], [m, n, o, p]] =
        [quarter(0), quarter(16), quarter(32), quarter(48)];
    [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p]
}

#[inline(always)]
fn transposed([a, b, c, d]: [v128; 4]) -> [v128; 4] {
    let (ab_low, ab_high) = (
        u32x4_shuffle::<0, 4, 1, 5>(a, b),
        u32x4_shuffle::<2, 6, 3, 7>(a, b),
    );
    let (cd_low, cd_high) = (
        u32x4_shuffle::<0, 4, 1, 5>(c, d),
        u32x4_shuffle::<2, 6, 3, 7>(c, d),
    );
    [
        u64x2_shuffle::<0, 2>(ab_low, cd_low),
        u64x2_shuffle::<1, 3>(ab_low, cd_low),
        u64x2_shuffle::<0, 2>(ab_high, cd_high),
        u64x2_shuffle::<1, 3>(ab_high, cd_high),
    ]
}

fn put_out([a, b, c, d, e, f, g, h]: &[v128; 8], values: &mut [ChainingValue]) {
    let halves = [transposed([*a, *b, *c, *d]), transposed([*e, *f, *g, *h])];
    for (i, value) in values.iter_mut().enumerate() {
        for (half, bytes) in halves.iter().zip(value.chunks_exact_mut(16)) {
            let (low, high) = (
                u64x2_extract_lane::<0>(half[i]),
                u64x2_extract_lane::<1>(half[i]),
            );
            bytes[..8].copy_from_slice(&low.to_le_bytes());
            bytes[8..].copy_from_slice(&high.to_le_bytes());
        }
    }
}

#[inline(always)]
fn load(data: &[u8], at: usize) -> v128 {
    let bytes = &data[at..at + 16];
    // SAFETY: 16 readable bytes; WebAssembly loads need no alignment. There is no safe load of a vector.
    unsafe { v128_load(bytes.as_ptr().cast()) }
}
