//! Why an address cannot be listened on, in words that help: who holds the port, or what the address should look like.

use std::fs;
use std::io;

/// A port below this one needs a privilege on most systems.
const PRIVILEGED_BELOW: u16 = 1_024;
/// The state of a listening socket in the tables of the kernel.
const LISTENING: &str = "0A";

/// One sentence about a failed attempt to listen on `address`.
pub(super) fn sentence(address: &str, error: &io::Error) -> String {
    let port = port_of(address);
    let what = match (error.kind(), port) {
        (io::ErrorKind::AddrInUse, Some(port)) => {
            let holder = holder(port).unwrap_or_else(|| "another process".into());
            format!("port {port} is in use by {holder}; stop that, or choose another port with --listen")
        }
        (io::ErrorKind::PermissionDenied, Some(port)) if port < PRIVILEGED_BELOW => {
            format!(
                "ports below {PRIVILEGED_BELOW} need a privilege; choose a higher one, or give the service CAP_NET_BIND_SERVICE"
            )
        }
        (io::ErrorKind::AddrNotAvailable, _) => "this machine has no such address".into(),
        (_, None) => format!("{error}; an address looks like 127.0.0.1:8080"),
        _ => error.to_string(),
    };
    format!("cannot listen on {address}: {what}")
}

/// The port of an address, if it names one.
pub(super) fn port_of(address: &str) -> Option<u16> {
    address.rsplit_once(':')?.1.parse().ok()
}

/// Who listens on this port, as far as the system tells: a name and a process number.
fn holder(port: u16) -> Option<String> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let inodes: Vec<String> = tables
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().filter_map(|line| inode(line, port)).collect::<Vec<_>>())
        .collect();
    // There is also a `self`, which says nothing.
    let is_number = |process: &fs::DirEntry| {
        process
            .file_name()
            .to_str()
            .is_some_and(|name| name.parse::<u32>().is_ok())
    };
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let process = processes.filter(is_number).find(|process| {
        let files = fs::read_dir(process.path().join("fd")).into_iter().flatten().flatten();
        files.filter_map(|file| fs::read_link(file.path()).ok()).any(|target| {
            inodes
                .iter()
                .any(|inode| target.to_str() == Some(&format!("socket:[{inode}]")))
        })
    })?;
    let name = fs::read_to_string(process.path().join("comm")).ok()?;
    Some(format!(
        "{} (process {})",
        name.trim(),
        process.file_name().to_string_lossy()
    ))
}

/// The inode in a line of the kernel's table, if that is a socket listening on this port.
fn inode(line: &str, port: u16) -> Option<String> {
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (local, state, inode) = (fields.get(1)?, fields.get(3)?, fields.get(9)?);
    let (_, hex) = local.rsplit_once(':')?;
    let is_it = u16::from_str_radix(hex, 16) == Ok(port) && *state == LISTENING;
    is_it.then(|| (*inode).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_names_its_holder() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let error = std::net::TcpListener::bind(&address).unwrap_err();
        let said = sentence(&address, &error);
        assert!(said.contains("is in use by"), "{said}");
        assert!(said.contains(&std::process::id().to_string()), "{said}");
    }

    #[test]
    fn what_is_no_address_is_told_what_one_looks_like() {
        let said = sentence("nowhere", &io::Error::other("invalid"));
        assert!(said.contains("127.0.0.1:8080"), "{said}");
    }
}
