//! The newest facts, which are in no stored block yet, and what became of those that are.

use super::block;
use crate::domain::analytics::{Fact, Noted, What};
use homeroom_schema::limits::ACTIVITY_FLIPS_MAX;
use homeroom_schema::records::ActivityBlock;
use homeroom_schema::{EventId, StoreError};
use std::collections::HashMap;

/// What is known beyond the stored blocks.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    /// The last event of the last stored block.
    pub(super) head: Option<EventId>,
    /// Facts after it, in the order of the journal.
    pub(super) facts: Vec<Fact>,
    /// Whether awards in stored blocks are taken back, where that changed since they were stored.
    pub(super) standings: HashMap<EventId, bool>,
}

impl Tail {
    /// Takes one more event, which comes after all before it.
    pub(super) fn take(&mut self, noted: Noted) {
        match noted {
            Noted::Fact(fact) => self.facts.push(fact),
            Noted::Standing { of, is_reversed } => match self.facts.binary_search_by_key(&of, |fact| fact.event_id) {
                Ok(place) => set_standing(&mut self.facts[place], is_reversed),
                Err(_) => drop(self.standings.insert(of, is_reversed)),
            },
        }
    }

    /// Whether it is time to store what waits.
    pub(super) fn is_due(&self, block_facts: usize) -> bool {
        self.facts.len() >= block_facts || self.standings.len() >= ACTIVITY_FLIPS_MAX
    }

    /// The next whole block of what waits.
    pub(super) fn next_block(&self, block_facts: usize) -> Option<ActivityBlock> {
        block::encode(self.facts.get(..block_facts)?)
    }

    /// That block is stored, and the changed ones anew.
    pub(super) fn stored(&mut self, block: Option<&ActivityBlock>) {
        self.standings.clear();
        if let Some(block) = block {
            self.head = Some(block.last_event_id);
            self.facts.drain(..(block.facts as usize).min(self.facts.len()));
        }
    }

    /// Shows the facts of a stored block as they stand now.
    pub(super) fn see(&self, block: &ActivityBlock, mut see: impl FnMut(&Fact)) -> Result<(), StoreError> {
        block::decode(block, |mut fact| {
            if !self.standings.is_empty()
                && let Some(is_reversed) = self.standings.get(&fact.event_id)
            {
                set_standing(&mut fact, *is_reversed);
            }
            see(&fact);
        })
    }

    /// A stored block with what changed in it.
    pub(super) fn amended(&self, block: &ActivityBlock) -> Result<Option<ActivityBlock>, StoreError> {
        let mut facts = Vec::with_capacity(block.facts as usize);
        self.see(block, |fact| facts.push(*fact))?;
        Ok(block::encode(&facts))
    }
}

fn set_standing(fact: &mut Fact, is_reversed: bool) {
    if let What::Award(award) = &mut fact.what {
        award.is_reversed = is_reversed;
    }
}
