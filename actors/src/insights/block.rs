//! Facts as bytes: about twenty of them a fact, written once, and read one after another.
//!
//! A block begins with the number of its format. Then each fact: a byte with its kind, and whether it was taken back or is
//! complete; the distances of event and time from the fact before it; the person; what there is besides. Whole numbers have
//! seven bits a byte (LEB128), signed ones their sign in the last bit (zigzag).

use crate::domain::action::{Action, ResourceRef};
use crate::domain::analytics::{AwardFact, Fact, ProgressFact, What};
use homeroom_schema::records::ActivityBlock;
use homeroom_schema::{EventId, QualificationId, ReferenceId, StoreError, TimeMs, UnitId, UserId};

const FORMAT: u8 = 1;
const PROGRESS: u8 = 7;
const KIND: u8 = 0b111;
/// Of an award: taken back. Of progress: the unit is complete.
const MARK: u8 = 0b1000;
// What an award has.
const UNIT: u8 = 1;
const QUALIFICATION: u8 = 1 << 1;
const SCORE: u8 = 1 << 2;
const QUALITY: u8 = 1 << 3;
const RATING: u8 = 1 << 4;
const RESOURCE: u8 = 1 << 5;

/// The block of these facts; none of none.
pub(super) fn encode(facts: &[Fact]) -> Option<ActivityBlock> {
    let last = facts.last()?;
    let times = || facts.iter().map(|fact| fact.occurred_at);
    let mut bytes = Vec::with_capacity(24 * facts.len());
    bytes.push(FORMAT);
    let (mut event_id, mut at) = (0, 0);
    for fact in facts {
        let (kind, mark) = match &fact.what {
            What::Award(award) => (award.action as u8, award.is_reversed),
            What::Progress(progress) => (PROGRESS, progress.completed_at.is_some()),
        };
        bytes.push(kind | if mark { MARK } else { 0 });
        put(&mut bytes, fact.event_id.get().wrapping_sub(event_id));
        put_signed(&mut bytes, fact.occurred_at.0.wrapping_sub(at));
        put(&mut bytes, fact.user_id.get());
        match &fact.what {
            What::Award(award) => put_award(&mut bytes, award),
            What::Progress(progress) => {
                put(&mut bytes, progress.unit.get());
                bytes.push(progress.progress_percentage);
                if let Some(completed_at) = progress.completed_at {
                    put_signed(&mut bytes, completed_at.0.wrapping_sub(fact.occurred_at.0));
                }
            }
        }
        (event_id, at) = (fact.event_id.get(), fact.occurred_at.0);
    }
    Some(ActivityBlock {
        last_event_id: last.event_id,
        from_at: times().min()?,
        to_at: times().max()?,
        facts: u32::try_from(facts.len()).ok()?,
        bytes,
    })
}

fn put_award(bytes: &mut Vec<u8>, award: &AwardFact) {
    let there = |is_there: bool, flag: u8| if is_there { flag } else { 0 };
    bytes.push(
        there(award.unit.is_some(), UNIT)
            | there(award.qualification.is_some(), QUALIFICATION)
            | there(award.score.is_some(), SCORE)
            | there(award.quality.is_some(), QUALITY)
            | there(award.rating.is_some(), RATING)
            | there(award.resource.is_some(), RESOURCE),
    );
    put(bytes, award.reference.get());
    award.unit.into_iter().for_each(|unit| put(bytes, unit.get()));
    award.qualification.into_iter().for_each(|id| put(bytes, id.get()));
    for number in [award.score, award.quality].into_iter().flatten() {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(award.rating);
    if let Some(resource) = award.resource {
        put(bytes, resource.user_id.get());
        put(bytes, resource.reference_id.get());
    }
}

fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number as u8 | 0x80);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn put_signed(bytes: &mut Vec<u8>, number: i64) {
    put(bytes, ((number << 1) ^ (number >> 63)).cast_unsigned());
}

/// Shows all facts of a block, in the order of the journal.
///
/// # Errors
/// [`StoreError::Damaged`] when the bytes are no facts, or not as many as the block says.
pub(super) fn decode(block: &ActivityBlock, mut see: impl FnMut(Fact)) -> Result<(), StoreError> {
    let mut bytes = Bytes(&block.bytes);
    let mut facts = || -> Option<()> {
        if bytes.byte()? != FORMAT {
            return None;
        }
        let (mut event_id, mut at) = (0_u64, 0_i64);
        for _ in 0..block.facts {
            let fact = bytes.fact(event_id, at)?;
            (event_id, at) = (fact.event_id.get(), fact.occurred_at.0);
            see(fact);
        }
        bytes.0.is_empty().then_some(())
    };
    facts().ok_or_else(|| StoreError::Damaged {
        cause: format!("the block of facts up to event {} cannot be read", block.last_event_id),
    })
}

/// What is left of the bytes. Each read gives none when they are not what they should be.
struct Bytes<'a>(&'a [u8]);

