//! Opens what is kept: the file in the data directory, or a database server; waits for a server that is not there yet.

use crate::config::{Config, Durability};
use homeroom_actors::verify::verify;
use homeroom_schema::limits::{DATABASE_START_WAIT, READERS_MAX};
use homeroom_schema::sqlite::{DatabaseFile, SqliteOptions};
use homeroom_schema::transfer::UNFINISHED_SETTING;
use homeroom_schema::{PostgresOptions, PostgresStore, SqliteStore, Store, StoreError};
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// Opens the store that the settings name, however long its server takes to come.
///
/// # Errors
/// [`StoreError`] when waiting would not help.
pub(crate) async fn open(config: &Config) -> Result<Arc<dyn Store>, StoreError> {
    let store: Arc<dyn Store> = match &config.database_url {
        Some(url) => {
            make_directory(&config.data)?;
            Arc::new(wait_for(url).await?)
        }
        None => Arc::new(open_file(config).await?),
    };
    if store.setting(UNFINISHED_SETTING).await?.is_some() {
        return Err(StoreError::Fatal {
            cause: "it holds part of a copy; give `homeroom store copy` again, which goes on where it stopped"
                .to_owned(),
        });
    }
    Ok(store)
}

async fn wait_for(url: &str) -> Result<PostgresStore, StoreError> {
    let (mut wait, mut told) = (DATABASE_START_WAIT / 10, None);
    loop {
        let cause = match PostgresStore::connect(PostgresOptions::new(url)).await {
            Err(StoreError::Unavailable { cause } | StoreError::Unknown { cause }) => cause,
            opened => return opened,
        };
        // Each reason once, not at every try.
        if told.as_ref() != Some(&cause) {
            tracing::warn!("waiting for the database: {cause}");
            told = Some(cause);
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(DATABASE_START_WAIT);
    }
}

/// The admin token and the list of erased people lie beside a database server too.
fn make_directory(directory: &Path) -> Result<(), StoreError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(directory);
    made.map_err(|cause| StoreError::Fatal {
        cause: format!("the data directory {} cannot be made: {cause}", directory.display()),
    })
}

async fn open_file(config: &Config) -> Result<SqliteStore, StoreError> {
    let options = SqliteOptions {
        directory: config.data.clone(),
        durability: match config.durability {
            Durability::Full => homeroom_schema::Durability::Full,
            Durability::Process => homeroom_schema::Durability::Process,
        },
        readers: READERS_MAX,
    };
    let opened = tokio::task::spawn_blocking(move || {
        let store = SqliteStore::open(options)?;
        look_over(&store)?;
        Ok(store)
    });
    opened.await.unwrap_or_else(|cause| {
        Err(StoreError::Fatal {
            cause: format!("the database could not be opened: {cause}"),
        })
    })
}

/// A file that somebody else has touched is believed only when all of it agrees: a flipped bit must not become a total.
fn look_over(store: &SqliteStore) -> Result<(), StoreError> {
    if !store.was_changed() {
        return Ok(());
    }
    tracing::warn!("the database was changed while no node was running: looking it over");
    let findings = verify(&DatabaseFile::open(store.file())?, |_, _| ())?;
    match findings.named.first() {
        None => Ok(()),
        Some(first) => Err(StoreError::Fatal {
            cause: format!(
                "the database was changed while no node was running, and contradicts itself ({first}; {} in all). \
                 Restore a backup with `homeroom restore`",
                findings.contradictions
            ),
        }),
    }
}
