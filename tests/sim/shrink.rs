//! Makes a failing plan shorter: leaves steps out, more at once first, while it still fails.

use super::plan::Plan;

/// How many plans are tried at most.
const TRIES: usize = 400;

/// A plan of as few steps as could be found for which `fails` still holds.
pub fn shrink(plan: &Plan, mut fails: impl FnMut(&Plan) -> bool) -> Plan {
    let mut best = plan.clone();
    let mut tries = 0;
    let mut size = best.steps.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        let mut is_shorter = false;
        while from < best.steps.len() && tries < TRIES {
            let mut shorter = best.clone();
            let to = (from + size).min(shorter.steps.len());
            shorter.steps.drain(from..to);
            tries += 1;
            if fails(&shorter) {
                best = shorter;
                is_shorter = true;
            } else {
                from = to;
            }
        }
        if tries >= TRIES || (size == 1 && !is_shorter) {
            return best;
        }
        size = (size / 2).max(1);
    }
}

#[test]
fn a_plan_is_shortened_to_what_matters() {
    use super::plan::Step;
    let mut plan = Plan::of_seed(1);
    plan.steps.insert(plan.steps.len() / 2, Step::Look(41));
    plan.steps.push(Step::Look(42));
    let short = shrink(&plan, |plan| {
        plan.steps.contains(&Step::Look(41)) && plan.steps.contains(&Step::Look(42))
    });
    assert_eq!(short.steps, [Step::Look(41), Step::Look(42)]);
}