impl Bytes<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0_u64;
        for place in 0..10 {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << (7 * place);
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn signed(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn float(&mut self) -> Option<f64> {
        let (first, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(f64::from_le_bytes(*first))
    }

    fn id<T: TryFrom<u64>>(&mut self) -> Option<T> {
        T::try_from(self.number()?).ok()
    }

    fn fact(&mut self, event_id: u64, at: i64) -> Option<Fact> {
        let head = self.byte()?;
        let event_id = EventId::new(event_id.wrapping_add(self.number()?)).ok()?;
        let occurred_at = TimeMs(at.wrapping_add(self.signed()?));
        let user_id: UserId = self.id()?;
        let is_marked = head & MARK != 0;
        let what = match head & KIND {
            PROGRESS => What::Progress(ProgressFact {
                unit: self.id::<UnitId>()?,
                progress_percentage: self.byte()?,
                completed_at: if is_marked {
                    Some(TimeMs(occurred_at.0.wrapping_add(self.signed()?)))
                } else {
                    None
                },
            }),
            kind => What::Award(self.award(*Action::ALL.get(usize::from(kind))?, is_marked)?),
        };
        Some(Fact {
            event_id,
            user_id,
            occurred_at,
            what,
        })
    }

    fn award(&mut self, action: Action, is_reversed: bool) -> Option<AwardFact> {
        let flags = self.byte()?;
        let has = |flag: u8| flags & flag != 0;
        let reference: ReferenceId = self.id()?;
        let unit = if has(UNIT) { Some(self.id::<UnitId>()?) } else { None };
        let qualification = if has(QUALIFICATION) {
            Some(self.id::<QualificationId>()?)
        } else {
            None
        };
        let score = if has(SCORE) { Some(self.float()?) } else { None };
        let quality = if has(QUALITY) { Some(self.float()?) } else { None };
        let rating = if has(RATING) { Some(self.byte()?) } else { None };
        let resource = if has(RESOURCE) {
            Some(ResourceRef {
                user_id: self.id()?,
                reference_id: self.id()?,
            })
        } else {
            None
        };
        Some(AwardFact {
            action,
            reference,
            unit,
            qualification,
            score,
            quality,
            rating,
            resource,
            is_reversed,
        })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id<T: TryFrom<u64, Error = homeroom_schema::IdError> + std::fmt::Debug>() -> impl Strategy<Value = T> {
        prop_oneof![1..200_u64, 1..=homeroom_schema::ids::ID_MAX].prop_map(|id| T::try_from(id).unwrap())
    }

    fn award() -> impl Strategy<Value = What> {
        use prop::option::of;
        let resource = (id(), id()).prop_map(|(user_id, reference_id)| ResourceRef { user_id, reference_id });
        let whose = (prop::sample::select(&Action::ALL), id(), of(id()), of(id()));
        let seen = (of(0.0..=1.0), of(0.0..=1.0), of(1..=5_u8), of(resource), any::<bool>());
        (whose, seen).prop_map(
            |((action, reference, unit, qualification), (score, quality, rating, resource, is_reversed))| {
                What::Award(AwardFact {
                    action,
                    reference,
                    unit,
                    qualification,
                    score,
                    quality,
                    rating,
                    resource,
                    is_reversed,
                })
            },
        )
    }

    fn progress() -> impl Strategy<Value = What> {
        (id(), 0..=100_u8, prop::option::of(any::<i64>())).prop_map(|(unit, progress_percentage, completed_at)| {
            What::Progress(ProgressFact {
                unit,
                progress_percentage,
                completed_at: completed_at.map(TimeMs),
            })
        })
    }

    /// Any facts, in the order of the journal.
    fn facts() -> impl Strategy<Value = Vec<Fact>> {
        let one = (1..5_000_u64, id(), any::<i64>(), prop_oneof![award(), progress()]);
        prop::collection::vec(one, 1..40).prop_map(|facts| {
            let mut event_id = 0;
            let facts = facts.into_iter().map(|(step, user_id, at, what)| {
                event_id += step;
                Fact {
                    event_id: EventId::new(event_id).unwrap(),
                    user_id,
                    occurred_at: TimeMs(at),
                    what,
                }
            });
            facts.collect()
        })
    }

    proptest! {
        #[test]
        fn facts_come_back_as_they_went_in(facts in facts()) {
            let block = encode(&facts).unwrap();
            let mut seen = Vec::new();
            decode(&block, |fact| seen.push(fact)).unwrap();
            prop_assert_eq!(seen, facts);
        }

        #[test]
        fn what_is_no_block_is_said_to_be_damaged(facts in facts(), cut in 0.0..1.0) {
            let whole = encode(&facts).unwrap();
            let length = (whole.bytes.len() as f64 * cut) as usize;
            let bytes = whole.bytes[..length].to_vec();
            let is_refused = decode(&ActivityBlock { bytes, ..whole.clone() }, |_| ()).is_err();
            prop_assert!(is_refused);
            let longer = ActivityBlock { bytes: [whole.bytes.as_slice(), &[0]].concat(), ..whole.clone() };
            prop_assert!(decode(&longer, |_| ()).is_err());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), facts in 0..9_u32) {
            let (last_event_id, at) = (EventId::MIN, TimeMs(0));
            let block = ActivityBlock { last_event_id, from_at: at, to_at: at, facts, bytes };
            let _ = decode(&block, |_| ());
        }
    }
}
