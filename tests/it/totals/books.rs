//! The books: the files as text in SQLite, and the rules of the data's readme over them as SQL.

use super::data;
use homeroom::replay::plan::Shape;
use rusqlite::types::FromSql;
use rusqlite::{Connection, Params, params_from_iter};
use std::path::Path;

/// What the files come to.
pub struct Books(Connection);

impl Books {
    /// Reads the files of a directory.
    pub fn open(directory: &Path, shape: Shape) -> Self {
        let books = Self(Connection::open_in_memory().unwrap());
        match shape {
            Shape::Moodle => {
                let columns =
                    "time, run, actor_id, affected_id, module_id, group_id, grade_item_id, component, event, context";
                books.load(directory, "log", columns);
                books.0.execute_batch(include_str!("moodle.sql")).unwrap();
            }
            Shape::Oulad => {
                books.load(
                    directory,
                    "courses",
                    "code_module, code_presentation, module_presentation_length",
                );
                books.load(
                    directory,
                    "assessments",
                    "code_module, code_presentation, id_assessment, assessment_type",
                );
                let columns = "code_module, code_presentation, id_student, date_registration";
                books.load(directory, "registrations", columns);
                let columns = "id_assessment, id_student, date_submitted, is_banked, score";
                books.load(directory, "submissions", columns);
                books.0.execute_batch(include_str!("oulad.sql")).unwrap();
            }
        }
        books.0.execute_batch(include_str!("totals.sql")).unwrap();
        books
    }

    /// Loads every file that has these columns, as text with file and row.
    fn load(&self, directory: &Path, table: &str, columns: &str) {
        let definition = format!("CREATE TABLE {table} (file TEXT, row INTEGER, {columns})");
        self.0.execute_batch(&definition).unwrap();
        let wanted: Vec<&str> = columns.split(", ").collect();
        let marks = vec!["?"; wanted.len() + 2].join(", ");
        let mut insert = self
            .0
            .prepare(&format!("INSERT INTO {table} VALUES ({marks})"))
            .unwrap();
        self.0.execute_batch("BEGIN").unwrap();
        for file in data::csv_files(directory) {
            let (header, rows) = data::read(&file);
            let place = |name: &&str| header.iter().position(|column| column == *name);
            let Some(places) = wanted.iter().map(place).collect::<Option<Vec<_>>>() else {
                continue;
            };
            for (number, row) in rows.iter().enumerate() {
                let mut values = vec![data::name_of(&file), number.to_string()];
                values.extend(places.iter().map(|place| row[*place].clone()));
                insert.execute(params_from_iter(values)).unwrap();
            }
        }
        self.0.execute_batch("COMMIT").unwrap();
    }

    /// Rows of a query.
    pub fn rows<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: impl FnMut(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    ) -> Vec<T> {
        let mut query = self.0.prepare(sql).unwrap();
        query.query_map(params, read).unwrap().map(Result::unwrap).collect()
    }

    /// The first column of a query.
    pub fn column<T: FromSql>(&self, sql: &str, params: impl Params) -> Vec<T> {
        self.rows(sql, params, |row| row.get(0))
    }

    /// One number.
    pub fn number(&self, sql: &str, params: impl Params) -> i64 {
        self.column(sql, params)[0]
    }
}
