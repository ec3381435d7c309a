//! The contract of stores, on SQLite with real files and in memory.
#![expect(clippy::unwrap_used, reason = "a failure here is the failure of the test")]

use async_trait::async_trait;
use homeroom_schema::contract::Engine;
use homeroom_schema::{Durability, MemoryStore, SqliteOptions, SqliteStore, Store};
use parking_lot::Mutex;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;

/// SQLite in a directory of its own.
struct Sqlite {
    directory: TempDir,
    stores: Mutex<u32>,
}

impl Sqlite {
    fn new() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            stores: Mutex::new(0),
        }
    }

    fn open(directory: &Path) -> Arc<dyn Store> {
        let options = SqliteOptions {
            directory: directory.to_owned(),
            durability: Durability::Full,
            readers: 2,
        };
        Arc::new(SqliteStore::open(options).unwrap())
    }
}

#[async_trait]
impl Engine for Sqlite {
    async fn fresh(&self) -> Arc<dyn Store> {
        *self.stores.lock() += 1;
        assert_eq!(
            *self.stores.lock(),
            1,
            "one store a fact: reopening needs to know which directory"
        );
        Self::open(self.directory.path())
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.close().await.unwrap();
        assert_eq!(
            Arc::strong_count(&store),
            1,
            "the lock of the directory is free only after the last owner"
        );
        drop(store);
        Self::open(self.directory.path())
    }
}

/// SQLite that is never closed in order: as after kill -9.
struct Killed(Sqlite);

#[async_trait]
impl Engine for Killed {
    async fn fresh(&self) -> Arc<dyn Store> {
        self.0.fresh().await
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        assert_eq!(Arc::strong_count(&store), 1);
        drop(store);
        Sqlite::open(self.0.directory.path())
    }
}

/// The memory store.
struct Memory(Mutex<Option<MemoryStore>>);

#[async_trait]
impl Engine for Memory {
    async fn fresh(&self) -> Arc<dyn Store> {
        let store = MemoryStore::new();
        *self.0.lock() = Some(store.clone());
        Arc::new(store)
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.close().await.unwrap();
        let again = self.0.lock().take().unwrap().fork();
        *self.0.lock() = Some(again.clone());
        Arc::new(again)
    }
}

mod sqlite {
    homeroom_schema::store_contract!(super::Sqlite::new());
}

mod sqlite_after_a_kill {
    homeroom_schema::store_contract!(super::Killed(super::Sqlite::new()));
}

mod memory {
    homeroom_schema::store_contract!(super::Memory(parking_lot::Mutex::new(None)));
}
