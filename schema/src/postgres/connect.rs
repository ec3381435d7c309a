//! From an address to connections: what the URL says, TLS, and the pools. No statements but the probe of a new connection.

use super::errors::Trouble;
use crate::limits::{
    DATABASE_CONNECT_DEADLINE, DATABASE_READERS_MAX, DATABASE_STATEMENT_TIMEOUT, DATABASE_WAIT_FOR_CONNECTION,
};
use crate::store::StoreError;
use deadpool_postgres::{ClientWrapper, Manager, ManagerConfig, Pool, PoolError, RecyclingMethod, Runtime};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::error::Error as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres_rustls::MakeRustlsConnect;
use url::Url;

/// Which database, and how to use it.
#[derive(Clone)]
pub struct PostgresOptions {
    url: String,
    statement_timeout: Duration,
}

impl PostgresOptions {
    /// The database at `url`: `postgres://USER:PASSWORD@HOST:PORT/NAME`, with what `libpq` knows behind a `?`, among it
    /// `sslmode` and `sslrootcert` (a file of certificates, PEM). Connections are encrypted and the server's certificate is
    /// verified, but to this machine itself and with `sslmode=disable`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            statement_timeout: DATABASE_STATEMENT_TIMEOUT,
        }
    }

    /// How long one statement may take, at least a millisecond; [`DATABASE_STATEMENT_TIMEOUT`] unless set. Beyond it the
    /// server gives the statement up, and nothing of it is kept.
    #[must_use]
    pub fn statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout.max(Duration::from_millis(1));
        self
    }
}

impl fmt::Debug for PostgresOptions {
    /// Without the address: it may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("statement_timeout", &self.statement_timeout)
            .finish_non_exhaustive()
    }
}

/// A connection of a pool.
pub(super) type Connection = deadpool_postgres::Object;

/// Connections to one database: one that writes, some that read.
#[derive(Debug)]
pub(super) struct Connections {
    writing: Pool,
    reading: Pool,
}

impl Connections {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, StoreError> {
        let PostgresOptions { url, statement_timeout } = options;
        let (mut config, roots) = parse(url).map_err(|cause| StoreError::Fatal { cause })?;
        let set = format!("-c statement_timeout={}", statement_timeout.as_millis());
        let set = config
            .get_options()
            .map_or_else(|| set.clone(), |given| format!("{set} {given}"));
        config.options(set);
        let tls = tls(roots.as_deref().map(Path::new))?;
        let pool = |size: u32| {
            let recycling_method = RecyclingMethod::Fast;
            let manager = Manager::from_config(config.clone(), tls.clone(), ManagerConfig { recycling_method });
            Pool::builder(manager)
                .max_size(size as usize)
                .runtime(Runtime::Tokio1)
                .create_timeout(Some(DATABASE_CONNECT_DEADLINE))
                .recycle_timeout(Some(DATABASE_CONNECT_DEADLINE))
                .wait_timeout(Some(DATABASE_WAIT_FOR_CONNECTION))
                .build()
                .map_err(|error| StoreError::Fatal {
                    cause: error.to_string(),
                })
        };
        Ok(Self {
            writing: pool(1)?,
            reading: pool(DATABASE_READERS_MAX)?,
        })
    }

    /// A new connection that writes.
    pub(super) async fn writing(&self) -> Result<ClientWrapper, Trouble> {
        // Taken out of its pool for good: it may be given up in the middle of a transaction.
        self.writing.get().await.map(Connection::take).map_err(unreachable)
    }

    /// A connection that reads.
    pub(super) async fn reading(&self) -> Result<Connection, StoreError> {
        self.reading.get().await.map_err(|error| unreachable(error).sort())
    }

    /// Refuses new reads and writes, and closes what is not used.
    pub(super) fn close(&self) {
        self.writing.close();
        self.reading.close();
    }
}

/// Whether a read that failed is tried again: once, where its connection had died since it was used last.
#[derive(Debug, Default)]
pub(super) struct Tries {
    is_second: bool,
}

impl Tries {
    /// # Errors
    /// When it is not.
    pub(super) fn again(&mut self, connection: Connection, trouble: &Trouble) -> Result<(), StoreError> {
        if trouble.is_lost() {
            drop(Connection::take(connection));
            if !std::mem::replace(&mut self.is_second, true) {
                return Ok(());
            }
        }
        Err(trouble.sort())
    }
}

fn unreachable(error: PoolError) -> Trouble {
    match error {
        PoolError::Backend(error) => Trouble::Database(error),
        PoolError::Closed => Trouble::Unreachable("the store is closed".to_owned()),
        PoolError::Timeout(_) => Trouble::Unreachable("no connection to the database in time".to_owned()),
        other => Trouble::Unreachable(other.to_string()),
    }
}

/// What keeps a first connection from being made: what cannot become better by waiting is fatal.
pub(super) fn for_people(trouble: &Trouble) -> StoreError {
    let cause = trouble.cause();
    let Trouble::Database(error) = trouble else {
        return trouble.sort();
    };
    match error.code() {
        Some(code) if code.code().starts_with("28") => StoreError::Fatal {
            cause: format!(
                "the database does not let this user in ({cause}); look at the user and the password in the URL"
            ),
        },
        Some(code) if *code == SqlState::UNDEFINED_DATABASE => StoreError::Fatal {
            cause: format!(
                "there is no such database ({cause}); make it with createdb, or look at the name in the URL"
            ),
        },
        Some(_) => trouble.sort(),
        None if is_of_tls(error) => StoreError::Fatal {
            cause: format!(
                "no encrypted connection to the database ({cause}); give its certificate with sslrootcert, or turn \
                 encryption off with sslmode=disable"
            ),
        },
        None if is_of_settings(error) => StoreError::Fatal { cause },
        None => trouble.sort(),
    }
}

