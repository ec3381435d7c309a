//! Certificates of the tests' own: each is its own authority.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use std::path::{Path, PathBuf};

/// A certificate for localhost and 127.0.0.1 with its key, as texts.
pub struct Certificate {
    /// The certificate, PEM.
    pub certificate: String,
    /// Its key, PEM.
    pub key: String,
}

impl Certificate {
    /// Valid from long ago to far ahead.
    pub fn good() -> Self {
        Self::between(2020, 2090)
    }

    /// Valid from the first day of one year to that of another.
    pub fn between(from_year: i32, to_year: i32) -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let mut params = CertificateParams::new(names).expect("names");
        params.not_before = date_time_ymd(from_year, 1, 1);
        params.not_after = date_time_ymd(to_year, 1, 1);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        Self {
            certificate: certificate.pem(),
            key: key.serialize_pem(),
        }
    }

    /// Puts both into a directory, in place of what is there.
    pub fn write(&self, directory: &Path) -> (PathBuf, PathBuf) {
        let files = (directory.join("node.crt"), directory.join("node.key"));
        // The certificate last and by a rename: so the two fit whenever they are looked at.
        std::fs::write(&files.1, &self.key).expect("a file");
        let fresh = directory.join("fresh");
        std::fs::write(&fresh, &self.certificate).expect("a file");
        std::fs::rename(fresh, &files.0).expect("a file");
        files
    }

    /// An HTTP client that trusts this certificate and no other.
    pub fn client(&self) -> reqwest::Client {
        let root = reqwest::Certificate::from_pem(self.certificate.as_bytes()).expect("a certificate");
        let builder = reqwest::Client::builder().timeout(super::DEADLINE).no_proxy();
        builder.add_root_certificate(root).build().expect("a client")
    }
}
