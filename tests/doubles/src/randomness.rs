//! Randomness that a seed decides: this program's own `getrandom`, which every thread may ask to follow from a number. It stands
//! before the C library's, for the standard library as well as for the crate of that name.
#![allow(unsafe_code, reason = "it takes the place of a function of the C library")]

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// From now on what this thread gets from the system's randomness follows from `seed`. To be called before the thread has made
/// its first hash map: the keys of maps are drawn once a thread.
pub fn follow(seed: u64) {
    STATE.set(Some(seed));
}

/// The next 64 bits of this thread; none while it follows no seed. SplitMix64.
fn next() -> Option<u64> {
    let state = STATE.get()?.wrapping_add(0x9e37_79b9_7f4a_7c15);
    STATE.set(Some(state));
    let mut mixed = state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    Some(mixed ^ (mixed >> 31))
}

/// What the standard library and the crate `getrandom` call.
///
/// # Safety
/// As of the C library's: `buffer` has room for `length` bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn getrandom(
    buffer: *mut libc::c_void,
    length: libc::size_t,
    flags: libc::c_uint,
) -> libc::ssize_t {
    if STATE.get().is_none() || length == 0 {
        // SAFETY: the same arguments for the system itself.
        return unsafe { libc::syscall(libc::SYS_getrandom, buffer, length, flags) } as libc::ssize_t;
    }
    // SAFETY: the caller vouches for `length` bytes, and `length` is not 0, so that the pointer is one.
    let bytes = unsafe { std::slice::from_raw_parts_mut(buffer.cast::<u8>(), length) };
    for piece in bytes.chunks_mut(8) {
        let random = next().unwrap_or_default().to_le_bytes();
        piece.copy_from_slice(&random[..piece.len()]);
    }
    length as libc::ssize_t
}

#[cfg(test)]
mod tests {
    use super::follow;
    use std::hash::{BuildHasher, RandomState};

    fn drawn(seed: Option<u64>) -> u64 {
        let thread = std::thread::spawn(move || {
            if let Some(seed) = seed {
                follow(seed);
            }
            RandomState::new().hash_one(7)
        });
        thread.join().unwrap()
    }

    #[test]
    fn hash_maps_of_a_thread_follow_from_its_seed() {
        assert_eq!(drawn(Some(1)), drawn(Some(1)));
        assert_ne!(drawn(Some(1)), drawn(Some(2)));
        assert_ne!(drawn(None), drawn(None), "other threads are as random as ever");
    }
}
