//! Files that are there whole or not at all: written aside, synced, renamed, and the directory synced. No database here.

use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// Bytes that are read or copied at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// Writes a small file for its owner alone: afterwards it is there whole, or (on an error) as it was.
///
/// # Errors
/// When the system refuses any step.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let aside = aside(path);
    let mut file = create_private(&aside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(&aside, path)
}

/// Renames a file that was synced already, and syncs the directories, so that power may fail right after it.
///
/// # Errors
/// When the system refuses it.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    if from.parent() != to.parent() {
        sync_directory_of(from)?;
    }
    sync_directory_of(to)
}

/// Where a file is written before it gets its name.
#[must_use]
pub fn aside(path: &Path) -> PathBuf {
    with_ending(path, ".part")
}

/// The file with the checksum of another one.
#[must_use]
pub fn checksum_file(path: &Path) -> PathBuf {
    with_ending(path, ".sha256")
}

/// The checksum of a file as a line that `sha256sum --check` reads.
#[must_use]
pub fn checksum_line(path: &Path, sha256: &str) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!("{sha256}  {name}\n")
}

/// The checksum beside a file, if there is one that can be read.
#[must_use]
pub fn checksum_beside(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = File::open(checksum_file(path)).ok()?;
    file.take(1_024).read_to_string(&mut text).ok()?;
    let sha256 = text.split_whitespace().next()?;
    (sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())).then(|| sha256.to_ascii_lowercase())
}

/// SHA-256 of a file in hexadecimal; `show` is told the bytes read so far.
///
/// # Errors
/// When it cannot be read.
pub fn sha256_of(path: &Path, mut show: impl FnMut(u64)) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut done = 0;
    read_chunks(&mut File::open(path)?, |chunk| {
        hasher.update(chunk);
        done += chunk.len() as u64;
        show(done);
        Ok(())
    })?;
    Ok(hexadecimal(&hasher.finalize()))
}

/// Copies a file, syncs the copy, and gives the SHA-256 of what was copied.
///
/// # Errors
/// When one of the two cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> io::Result<String> {
    let mut hasher = Sha256::new();
    let mut copy = create_private(to)?;
    read_chunks(&mut File::open(from)?, |chunk| {
        hasher.update(chunk);
        copy.write_all(chunk)
    })?;
    copy.sync_all()?;
    Ok(hexadecimal(&hasher.finalize()))
}

/// CRC-32 of a file.
pub(crate) fn crc32_of(path: &Path) -> io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    read_chunks(&mut File::open(path)?, |chunk| {
        hasher.update(chunk);
        Ok(())
    })?;
    Ok(hasher.finalize())
}

/// Makes the names in a file's directory durable.
pub(crate) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or(Path::new(".")))?.sync_all()
}

/// Creates or empties a file for its owner alone.
///
/// # Errors
/// When the system refuses it.
pub fn create_private(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn read_chunks(file: &mut File, mut take: impl FnMut(&[u8]) -> io::Result<()>) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match file.read(&mut chunk)? {
            0 => return Ok(()),
            read => take(&chunk[..read])?,
        }
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checksum_is_found_beside_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a b.sqlite3");
        write_whole(&file, b"abc").unwrap();
        assert_eq!(checksum_beside(&file), None);
        let sha256 = sha256_of(&file, |_| ()).unwrap();
        assert_eq!(
            sha256,
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        write_whole(&checksum_file(&file), checksum_line(&file, &sha256).as_bytes()).unwrap();
        assert_eq!(checksum_beside(&file), Some(sha256.clone()));
        assert_eq!(copy(&file, &directory.path().join("copy")).unwrap(), sha256);
        write_whole(&checksum_file(&file), b"no checksum").unwrap();
        assert_eq!(checksum_beside(&file), None);
    }
}
