//! TLS of the node: a certificate and its key from files, looked at again when they change. No connections here.

mod certificate;

use crate::config::{Config, ConfigError};
use arc_swap::ArcSwap;
use certificate::Certificate;
use homeroom_actors::Clock;
use homeroom_schema::TimeMs;
use homeroom_schema::limits::TLS_LOOK_EVERY;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

/// How often a certificate that ends soon, or has ended, is spoken of.
const SAY_AGAIN: Duration = Duration::from_secs(24 * 60 * 60);
/// Live sockets are upgrades of HTTP/1.1.
const ALPN: &[u8] = b"http/1.1";

/// The node's side of TLS. A clone is another handle to the same one.
#[derive(Clone)]
pub(crate) struct Tls {
    files: Arc<Files>,
    present: Arc<Present>,
    acceptor: TlsAcceptor,
}

#[derive(Debug)]
struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

/// When a file was written, and how long it is: another one is another file.
type Stamp = Option<(SystemTime, u64)>;

/// The certificate that new connections get.
#[derive(Debug)]
struct Present(ArcSwap<Certificate>);

impl ResolvesServerCert for Present {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.load().key))
    }
}

impl Tls {
    /// The TLS that the settings ask for, if they do.
    ///
    /// # Errors
    /// A file that cannot be read or used, by the name of its setting. A certificate that has ended, or has not begun, is no
    /// error: the node starts and says so, since a school without its node is worse off than with a warning.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, ConfigError> {
        let (Some(certificate), Some(key)) = (&config.tls_cert, &config.tls_key) else {
            return Ok(None);
        };
        let files = Files {
            certificate: certificate.clone(),
            key: key.clone(),
        };
        let present = Arc::new(Present(ArcSwap::from_pointee(files.read()?)));
        let provider = Arc::new(ring::default_provider());
        let versions = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let versions = versions.map_err(|cause| ConfigError {
            setting: "tls_cert",
            problem: cause.to_string(),
        })?;
        let resolver = Arc::clone(&present) as Arc<dyn ResolvesServerCert>;
        let mut server = versions.with_no_client_auth().with_cert_resolver(resolver);
        server.alpn_protocols = vec![ALPN.to_vec()];
        Ok(Some(Self {
            files: Arc::new(files),
            present,
            acceptor: TlsAcceptor::from(Arc::new(server)),
        }))
    }

    /// What shakes hands on a connection.
    pub(crate) const fn acceptor(&self) -> &TlsAcceptor {
        &self.acceptor
    }

    /// Looks at the files every [`TLS_LOOK_EVERY`] and at SIGHUP, takes a new certificate for the connections that come, and
    /// says in the log and in the metrics when it ends. Never returns.
    pub(crate) async fn keep_fresh(self, clock: Arc<dyn Clock>) -> std::convert::Infallible {
        let mut hangup = signal(SignalKind::hangup()).ok();
        let mut stamps = self.files.stamps();
        let mut said_at = None;
        loop {
            self.tell(clock.now(), &mut said_at);
            let asked = async {
                match &mut hangup {
                    Some(hangup) => drop(hangup.recv().await),
                    None => std::future::pending().await,
                }
            };
            let is_asked = tokio::time::timeout(TLS_LOOK_EVERY, asked).await.is_ok();
            let now = self.files.stamps();
            if is_asked || now != stamps {
                stamps = now;
                if self.read_anew() {
                    said_at = None;
                }
            }
        }
    }

    fn read_anew(&self) -> bool {
        let read = self.files.read();
        let outcome = if read.is_ok() { "taken" } else { "refused" };
        metrics::counter!("homeroom_tls_reloads_total", "outcome" => outcome).increment(1);
        match read {
            Ok(certificate) => {
                tracing::info!(ends = %certificate.ends(), "a new certificate was taken");
                self.present.0.store(Arc::new(certificate));
                true
            }
            Err(error) => {
                tracing::warn!(%error, "the new certificate cannot be used; the one before stays");
                false
            }
        }
    }

    fn tell(&self, now: TimeMs, said_at: &mut Option<Instant>) {
        let certificate = self.present.0.load();
        metrics::gauge!("homeroom_tls_certificate_expires_seconds").set(certificate.seconds_left(now));
        if said_at.is_some_and(|at| at.elapsed() < SAY_AGAIN) {
            return;
        }
        if let Some(trouble) = certificate.trouble(now) {
            *said_at = Some(Instant::now());
            let file = self.files.certificate.display();
            tracing::warn!(
                "the certificate in {file} {trouble}; put a new one in its place, it is taken without a restart"
            );
        }
    }
}

impl Files {
    fn read(&self) -> Result<Certificate, ConfigError> {
        Certificate::read(&self.certificate, &self.key)
    }

    fn stamps(&self) -> [Stamp; 2] {
        [&self.certificate, &self.key].map(|file| {
            let metadata = std::fs::metadata(file).ok()?;
            Some((metadata.modified().ok()?, metadata.len()))
        })
    }
}
