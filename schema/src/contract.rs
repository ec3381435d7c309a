//! The facts that every store must pass, whichever engine keeps the data. Run them with [`store_contract!`](crate::store_contract).
//!
//! A fact is a function that panics when it does not hold. To add one, write it in the file of its subject and name it in
//! the macro: it then runs on every store.

mod activity;
mod announcements;
mod appends;
mod events;
mod keys;
mod privacy;
mod roster;
mod rows;
pub mod sample;
mod whole;

pub use activity::*;
pub use announcements::*;
pub use appends::*;
pub use events::*;
pub use keys::*;
pub use privacy::*;
pub use roster::*;
pub use rows::*;
pub use whole::*;

use crate::store::Store;
use async_trait::async_trait;
use std::sync::Arc;

/// A way to make stores of one engine.
#[async_trait]
pub trait Engine: Send + Sync {
    /// A new, empty store.
    async fn fresh(&self) -> Arc<dyn Store>;

    /// Opens the data of `store` again, after a restart of the node.
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// A new store of a small school: people 1 to 60, teams, qualifications and units 1 to 20. Rows that refer to somebody need
/// somebody who is there.
pub(crate) async fn school(engine: &dyn Engine) -> Arc<dyn Store> {
    let store = engine.fresh().await;
    must(store.commit(vec![sample::school()]).await);
    store
}

/// Hands the names of all facts to a macro of the caller's: `facts_of_the_contract!(each)` is `each! { fact, fact, … }`.
#[macro_export]
macro_rules! facts_of_the_contract {
    ($each:path $(, $argument:expr)?) => {
        $each! {
            $($argument;)?
            an_append_is_kept_at_the_expected_version,
            an_append_at_another_version_is_refused_whole,
            the_rest_of_a_stream_is_refused_after_a_conflict,
            every_kind_of_stream_has_its_own_versions,
            an_append_without_events_still_checks_its_stream,
            a_head_moves_with_its_stream,
            event_ids_rise_and_are_contiguous_within_an_append,
            a_batch_that_is_a_mistake_keeps_nothing,
            an_empty_batch_is_fine,
            events_come_back_as_they_went_in,
            a_stream_is_paged_forwards,
            a_stream_is_paged_backwards_by_type,
            the_journal_is_paged_in_the_order_of_its_ids,
            a_used_key_refuses_the_append,
            what_rests_on_a_taken_key_is_refused,
            a_key_of_a_refused_append_stays_free,
            keys_come_back_with_their_outcome,
            old_keys_are_purged_the_oldest_first,
            the_roster_comes_back_whole,
            a_row_that_names_nobody_refuses_the_batch,
            rows_may_come_in_any_order_within_a_batch,
            memberships_and_enrolments_can_be_removed,
            tokens_in_force_are_loaded,
            a_person_has_one_pin,
            settings_are_kept,
            the_roster_stream_has_a_head,
            progress_is_kept_by_learner_and_unit,
            completed_units_are_found_for_many_learners,
            evidence_adds_up,
            achievements_are_given_and_taken_back,
            qualification_standings_count_reversals,
            qualification_standings_count_parts_of_adjusted_entries,
            manual_points_are_counted_by_giver_and_moment,
            standings_are_sums_of_a_range_of_moments,
            standings_of_teams_are_of_those_who_were_members,
            unsettled_team_awards_come_oldest_first,
            snapshots_keep_the_newest,
            an_erased_person_leaves_an_id,
            erasing_is_for_good,
            notes_of_the_erased_are_not_kept,
            blocks_of_facts_are_found_by_time_and_place,
            blocks_of_facts_can_be_cleared,
            the_audit_log_is_read_backwards,
            announcements_are_read_backwards,
            an_announcement_taken_back_keeps_its_id,
            the_newest_announcements_are_kept,
            announcements_of_the_erased_have_no_author,
            reads_see_whole_batches_only,
            everything_survives_a_restart,
            ids_go_on_after_a_restart,
            a_closed_store_refuses_everything,
            many_callers_may_write_at_once,
            many_callers_may_read_at_once,
        }
    };
}

/// One `#[tokio::test]` for every fact of the contract, on the engine that the expression makes.
///
/// The caller needs `tokio` with `macros` and `rt-multi-thread`.
#[macro_export]
macro_rules! store_contract {
    ($engine:expr) => {
        $crate::facts_of_the_contract! {$crate::store_contract_tests, $engine}
    };
}

/// What [`store_contract!`](crate::store_contract) makes of the names.
#[doc(hidden)]
#[macro_export]
macro_rules! store_contract_tests {
    ($engine:expr; $($fact:ident,)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            $crate::contract::$fact(&$engine).await;
        }
    )*};
}

/// The value of a call that must succeed here.
#[track_caller]
pub(crate) fn must<T, E: std::fmt::Display>(result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("the store answered: {error}"),
    }
}

/// The value that must be there.
#[track_caller]
pub(crate) fn some<T>(value: Option<T>) -> T {
    match value {
        Some(value) => value,
        None => panic!("nothing is there"),
    }
}
