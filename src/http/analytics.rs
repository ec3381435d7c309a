//! Analytics for staff and mentors, as JSON or CSV, and the signals of a team.

use super::answer::{self, Answered};
use super::call::Call;
use super::cursor;
use super::page::Page;
use super::routes::Routes;
use crate::fields::Fields;
use crate::permissions::{analytics_lens, may_see_signals};
use crate::problem::{Problem, Unknown};
use crate::wire;
use crate::wire::{Figures, Table};
use axum::body::Body;
use axum::http::header::{ACCEPT, CONTENT_DISPOSITION, LINK};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use homeroom_actors::Lens;
use homeroom_actors::domain::analytics::Buckets;
use homeroom_actors::engine::AnalyticsQuery;
use homeroom_actors::insights::BucketSize;
use homeroom_schema::limits::ANALYTICS_BUCKETS_MAX;
use homeroom_schema::{QualificationId, TeamId, TimeMs};
use serde_json::{Value, json};
use std::ops::Range;

/// Days that are looked at when nothing else is asked for.
const DAYS_DEFAULT: i32 = 7;

pub(super) fn routes(routes: Routes) -> Routes {
    routes
        .get("/analytics/engagement", engagement)
        .get("/analytics/outcomes", outcomes)
        .get("/analytics/success", success)
        .get("/analytics/resources", resources)
        .get("/team/{team_id}/signals", signals)
}

/// What is asked.
struct Wanted {
    from: Option<TimeMs>,
    to: Option<TimeMs>,
    bucket: BucketSize,
    team_id: Option<TeamId>,
    qualification_id: Option<QualificationId>,
    is_csv: Option<bool>,
    table: Option<String>,
    page: Page,
}

/// The same, checked.
struct Asked {
    wanted: Wanted,
    buckets: Buckets,
    lens: Lens,
    scope: String,
    /// The rows of long tables that are shown.
    rows: Range<usize>,
}

async fn engagement(call: Call) -> Answered {
    let asked = asked(&call, "engagement")?;
    let found = call.app.engine().engagement(asked.query()).await?;
    let figures = wire::engagement(&found, &asked.buckets);
    shown(&call, "engagement", &asked, figures)
}

async fn outcomes(call: Call) -> Answered {
    let asked = asked(&call, "outcomes")?;
    let engine = call.app.engine();
    let found = engine.outcomes(asked.query()).await?;
    let figures = wire::outcomes(&found, &asked.rows, engine.roster());
    shown(&call, "outcomes", &asked, figures)
}

async fn success(call: Call) -> Answered {
    let asked = asked(&call, "success")?;
    let engine = call.app.engine();
    let found = engine.success(asked.query()).await?;
    let figures = wire::success(&found, &asked.buckets, &asked.rows, engine.roster());
    shown(&call, "success", &asked, figures)
}

async fn resources(call: Call) -> Answered {
    let asked = asked(&call, "resources")?;
    let found = call.app.engine().resource_use(asked.query()).await?;
    let figures = wire::resources(&found, &asked.buckets, &asked.rows);
    shown(&call, "resources", &asked, figures)
}

impl Asked {
    fn query(&self) -> AnalyticsQuery {
        AnalyticsQuery {
            buckets: self.buckets.clone(),
            team_id: self.wanted.team_id,
            qualification_id: self.wanted.qualification_id,
        }
    }
}

fn asked(call: &Call, kind: &str) -> Result<Asked, Problem> {
    let engine = call.app.engine();
    // Before the query is read: whoever has no right learns nothing of what it may say.
    let team_id = call.query().iter().find(|(name, _)| name == "team_id");
    let team_id = team_id.and_then(|(_, text)| text.parse().ok());
    let lens = analytics_lens(&call.caller, team_id, engine.roster())?;
    let wanted = call.read_query(read)?;
    let clock = call.app.clock();
    let to = wanted
        .to
        .unwrap_or_else(|| clock.day_starts_at(clock.local_day(clock.now()).saturating_add(1)));
    let from = wanted.from.unwrap_or_else(|| {
        let last = clock.local_day(to.plus_ms(-1));
        clock.day_starts_at(last.saturating_sub(DAYS_DEFAULT - 1))
    });
    if from >= to {
        return Err(Problem::invalid("to", "must be after from"));
    }
    let buckets = engine.analytics_buckets(&(from..to), wanted.bucket).ok_or_else(|| {
        let message = format!("must be so long that the range has at most {ANALYTICS_BUCKETS_MAX} of them");
        Problem::invalid("bucket", message)
    })?;
    let scope = format!(
        "analytics {kind} {from:?} {to:?} {:?} {:?} {:?} {}",
        wanted.bucket,
        wanted.team_id,
        wanted.qualification_id,
        call.viewer()
    );
    let start = match &wanted.page.cursor {
        Some(text) => cursor::decode::<usize>(call.app.secret(), &scope, text)?,
        None => 0,
    };
    Ok(Asked {
        rows: start..start.saturating_add(wanted.page.limit),
        wanted,
        buckets,
        lens,
        scope,
    })
}

