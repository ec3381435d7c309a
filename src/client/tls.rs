//! Whom the client trusts on https and wss: the system's authorities, or the one that was named instead.

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// The file of the authority that the command line names. There is one command line.
static AUTHORITY: OnceLock<PathBuf> = OnceLock::new();
/// Read once: all clients of a process trust the same.
static CONFIG: OnceLock<Result<Arc<ClientConfig>, String>> = OnceLock::new();

/// Trusts the authorities in this PEM file in place of the system's. Counts before the first client alone.
pub fn trust(file: PathBuf) {
    let _ = AUTHORITY.set(file);
}

/// TLS as a client.
///
/// # Errors
/// Why there is nobody to trust, for people.
pub(super) fn config() -> Result<Arc<ClientConfig>, String> {
    CONFIG.get_or_init(read).clone()
}

fn read() -> Result<Arc<ClientConfig>, String> {
    let roots = match AUTHORITY.get() {
        Some(file) => named(file)?,
        None => system()?,
    };
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions();
    let builder = builder.map_err(|cause| cause.to_string())?;
    Ok(Arc::new(builder.with_root_certificates(roots).with_no_client_auth()))
}

fn named(file: &Path) -> Result<RootCertStore, String> {
    let wrong = |cause: String| format!("the authority in {} cannot be used: {cause}", file.display());
    let bytes = std::fs::read(file).map_err(|cause| wrong(cause.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bytes) {
        let certificate = certificate.map_err(|cause| wrong(cause.to_string()))?;
        roots.add(certificate).map_err(|cause| wrong(cause.to_string()))?;
    }
    if roots.is_empty() {
        return Err(wrong("it holds no certificate in PEM".into()));
    }
    Ok(roots)
}

fn system() -> Result<RootCertStore, String> {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err("this system has no certificate authorities; name one with --ca FILE".into());
    }
    Ok(roots)
}
