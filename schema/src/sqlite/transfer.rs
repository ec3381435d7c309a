//! Rows as they stand in the file, read and written for a move between stores.

use super::SqliteStore;
use super::writer::Job;
use crate::store::StoreError;
use crate::transfer::{Column, Kind, Record, Rows, Table, UNFINISHED_SETTING, Value};
use async_trait::async_trait;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, Error, Result, Row, ToSql, params_from_iter};

#[async_trait]
impl Rows for SqliteStore {
    async fn count(&self, table: &'static Table) -> std::result::Result<u64, StoreError> {
        let count = format!("SELECT count(*) FROM {}", table.name);
        self.readers
            .read(move |connection| connection.query_row(&count, [], |row| super::read::unsigned(row, 0)))
            .await
    }

    async fn page(
        &self,
        table: &'static Table,
        after: Option<Vec<Value>>,
        limit: usize,
    ) -> std::result::Result<Vec<Record>, StoreError> {
        self.readers
            .read(move |connection| page(connection, table, after.unwrap_or_default(), limit))
            .await
    }

    async fn put(
        &self,
        table: &'static Table,
        records: Vec<Record>,
        unfinished: Option<String>,
    ) -> std::result::Result<(), StoreError> {
        self.writer
            .ask(|reply| Job::Put {
                table,
                records,
                unfinished,
                reply,
            })
            .await
    }
}

fn page(connection: &Connection, table: &Table, after: Vec<Value>, limit: usize) -> Result<Vec<Record>> {
    let mut statement = connection.prepare_cached(&table.page_sql(after.is_empty()))?;
    let limit = Value::Int(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = statement.query_map(params_from_iter(after.into_iter().chain([limit])), |row| {
        let columns = table.columns.iter().enumerate();
        columns.map(|(index, column)| value(row, index, column)).collect()
    })?;
    rows.collect()
}

fn value(row: &Row<'_>, index: usize, column: &Column) -> Result<Value> {
    let found = row.get_ref(index)?;
    Ok(match (found, column.kind) {
        (ValueRef::Null, _) => Value::Null,
        (ValueRef::Integer(number), Kind::Int | Kind::Small | Kind::Bool) => Value::Int(number),
        (ValueRef::Integer(at), Kind::Time) => Value::Time(at),
        (ValueRef::Real(number), Kind::Real) => Value::Real(number),
        (ValueRef::Integer(number), Kind::Real) => Value::Real(number as f64),
        (ValueRef::Text(_), Kind::Text) => Value::Text(row.get(index)?),
        (ValueRef::Text(_), Kind::Json) => Value::Json(row.get(index)?),
        (ValueRef::Blob(bytes), Kind::Bytes) => Value::Bytes(bytes.to_vec()),
        _ => {
            return Err(Error::InvalidColumnType(
                index,
                column.name.to_owned(),
                found.data_type(),
            ));
        }
    })
}

/// Adds rows, and keeps how far the move came.
pub(super) fn put(connection: &Connection, table: &Table, records: &[Record], unfinished: Option<&str>) -> Result<()> {
    let places: Vec<String> = (1..=table.columns.len()).map(|place| format!("?{place}")).collect();
    let verb = if table.is_settings() {
        "INSERT OR REPLACE"
    } else {
        "INSERT"
    };
    let insert = format!(
        "{verb} INTO {} ({}) VALUES ({})",
        table.name,
        table.column_names(),
        places.join(", ")
    );
    let mut insert = connection.prepare_cached(&insert)?;
    for record in records {
        insert.execute(params_from_iter(record))?;
    }
    match unfinished {
        Some(mark) => connection.execute(crate::queries::UPSERT_SETTING, [UNFINISHED_SETTING, mark])?,
        None => connection.execute(crate::queries::DELETE_SETTING, [UNFINISHED_SETTING])?,
    };
    Ok(())
}

impl ToSql for Value {
    fn to_sql(&self) -> Result<ToSqlOutput<'_>> {
        let value = match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) | Self::Time(number) => ValueRef::Integer(*number),
            Self::Real(number) => ValueRef::Real(*number),
            Self::Text(text) | Self::Json(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        };
        Ok(ToSqlOutput::Borrowed(value))
    }
}