fn read(fields: &mut Fields<'_>) -> Wanted {
    Wanted {
        from: fields.optional_time("from"),
        to: fields.optional_time("to"),
        bucket: fields
            .optional_word("bucket", "hour, day, week", BucketSize::parse)
            .unwrap_or(BucketSize::Day),
        team_id: fields.optional_id("team_id"),
        qualification_id: fields.optional_id("qualification_id"),
        is_csv: fields.optional_word("format", "json, csv", |word| match word {
            "json" => Some(false),
            "csv" => Some(true),
            _ => None,
        }),
        table: fields.optional_text("table").map(str::to_owned),
        page: Page::read(fields),
    }
}

fn shown(call: &Call, kind: &str, asked: &Asked, figures: Figures) -> Answered {
    let people = match asked.wanted.team_id {
        Some(team_id) => call.app.engine().roster().members(team_id).len(),
        None => usize::MAX,
    };
    let figures = figures.for_lens(asked.lens, people);
    let next = |has_more: bool| {
        let place = has_more.then_some(asked.rows.end);
        place.and_then(|place| cursor::encode(call.app.secret(), &asked.scope, &place))
    };
    let accepts_csv = || {
        let accept = call.headers().get(ACCEPT).and_then(|value| value.to_str().ok());
        accept.is_some_and(|accept| accept.split(',').any(|one| one.trim().starts_with("text/csv")))
    };
    let table = table(&figures, asked.wanted.table.as_deref())?;
    if asked.wanted.is_csv.unwrap_or_else(accepts_csv) {
        return Ok(csv(call, kind, table, next(table.has_more)));
    }
    let next = next(figures.tables.iter().any(|table| table.has_more));
    let mut body = figures.into_json();
    let range = asked.buckets.range();
    body["from"] = json!(wire::time(range.start));
    body["to"] = json!(wire::time(range.end));
    body["bucket"] = json!(asked.wanted.bucket.as_str());
    body["time_zone"] = json!(call.app.config().time_zone);
    body["team_id"] = json!(asked.wanted.team_id);
    body["qualification_id"] = json!(asked.wanted.qualification_id);
    body["next_cursor"] = json!(next);
    Ok(answer::json(200, &body))
}

/// The table asked for, else the first.
fn table<'a>(figures: &'a Figures, name: Option<&str>) -> Result<&'a Table, Problem> {
    let mut tables = figures.tables.iter();
    let found = match name {
        Some(name) => tables.find(|table| table.name == name),
        None => tables.next(),
    };
    found.ok_or_else(|| {
        let names: Vec<_> = figures.tables.iter().map(|table| table.name).collect();
        Problem::invalid("table", format!("must be one of {}", names.join(", ")))
    })
}

fn csv(call: &Call, kind: &str, table: &Table, next: Option<String>) -> Response {
    let mut response = answer::with_type(StatusCode::OK, "text/csv; charset=utf-8", Body::from(table.csv()));
    let headers = response.headers_mut();
    let name = format!("attachment; filename=\"{kind}-{}.csv\"", table.name);
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    if let Some(cursor) = next {
        let others = call.query_text().split('&').filter(|part| !part.starts_with("cursor="));
        let next = format!("cursor={cursor}");
        let query: Vec<_> = others.filter(|part| !part.is_empty()).chain([next.as_str()]).collect();
        let link = format!("</analytics/{kind}?{}>; rel=\"next\"", query.join("&"));
        headers.extend(HeaderValue::from_str(&link).ok().map(|link| (LINK, link)));
    }
    response
}

async fn signals(call: Call) -> Answered {
    let team_id = call.path_id("team_id", Unknown::Team)?;
    let engine = call.app.engine();
    may_see_signals(&call.caller, team_id, engine.roster())?;
    let page = call.read_query(Page::read)?;
    let (secret, scope) = (call.app.secret(), format!("signals {team_id} {}", call.viewer()));
    let start = match &page.cursor {
        Some(text) => cursor::decode::<usize>(secret, &scope, text)?,
        None => 0,
    };
    let found = engine.signals(team_id).await;
    let found = found.map_err(|error| Problem::from(error).with_path(&[Unknown::Team]))?;
    let end = start.saturating_add(page.limit);
    let items = found.iter().skip(start).take(page.limit);
    let items: Vec<Value> = items.map(|signal| wire::signal(signal, engine.roster())).collect();
    let next = (found.len() > end).then_some(end);
    let next = next.and_then(|place| cursor::encode(secret, &scope, &place));
    let body = json!({"team_id": team_id, "signals": items, "next_cursor": next});
    Ok(answer::json(200, &body))
}