/// Whether hands could not be shaken, for another reason than that somebody hung up.
fn is_of_tls(error: &tokio_postgres::Error) -> bool {
    let hung_up = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| {
            matches!(
                error.kind(),
                io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof
            )
        });
    error.to_string().starts_with("error performing TLS") && !hung_up
}

/// Whether the URL asks for what is not there: a password that is missing, a method that is unknown.
fn is_of_settings(error: &tokio_postgres::Error) -> bool {
    let text = error.to_string();
    text.starts_with("invalid configuration") || text.starts_with("authentication error")
}

/// What a URL says, and the file of root certificates if it names one. Errors never repeat it: it may hold a password.
fn parse(url: &str) -> Result<(Config, Option<String>), String> {
    let wrong = |cause: String| format!("the database URL cannot be used: {cause}");
    let mut parsed = Url::parse(url).map_err(|error| wrong(error.to_string()))?;
    if !["postgres", "postgresql"].contains(&parsed.scheme()) {
        return Err(wrong("it does not begin with postgres://".to_owned()));
    }
    let (mut mode, mut roots, mut rest) = (None, None, Vec::new());
    for (name, value) in parsed.query_pairs() {
        match &*name {
            "sslmode" => mode = Some(value.into_owned()),
            "sslrootcert" => roots = Some(value.into_owned()),
            _ => rest.push((name.into_owned(), value.into_owned())),
        }
    }
    parsed.set_query(None);
    if !rest.is_empty() {
        // In percent signs alone: the library reads a plus as a plus.
        let pairs = rest.iter().map(|(name, value)| format!("{name}={}", encoded(value)));
        parsed.set_query(Some(&pairs.collect::<Vec<_>>().join("&")));
    }
    let mut config: Config = parsed.as_str().parse().map_err(|error: tokio_postgres::Error| {
        wrong(error.into_source().map_or_else(
            || "it has no form that is known".to_owned(),
            |source| source.to_string(),
        ))
    })?;
    if config.get_hosts().is_empty() {
        return Err(wrong("it names no host".to_owned()));
    }
    let is_local = config.get_hosts().iter().all(is_this_machine);
    config.ssl_mode(match mode.as_deref() {
        Some("disable") => SslMode::Disable,
        None if is_local => SslMode::Disable,
        None | Some("prefer" | "require" | "verify-ca" | "verify-full") => SslMode::Require,
        Some(other) => {
            return Err(wrong(format!(
                "sslmode is {other}, which is none of disable, require, verify-full"
            )));
        }
    });
    config.connect_timeout(DATABASE_CONNECT_DEADLINE);
    config.tcp_user_timeout(DATABASE_WAIT_FOR_CONNECTION);
    if config.get_application_name().is_none() {
        config.application_name("homeroom");
    }
    Ok((config, roots))
}

fn encoded(value: &str) -> String {
    url::form_urlencoded::byte_serialize(value.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

fn is_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse()
                    .is_ok_and(|address: std::net::IpAddr| address.is_loopback())
        }
        Host::Unix(_) => true,
    }
}

fn tls(roots: Option<&Path>) -> Result<MakeRustlsConnect, StoreError> {
    let fatal = |cause: String| StoreError::Fatal { cause };
    let mut store = RootCertStore::empty();
    match roots {
        None => {
            store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        Some(file) => {
            let wrong = |cause: &dyn fmt::Display| fatal(format!("sslrootcert {}: {cause}", file.display()));
            for certificate in CertificateDer::pem_file_iter(file).map_err(|error| wrong(&error))? {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                store.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| fatal(error.to_string()))?
        .with_root_certificates(store)
        .with_no_client_auth();
    Ok(MakeRustlsConnect::new(config))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str) -> SslMode {
        parse(url).unwrap().0.get_ssl_mode()
    }

    #[test]
    fn connections_are_encrypted_but_to_this_machine_or_when_told_otherwise() {
        assert_eq!(mode("postgres://me@localhost/school"), SslMode::Disable);
        assert_eq!(mode("postgresql://me@127.0.0.1:5433/school"), SslMode::Disable);
        assert_eq!(mode("postgres://me@localhost/school?sslmode=require"), SslMode::Require);
        assert_eq!(mode("postgres://me@db.school.example/school"), SslMode::Require);
        assert_eq!(
            mode("postgres://me@db.school.example/school?sslmode=prefer"),
            SslMode::Require
        );
        assert_eq!(
            mode("postgres://me@db.school.example/school?sslmode=disable"),
            SslMode::Disable
        );
        let (config, roots) = parse("postgres://me:p%40ss@db/school?sslrootcert=%2Fca.pem&options=-c%20a%3Db").unwrap();
        assert_eq!(
            (config.get_password(), roots.as_deref()),
            (Some(&b"p@ss"[..]), Some("/ca.pem"))
        );
        assert_eq!(config.get_options(), Some("-c a=b"));
    }

    #[test]
    fn a_url_that_cannot_be_used_is_told_without_its_password() {
        for url in [
            "postgres://me:secret@/school",
            "postgres://me:secret@host:99999/school",
            "postgres://me:secret@host/school?sslmode=maybe",
            "postgres://me:secret@host/school?colour=red",
            "mysql://me:secret@host/school",
        ] {
            let error = parse(url).unwrap_err();
            assert!(
                error.starts_with("the database URL") && !error.contains("secret"),
                "{error}"
            );
        }
    }
}
