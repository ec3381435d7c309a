//! Snapshots as bytes: an envelope around bincode. What is inside belongs to the caller; no files, no tables.
//!
//! | bytes | are |
//! | --- | --- |
//! | 4 | `HRSN` |
//! | 1 | codec: 1 is bincode 2 with `config::legacy()` (little-endian, fixed widths: bincode 1 reads it too) |
//! | 2 | schema version of the payload, little-endian |
//! | 1 | flags: none are known, so all must be 0 |
//! | 4 | length of the payload, little-endian |
//! | 4 | CRC-32 of everything else: of the 12 bytes before it and of the payload |
//! | … | payload |
//!
//! A snapshot is a cache: whatever cannot be read here is rebuilt from the events, so no error of this file may stop anything.

use crate::limits::SNAPSHOT_BYTES_MAX;
use bincode::config::{Configuration, Fixint, Limit, LittleEndian, legacy};
use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: [u8; 4] = *b"HRSN";
const BINCODE_LEGACY: u8 = 1;
const HEADER_BYTES: usize = 16;
const CRC_AT: usize = 12;

/// The limit is on what decoding may allocate, too: a damaged length cannot claim more.
const CONFIG: Configuration<LittleEndian, Fixint, Limit<SNAPSHOT_BYTES_MAX>> = legacy().with_limit();

/// Why bytes are no snapshot that can be used. Callers count it and replay the stream.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Not an envelope of ours: another beginning, or too short for one.
    #[error("not a snapshot")]
    NotASnapshot,
    /// Made by a codec, or with flags, that this program does not know.
    #[error("codec {codec} with flags {flags:#04x} is not known")]
    UnknownCodec {
        /// The codec's number.
        codec: u8,
        /// The flags.
        flags: u8,
    },
    /// The length or the checksum is wrong.
    #[error("damaged: length or checksum is wrong")]
    Damaged,
    /// The payload is whole, yet not a value of the type asked for (or has bytes left over).
    #[error("the payload is no such value: {cause}")]
    Payload {
        /// For the log.
        cause: String,
    },
    /// Larger than [`SNAPSHOT_BYTES_MAX`]: not stored, and not read.
    #[error("larger than {SNAPSHOT_BYTES_MAX} bytes")]
    TooLarge,
}

/// What an envelope holds, checked but not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// The version of the payload's type: callers choose by it what to decode as.
    pub schema_version: u16,
    payload: &'a [u8],
}

/// Puts a value into an envelope.
///
/// # Errors
/// [`SnapshotError::TooLarge`] beyond [`SNAPSHOT_BYTES_MAX`]; [`SnapshotError::Payload`] if the type cannot be encoded.
///
/// ```
/// use homeroom_schema::codec::{decode_envelope, encode};
/// let bytes = encode(3, &("Ada", 12_u64))?;
/// let envelope = decode_envelope(&bytes)?;
/// assert_eq!(envelope.schema_version, 3);
/// assert_eq!(envelope.decode::<(String, u64)>()?, ("Ada".to_owned(), 12));
/// # Ok::<(), homeroom_schema::codec::SnapshotError>(())
/// ```
pub fn encode<T: Serialize>(schema_version: u16, value: &T) -> Result<Vec<u8>, SnapshotError> {
    let mut bytes = vec![0; HEADER_BYTES];
    // No limit here: bincode's is for reading. The length is checked below, before anything is stored.
    bincode::serde::encode_into_std_write(value, &mut bytes, legacy()).map_err(|error| SnapshotError::Payload {
        cause: error.to_string(),
    })?;
    let length = bytes.len() - HEADER_BYTES;
    if bytes.len() > SNAPSHOT_BYTES_MAX {
        return Err(SnapshotError::TooLarge);
    }
    let length = u32::try_from(length).map_err(|_| SnapshotError::TooLarge)?;
    bytes[..4].copy_from_slice(&MAGIC);
    bytes[4] = BINCODE_LEGACY;
    bytes[5..7].copy_from_slice(&schema_version.to_le_bytes());
    bytes[8..CRC_AT].copy_from_slice(&length.to_le_bytes());
    let crc = checksum(&bytes);
    bytes[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
    Ok(bytes)
}

/// Checks an envelope and opens it.
///
/// # Errors
/// A [`SnapshotError`] for anything that [`encode`] did not make, or that was changed since.
pub fn decode_envelope(bytes: &[u8]) -> Result<Envelope<'_>, SnapshotError> {
    if bytes.len() < HEADER_BYTES || bytes[..4] != MAGIC {
        return Err(SnapshotError::NotASnapshot);
    }
    if bytes.len() > SNAPSHOT_BYTES_MAX {
        return Err(SnapshotError::TooLarge);
    }
    let number = |at: usize| u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
    if number(8) as usize != bytes.len() - HEADER_BYTES || number(CRC_AT) != checksum(bytes) {
        return Err(SnapshotError::Damaged);
    }
    let (codec, flags) = (bytes[4], bytes[7]);
    if codec != BINCODE_LEGACY || flags != 0 {
        return Err(SnapshotError::UnknownCodec { codec, flags });
    }
    Ok(Envelope {
        schema_version: u16::from_le_bytes([bytes[5], bytes[6]]),
        payload: &bytes[HEADER_BYTES..],
    })
}

