//! What an import would do, and what it did.

use super::plan::{Change, LISTS, Plan, What};
use super::sheet::Sheet;
use crate::cli::common::Common;
use crate::cli::print_json;
use crate::cli::table::Table;
use serde_json::{Map, Value, json};

/// Rows of each kind that a preview shows.
const ROWS_SHOWN_MAX: usize = 10;

/// What would be made, changed and left: counts and the first rows.
pub(super) fn preview(common: &Common, file: &str, sheet: &Sheet, plan: &Plan) {
    if common.json {
        return print_json(&summary(file, sheet, plan, true));
    }
    head(common, file, sheet);
    counts(plan);
    for what in [What::Created, What::Changed] {
        let entities = |change: &&Change| change.what == what && !matches!(change.list, "team_members" | "enrolments");
        let changes: Vec<&Change> = plan.changes.iter().filter(entities).collect();
        if changes.is_empty() {
            continue;
        }
        println!("\nwould be {}:", what.name());
        let mut table = Table::new(&["line", "list", "id", "name", "what"]);
        for change in changes.iter().take(ROWS_SHOWN_MAX) {
            let cells = [
                change.line.to_string(),
                change.list.into(),
                change.id.to_string(),
                change.label.clone(),
            ];
            table.row(&[&cells[..], std::slice::from_ref(&change.detail)].concat());
        }
        table.print();
        if changes.len() > ROWS_SHOWN_MAX {
            println!("… and {} more", changes.len() - ROWS_SHOWN_MAX);
        }
    }
    println!("\nNothing was kept: this was a dry run.");
}

/// What was kept.
pub(super) fn done(common: &Common, file: &str, sheet: &Sheet, plan: &Plan, answer: &Value) {
    if common.json {
        let mut summary = summary(file, sheet, plan, false);
        summary["answer"] = answer.clone();
        return print_json(&summary);
    }
    head(common, file, sheet);
    if !common.quiet {
        counts(plan);
        let skipped = answer["skipped_erased"].as_array().map_or(0, Vec::len);
        if skipped > 0 {
            println!("{skipped} numbers belong to people who were erased, and were skipped");
        }
    }
    match plan.sent().next() {
        Some(_) => common.say("\nAll of it is kept."),
        None => common.say("\nEverything is there already; nothing was sent."),
    }
}

fn head(common: &Common, file: &str, sheet: &Sheet) {
    common.say(&format!("{file}: {} rows", sheet.rows.len()));
    for note in &sheet.notes {
        common.note(&format!("note: {note}"));
    }
}

fn counts(plan: &Plan) {
    let mut columns = vec!["list"];
    columns.extend(What::ALL.map(What::name));
    let mut table = Table::new(&columns);
    for list in LISTS {
        let counted = What::ALL.map(|what| plan.count(list, what));
        if counted.iter().any(|count| *count > 0) {
            let cells = counted.iter().map(usize::to_string);
            table.row(&std::iter::once(list.to_owned()).chain(cells).collect::<Vec<_>>());
        }
    }
    table.print();
}

fn summary(file: &str, sheet: &Sheet, plan: &Plan, dry_run: bool) -> Value {
    let counted = |list: &str| -> Value {
        let pairs = What::ALL.map(|what| (what.name().to_owned(), json!(plan.count(list, what))));
        Value::Object(Map::from_iter(pairs))
    };
    let counts = Map::from_iter(LISTS.map(|list| (list.to_owned(), counted(list))));
    let change = |change: &Change| {
        json!({
            "line": change.line, "list": change.list, "id": change.id, "name": change.label,
            "what": change.what.name(), "detail": change.detail,
        })
    };
    json!({
        "file": file,
        "rows": sheet.rows.len(),
        "dry_run": dry_run,
        "notes": sheet.notes,
        "counts": counts,
        "changes": plan.changes.iter().map(change).collect::<Vec<_>>(),
    })
}
