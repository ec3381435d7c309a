//! Rows as they stand in the tables, read and written for a move between stores.

use super::PostgresStore;
use super::bulk::{Statement, Values, statement, values};
use super::connect::Connection;
use super::errors::Trouble;
use super::read;
use super::transfer as own;
use super::types::{Json, get, json, unsigned};
use crate::ids::TimeMs;
use crate::queries as q;
use crate::store::StoreError;
use crate::transfer::{Column, Kind, Record, Rows, Table, UNFINISHED_SETTING, Value};
use async_trait::async_trait;
use tokio_postgres::types::ToSql;

#[async_trait]
impl Rows for PostgresStore {
    async fn count(&self, table: &'static Table) -> Result<u64, StoreError> {
        read!(self, own::count, table)
    }

    async fn page(
        &self,
        table: &'static Table,
        after: Option<Vec<Value>>,
        limit: usize,
    ) -> Result<Vec<Record>, StoreError> {
        read!(self, own::page, table, after.as_deref().unwrap_or_default(), limit)
    }

    async fn put(
        &self,
        table: &'static Table,
        records: Vec<Record>,
        unfinished: Option<String>,
    ) -> Result<(), StoreError> {
        self.journal.put(table, records, unfinished).await
    }
}

pub(super) async fn count(connection: &mut Connection, table: &Table) -> Result<u64, Trouble> {
    let count = format!("SELECT count(*) FROM {}", table.name);
    let count = read::one(connection, &count, &[], |row| unsigned(row, 0)).await?;
    Ok(count.unwrap_or_default())
}

pub(super) async fn page(
    connection: &mut Connection,
    table: &Table,
    after: &[Value],
    limit: usize,
) -> Result<Vec<Record>, Trouble> {
    let key: Values<'_> = table
        .key()
        .zip(after)
        .map(|(column, value)| parameter(column, value))
        .collect();
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut page: Vec<&(dyn ToSql + Sync)> = key.iter().map(|value| &**value as &(dyn ToSql + Sync)).collect();
    page.push(&limit);
    read::all(connection, &table.page_sql(after.is_empty()), &page, |row| {
        let columns = table.columns.iter().enumerate();
        columns.map(|(index, column)| value(row, index, column)).collect()
    })
    .await
}

fn parameter<'v>(column: &Column, value: &'v Value) -> Box<dyn ToSql + Sync + Send + 'v> {
    match value {
        Value::Int(number) if column.kind == Kind::Small => Box::new(i16::try_from(*number).unwrap_or(i16::MAX)),
        Value::Int(number) => Box::new(*number),
        Value::Text(text) => Box::new(text.as_str()),
        Value::Bytes(bytes) => Box::new(bytes.as_slice()),
        // No key has any other kind.
        Value::Null | Value::Real(_) | Value::Time(_) | Value::Json(_) => Box::new(None::<i64>),
    }
}

fn value(row: &tokio_postgres::Row, index: usize, column: &Column) -> Result<Value, Trouble> {
    let found = match column.kind {
        Kind::Int => get::<Option<i64>>(row, index)?.map(Value::Int),
        Kind::Small => get::<Option<i16>>(row, index)?.map(|number| Value::Int(number.into())),
        Kind::Bool => get::<Option<bool>>(row, index)?.map(|truth| Value::Int(truth.into())),
        Kind::Real => get::<Option<f64>>(row, index)?.map(Value::Real),
        Kind::Text => get::<Option<String>>(row, index)?.map(Value::Text),
        Kind::Bytes => get::<Option<Vec<u8>>>(row, index)?.map(Value::Bytes),
        Kind::Time => get::<Option<TimeMs>>(row, index)?.map(|at| Value::Time(at.0)),
        // No column of this kind may be null.
        Kind::Json => Some(Value::Json(json(row, index)?)),
    };
    Ok(found.unwrap_or(Value::Null))
}

/// The statements that add rows, and keep how far the move came.
pub(super) fn statements<'r>(table: &Table, records: &'r [Record], unfinished: Option<&'r str>) -> Vec<Statement<'r>> {
    let mut all = Vec::with_capacity(2);
    if !records.is_empty() {
        let columns = table.columns.iter().enumerate();
        let lists = columns
            .map(|(index, column)| list(records, index, column.kind))
            .collect();
        all.push(statement(&insert_sql(table), lists));
    }
    all.push(match unfinished {
        Some(mark) => statement(q::UPSERT_SETTING, values![UNFINISHED_SETTING, mark]),
        None => statement(q::DELETE_SETTING, values![UNFINISHED_SETTING]),
    });
    all
}

fn insert_sql(table: &Table) -> String {
    let lists: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let of = match column.kind {
                Kind::Int => "bigint",
                Kind::Small => "smallint",
                Kind::Bool => "boolean",
                Kind::Real => "double precision",
                Kind::Text => "text",
                Kind::Bytes => "bytea",
                Kind::Time => "timestamptz",
                Kind::Json => "jsonb",
            };
            format!("CAST(?{} AS {of}[])", index + 1)
        })
        .collect();
    let instead = if table.is_settings() {
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    } else {
        ""
    };
    format!(
        "INSERT INTO {} ({}) SELECT * FROM unnest({}){instead}",
        table.name,
        table.column_names(),
        lists.join(", ")
    )
}

/// One column of all rows.
fn list(records: &[Record], index: usize, kind: Kind) -> Box<dyn ToSql + Sync + Send + '_> {
    let column = records.iter().map(move |record| &record[index]);
    let int = |value: &Value| match value {
        Value::Int(number) => Some(*number),
        _ => None,
    };
    match kind {
        Kind::Int => Box::new(column.map(int).collect::<Vec<_>>()),
        Kind::Small => {
            let small = |value: &Value| int(value).map(|number| i16::try_from(number).unwrap_or(i16::MAX));
            Box::new(column.map(small).collect::<Vec<_>>())
        }
        Kind::Bool => Box::new(
            column
                .map(|value| int(value).map(|truth| truth != 0))
                .collect::<Vec<_>>(),
        ),
        Kind::Real => {
            let real = |value: &Value| match value {
                Value::Real(number) => Some(*number),
                _ => None,
            };
            Box::new(column.map(real).collect::<Vec<_>>())
        }
        Kind::Text => Box::new(column.map(text).collect::<Vec<_>>()),
        Kind::Json => Box::new(column.map(|value| text(value).map(Json)).collect::<Vec<_>>()),
        Kind::Bytes => {
            let bytes = |value: &'_ Value| match value {
                Value::Bytes(bytes) => Some(bytes.clone()),
                _ => None,
            };
            Box::new(column.map(bytes).collect::<Vec<_>>())
        }
        Kind::Time => {
            let time = |value: &Value| match value {
                Value::Time(at) => Some(TimeMs(*at)),
                _ => None,
            };
            Box::new(column.map(time).collect::<Vec<_>>())
        }
    }
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) | Value::Json(text) => Some(text),
        _ => None,
    }
}