impl Envelope<'_> {
    /// Reads the payload, all of it.
    ///
    /// # Errors
    /// [`SnapshotError::Payload`] when it is no such value.
    pub fn decode<T: DeserializeOwned>(&self) -> Result<T, SnapshotError> {
        let payload = |cause: String| SnapshotError::Payload { cause };
        let (value, read) =
            bincode::serde::decode_from_slice(self.payload, CONFIG).map_err(|error| payload(error.to_string()))?;
        if read == self.payload.len() {
            Ok(value)
        } else {
            Err(payload(format!("{} bytes are left over", self.payload.len() - read)))
        }
    }
}

/// Of the header before the checksum and of the payload. Callers pass at least a header.
fn checksum(bytes: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&bytes[..CRC_AT]);
    crc.update(&bytes[HEADER_BYTES..]);
    crc.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde::Deserialize;
    use std::collections::BTreeMap;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct State {
        version: u64,
        names: Vec<String>,
        progress: BTreeMap<u64, (u8, Option<i64>)>,
        level: Level,
    }

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    enum Level {
        None,
        At { level: u32, mastery: f64 },
    }

    fn states() -> impl Strategy<Value = State> {
        let level = prop_oneof![
            Just(Level::None),
            (any::<u32>(), 0.0..1.0).prop_map(|(level, mastery)| Level::At { level, mastery }),
        ];
        let progress = prop::collection::btree_map(any::<u64>(), any::<(u8, Option<i64>)>(), 0..9);
        (any::<u64>(), prop::collection::vec(".{0,12}", 0..5), progress, level).prop_map(
            |(version, names, progress, level)| State {
                version,
                names,
                progress,
                level,
            },
        )
    }

    #[test]
    fn the_envelope_never_changes() {
        let value = State {
            version: 258,
            names: vec!["Å".to_owned()],
            progress: BTreeMap::from([(7, (100, Some(-2)))]),
            level: Level::At { level: 3, mastery: 0.5 },
        };
        let bytes = encode(0x0102, &value).unwrap();
        let golden: &[&[u8]] = &[
            b"HRSN\x01\x02\x01\x00",
            &[68, 0, 0, 0],
            &[237, 21, 226, 110],
            &[2, 1, 0, 0, 0, 0, 0, 0],
            &[1, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0xc3, 0x85],
            &[
                1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 100, 1, 0xfe, 255, 255, 255, 255, 255, 255, 255,
            ],
            &[1, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xe0, 0x3f],
        ];
        assert_eq!(bytes, golden.concat());
        assert_eq!(decode_envelope(&bytes).unwrap().decode::<State>().unwrap(), value);
    }

    #[test]
    fn unknown_codecs_and_flags_are_told_from_damage() {
        for (at, codec, flags) in [(4, 2, 0), (7, 1, 2)] {
            let mut bytes = encode(1, &5_u8).unwrap();
            bytes[at] = 2;
            let crc = checksum(&bytes);
            bytes[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
            assert_eq!(
                decode_envelope(&bytes),
                Err(SnapshotError::UnknownCodec { codec, flags })
            );
        }
        assert_eq!(decode_envelope(b"SQLite format 3\0"), Err(SnapshotError::NotASnapshot));
        assert_eq!(decode_envelope(b""), Err(SnapshotError::NotASnapshot));
    }

    #[test]
    fn all_bytes_must_be_used() {
        let bytes = encode(1, &(1_u32, 2_u32)).unwrap();
        let envelope = decode_envelope(&bytes).unwrap();
        assert!(matches!(envelope.decode::<u32>(), Err(SnapshotError::Payload { .. })));
        assert!(matches!(
            envelope.decode::<(u32, u32, u8)>(),
            Err(SnapshotError::Payload { .. })
        ));
        assert_eq!(
            envelope.decode::<u64>().unwrap(),
            1 | 2 << 32,
            "a type of the same shape is the caller's affair"
        );
    }

    #[test]
    fn a_state_beyond_the_bound_is_not_stored() {
        let fits = vec![0_u8; SNAPSHOT_BYTES_MAX - HEADER_BYTES - 8];
        let bytes = encode(1, &fits).unwrap();
        assert_eq!(bytes.len(), SNAPSHOT_BYTES_MAX);
        assert_eq!(decode_envelope(&bytes).unwrap().decode::<Vec<u8>>().unwrap(), fits);
        let beyond = vec![0_u8; SNAPSHOT_BYTES_MAX - HEADER_BYTES - 7];
        assert_eq!(encode(1, &beyond), Err(SnapshotError::TooLarge));
        assert_eq!(
            decode_envelope(&[&bytes[..], b"x"].concat()),
            Err(SnapshotError::TooLarge)
        );
    }

    #[test]
    fn a_length_that_claims_everything_allocates_nothing() {
        let mut bytes = encode(1, &vec![1_u64, 2]).unwrap();
        bytes[HEADER_BYTES..HEADER_BYTES + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        let crc = checksum(&bytes);
        bytes[CRC_AT..HEADER_BYTES].copy_from_slice(&crc.to_le_bytes());
        let envelope = decode_envelope(&bytes).unwrap();
        assert!(matches!(
            envelope.decode::<Vec<u64>>(),
            Err(SnapshotError::Payload { .. })
        ));
    }

    proptest! {
        #[test]
        fn what_goes_in_comes_out(state in states(), schema_version: u16) {
            let bytes = encode(schema_version, &state).unwrap();
            let envelope = decode_envelope(&bytes).unwrap();
            prop_assert_eq!(envelope.schema_version, schema_version);
            prop_assert_eq!(envelope.decode::<State>().unwrap(), state);
        }

        /// CRC-32 finds every burst of up to 32 bits for certain, unless it lies half on the checksum itself.
        #[test]
        fn a_damaged_burst_is_always_noticed(state in states(), at: prop::sample::Index, burst in prop::array::uniform4(any::<u8>())) {
            let good = encode(1, &state).unwrap();
            let mut bad = good.clone();
            let at = at.index(bad.len() - 3);
            bad[at..at + 4].iter_mut().zip(burst).for_each(|(byte, change)| *byte ^= change);
            prop_assume!(bad != good && (at + 4 <= CRC_AT || at == CRC_AT || at >= HEADER_BYTES));
            prop_assert!(decode_envelope(&bad).is_err());
        }

        #[test]
        fn a_cut_or_grown_snapshot_is_noticed(state in states(), at: prop::sample::Index, tail in prop::collection::vec(any::<u8>(), 1..9)) {
            let good = encode(1, &state).unwrap();
            prop_assert!(decode_envelope(&good[..at.index(good.len())]).is_err());
            prop_assert!(decode_envelope(&[good, tail].concat()).is_err());
        }

        #[test]
        fn any_bytes_are_safe_to_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(decode_envelope(&bytes).is_err());
            // The payload alone, as if the checksum had fitted by chance.
            let _ = Envelope { schema_version: 1, payload: &bytes }.decode::<State>();
        }
    }
}
