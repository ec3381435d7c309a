//! Whether two stores make the same learners: each is folded from nothing in both, and compared with the head that is kept.

use crate::domain::Learner;
use crate::learners::replay;
use homeroom_schema::{Store, StoreError};

/// Folds every learner of both stores. `show` is told how many of how many are done. Memory: two learners at a time.
/// Returns how many there are, or what is not the same.
///
/// # Errors
/// When one of the stores is unavailable or a record of it is damaged.
pub async fn same_learners(
    one: &dyn Store,
    other: &dyn Store,
    mut show: impl FnMut(u64, u64),
) -> Result<Result<u64, String>, StoreError> {
    let heads = one.load_heads().await?;
    if heads != other.load_heads().await? {
        return Ok(Err("the heads of learners are not the same".to_owned()));
    }
    let all = heads.len() as u64;
    for (done, head) in (1..).zip(&heads) {
        let mut states = [Learner::new(head.user_id), Learner::new(head.user_id)];
        for (state, store) in states.iter_mut().zip([one, other]) {
            replay(store, state, |_, _, _, _| {}).await?;
        }
        let [here, there] = &states;
        if here != there {
            return Ok(Err(format!("person {}: the replayed states differ", head.user_id)));
        }
        if (here.version, here.total) != (head.version, head.total) {
            return Ok(Err(format!(
                "person {}: the replayed state is not the head",
                head.user_id
            )));
        }
        show(done, all);
    }
    Ok(Ok(all))
}
