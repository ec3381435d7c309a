//! The contract of stores on a real PostgreSQL server. Without one on this machine each test says that it was left out.

use async_trait::async_trait;
use homeroom_schema::contract::{self, Engine};
use homeroom_schema::{PostgresOptions, PostgresStore, Store};
use homeroom_servers::Postgres;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

/// Each store has a database of its own.
struct Server {
    postgres: &'static Postgres,
    urls: Mutex<HashMap<usize, String>>,
}

impl Server {
    async fn open(&self, url: String) -> Arc<dyn Store> {
        let store = PostgresStore::connect(PostgresOptions::new(url.clone())).await;
        let store: Arc<dyn Store> = Arc::new(store.expect("a database that was just made"));
        self.urls.lock().insert(Arc::as_ptr(&store).addr(), url);
        store
    }
}

#[async_trait]
impl Engine for Server {
    async fn fresh(&self) -> Arc<dyn Store> {
        self.open(self.postgres.database()).await
    }

    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        store.close().await.expect("a store that closes");
        let url = self.urls.lock().remove(&Arc::as_ptr(&store).addr());
        self.open(url.expect("a store of this engine")).await
    }
}

/// Runs each fact of the contract on the server, if there is one.
macro_rules! facts {
    ($($fact:ident),* $(,)?) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $fact() {
            if let Some(postgres) = Postgres::shared(stringify!($fact)) {
                contract::$fact(&Server { postgres, urls: Mutex::default() }).await;
            }
        }
    )*};
}

homeroom_schema::facts_of_the_contract!(facts);
