//! A certificate with its key, as two PEM files have it: whether they can be used, and until when.

use crate::config::ConfigError;
use homeroom_schema::TimeMs;
use homeroom_schema::limits::{TLS_FILE_BYTES_MAX, TLS_WARN_BEFORE};
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// What is said of either file when it cannot be used.
const CERTIFICATE: &str = "tls_cert";
const KEY: &str = "tls_key";

/// A certificate that connections can be offered.
#[derive(Debug)]
pub(super) struct Certificate {
    pub(super) key: Arc<CertifiedKey>,
    // Seconds since 1970.
    not_before: i64,
    not_after: i64,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// What is wrong with which, in words for whoever put them there.
    pub(super) fn read(certificate: &Path, key: &Path) -> Result<Self, ConfigError> {
        let chain = CertificateDer::pem_slice_iter(&bytes(CERTIFICATE, certificate)?).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(|cause| wrong(CERTIFICATE, certificate, &format!("is no PEM file ({cause})")))?;
        let Some(leaf) = chain.first() else {
            let what = "holds no certificate; it begins with -----BEGIN CERTIFICATE-----, the node's own first";
            return Err(wrong(CERTIFICATE, certificate, what));
        };
        let (not_before, not_after) = validity(leaf).ok_or_else(|| {
            let what = "holds something that is no X.509 certificate";
            wrong(CERTIFICATE, certificate, what)
        })?;
        let private = PrivateKeyDer::from_pem_slice(&bytes(KEY, key)?).map_err(|_| {
            let what = "holds no private key without a passphrase; it begins with -----BEGIN PRIVATE KEY-----";
            wrong(KEY, key, what)
        })?;
        let signing = any_supported_type(&private).map_err(|_| {
            wrong(
                KEY,
                key,
                "holds a key of a kind that is not supported; use ECDSA, Ed25519 or RSA",
            )
        })?;
        let certified = CertifiedKey::new(chain, signing);
        if certified.keys_match().is_err() {
            let what = format!("is not the key of the certificate in {}", certificate.display());
            return Err(wrong(KEY, key, &what));
        }
        Ok(Self {
            key: Arc::new(certified),
            not_before,
            not_after,
        })
    }

    /// Seconds until it ends; negative when it has.
    pub(super) const fn seconds_left(&self, now: TimeMs) -> f64 {
        (self.not_after - now.0.div_euclid(1_000)) as f64
    }

    /// When it ends, for the log.
    pub(super) fn ends(&self) -> String {
        at(self.not_after)
    }

    /// What devices do not like about it now, or soon will not.
    pub(super) fn trouble(&self, now: TimeMs) -> Option<String> {
        let now = now.0.div_euclid(1_000);
        let warn_before = i64::try_from(TLS_WARN_BEFORE.as_secs()).unwrap_or(i64::MAX);
        if now < self.not_before {
            let begins = at(self.not_before);
            return Some(format!(
                "is not valid before {begins}: devices refuse it, or the clock of this machine is wrong"
            ));
        }
        if now >= self.not_after {
            return Some(format!("expired on {}: devices refuse it or warn", self.ends()));
        }
        let left = self.not_after - now;
        (left < warn_before).then(|| format!("expires in {} days, on {}", left / 86_400, self.ends()))
    }
}

/// From when until when, in seconds since 1970.
fn validity(certificate: &CertificateDer<'_>) -> Option<(i64, i64)> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let validity = parsed.validity();
    Some((validity.not_before.timestamp(), validity.not_after.timestamp()))
}

fn bytes(setting: &'static str, file: &Path) -> Result<Vec<u8>, ConfigError> {
    let read = || {
        let mut bytes = Vec::new();
        let file = std::fs::File::open(file)?;
        file.take(TLS_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(|cause: std::io::Error| wrong(setting, file, &format!("cannot be read: {cause}")))
}

fn wrong(setting: &'static str, file: &Path, what: &str) -> ConfigError {
    ConfigError {
        setting,
        problem: format!("{} {what}", file.display()),
    }
}

fn at(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map_or_else(|_| "a day beyond the calendar".into(), |at| at.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};
    use tempfile::TempDir;

    const DAY_MS: i64 = 86_400_000;

    /// A certificate of the year 2026 and its key, as files.
    fn files() -> (TempDir, std::path::PathBuf, std::path::PathBuf) {
        let mut params = CertificateParams::new(["node".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2026, 1, 1);
        params.not_after = date_time_ymd(2027, 1, 1);
        let key = KeyPair::generate().unwrap();
        let directory = tempfile::tempdir().unwrap();
        let (certificate_file, key_file) = (directory.path().join("c.pem"), directory.path().join("k.pem"));
        std::fs::write(&certificate_file, params.self_signed(&key).unwrap().pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        (directory, certificate_file, key_file)
    }

    #[test]
    fn what_devices_will_not_like_is_said_in_time() {
        let (_directory, certificate, key) = files();
        let certificate = Certificate::read(&certificate, &key).unwrap();
        // 2026-01-01 and 2027-01-01.
        let (begins, ends) = (1_767_225_600_000, 1_798_761_600_000);
        for (now, said) in [
            (begins - 1_000, "not valid before 2026-01-01"),
            (begins, ""),
            (ends - 15 * DAY_MS, ""),
            (ends - 10 * DAY_MS - 1_000, "expires in 10 days, on 2027-01-01"),
            (ends, "expired on 2027-01-01"),
        ] {
            let trouble = certificate.trouble(TimeMs(now)).unwrap_or_default();
            assert!(
                trouble.contains(said) && trouble.is_empty() == said.is_empty(),
                "{now}: {trouble}"
            );
        }
        assert_eq!(certificate.seconds_left(TimeMs(ends - 5_000)), 5.0);
    }

    #[test]
    fn files_that_cannot_be_used_are_named_with_what_is_wrong() {
        let (directory, certificate, key) = files();
        let (_other, _, other_key) = files();
        let absent = directory.path().join("absent");
        let junk = directory.path().join("junk");
        std::fs::write(&junk, "no PEM at all").unwrap();
        for (certificate, key, setting, said) in [
            (&absent, &key, "tls_cert", "cannot be read"),
            (&certificate, &absent, "tls_key", "cannot be read"),
            (&junk, &key, "tls_cert", "no certificate"),
            (&key, &key, "tls_cert", "no certificate"),
            (&certificate, &junk, "tls_key", "no private key"),
            (&certificate, &certificate, "tls_key", "no private key"),
            (&certificate, &other_key, "tls_key", "is not the key of the certificate"),
        ] {
            let error = Certificate::read(certificate, key).unwrap_err();
            assert_eq!(error.setting, setting, "{error}");
            assert!(error.problem.contains(said), "{error}");
        }
    }
}
