//! The audit log from the edge's side: who is named, which refusals are kept, and how entries are written that belong to no
//! change of the roster or of a ledger (those are written with the change, by the engine).

use crate::app::App;
use crate::auth::Principal;
use crate::problem::Problem;
use homeroom_schema::limits::REFUSALS_COUNTED_MAX;
use homeroom_schema::records::{AuditRecord, AuditSubject, AuditedBy, Row};
use homeroom_schema::{TimeMs, TokenId};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::HashMap;

/// Repeats of a refusal are counted in spans of this length.
const SPAN_MS: i64 = 60 * 60 * 1_000;

/// A caller as the audit log names them.
#[must_use]
pub const fn by(caller: &Principal) -> AuditedBy {
    AuditedBy {
        token_id: Some(caller.token_id),
        role: Some(caller.role),
        user_id: caller.user_id,
    }
}

/// An entry as a row, to be kept in the commit of its act. `detail` holds ids and numbers: no names, no free text of people.
#[must_use]
pub fn row(at: TimeMs, by: AuditedBy, act: &'static str, subject: Option<AuditSubject>, detail: &Value) -> Row {
    Row::Audit(AuditRecord {
        at,
        by,
        act,
        subject,
        detail: detail.to_string(),
    })
}

/// Keeps an entry by itself, before the act that it tells of.
///
/// # Errors
/// 503 when it cannot be kept; then the act must not happen either.
pub async fn keep(
    app: &App,
    by: AuditedBy,
    act: &'static str,
    subject: Option<AuditSubject>,
    detail: &Value,
) -> Result<(), Problem> {
    let row = row(app.clock().now(), by, act, subject, detail);
    Ok(app.engine().keep_rows(vec![row], None).await?)
}

/// Somebody known was refused for want of the right: kept before the refusal is answered. Of repeats within an hour the
/// first, second, fourth, eighth … is kept, so that a flood cannot fill the disk and the count still shows its size.
pub async fn refused(app: &App, caller: &Principal, method: &'static str, route: &str) {
    let now = app.clock().now();
    let Some(count) = app.refusals().count(caller.token_id, method, route, now) else {
        return;
    };
    let detail = json!({"method": method, "route": route, "count": count});
    // A node that cannot write refuses all the same.
    if let Err(problem) = keep(app, by(caller), "refused", None, &detail).await {
        tracing::warn!(code = problem.code, "a refusal could not be kept in the audit log");
    }
}

/// How often who was refused what within the present hour. At most [`REFUSALS_COUNTED_MAX`].
#[derive(Debug, Default)]
pub struct Refusals {
    counts: Mutex<HashMap<(TokenId, &'static str, String), Count>>,
}

#[derive(Debug)]
struct Count {
    span: i64,
    times: u64,
}

impl Refusals {
    /// Counts one more, and gives the count if it is one to be kept.
    fn count(&self, token_id: TokenId, method: &'static str, route: &str, now: TimeMs) -> Option<u64> {
        let span = now.0.div_euclid(SPAN_MS);
        let mut counts = self.counts.lock();
        let key = (token_id, method, route.to_owned());
        if counts.len() >= REFUSALS_COUNTED_MAX && !counts.contains_key(&key) {
            counts.retain(|_, count| count.span == span);
            if counts.len() >= REFUSALS_COUNTED_MAX {
                metrics::counter!("homeroom_refusals_not_audited_total").increment(1);
                return None;
            }
        }
        let count = counts.entry(key).or_insert(Count { span, times: 0 });
        if count.span != span {
            *count = Count { span, times: 0 };
        }
        count.times += 1;
        count.times.is_power_of_two().then_some(count.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept(refusals: &Refusals, token: u64, times: usize, now: i64) -> Vec<u64> {
        let token_id = TokenId::new(token).expect("an id");
        let counts = (0..times).filter_map(|_| refusals.count(token_id, "POST", "/tokens", TimeMs(now)));
        counts.collect()
    }

    #[test]
    fn repeats_are_kept_ever_more_rarely_and_anew_each_hour() {
        let refusals = Refusals::default();
        assert_eq!(kept(&refusals, 1, 9, 5), [1, 2, 4, 8]);
        assert_eq!(kept(&refusals, 2, 1, 5), [1], "each token has its own count");
        assert_eq!(kept(&refusals, 1, 7, SPAN_MS - 1), [16]);
        assert_eq!(kept(&refusals, 1, 1, SPAN_MS), [1]);
        assert_eq!(
            kept(&refusals, 3, 1_000_000, 5).len(),
            20,
            "a million repeats are twenty entries"
        );
    }

    #[test]
    fn only_so_many_are_counted_at_once() {
        let refusals = Refusals::default();
        for token in 1..=REFUSALS_COUNTED_MAX as u64 {
            assert_eq!(kept(&refusals, token, 1, 5), [1]);
        }
        let one_more = REFUSALS_COUNTED_MAX as u64 + 1;
        assert_eq!(kept(&refusals, one_more, 1, 5), [] as [u64; 0]);
        assert_eq!(kept(&refusals, one_more, 1, SPAN_MS), [1], "the next hour has room");
        assert_eq!(refusals.counts.lock().len(), 1);
    }
}
