//! The layer below SQLite: hands everything to the system's usual VFS and tells the disks what was done. The process's default
//! from the first recording on.
#![allow(unsafe_code, reason = "SQLite's VFS is an interface of C")]

use super::{Disk, Inner, Step};
use parking_lot::Mutex;
use rusqlite::ffi;
use std::cell::Cell;
use std::ffi::{CStr, OsStr, c_char, c_int, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::sync::{Once, Weak};

/// An open file: SQLite sees the head, the usual VFS's own file follows it in the same memory.
#[repr(C)]
struct File {
    head: ffi::sqlite3_file,
    /// A `Box<Followed>`, or null when nobody follows this file.
    followed: *mut Followed,
}

struct Followed {
    disk: Disk,
    file: usize,
    /// The usual VFS syncs the directory with the first sync of a log that it may have made.
    syncs_directory: Cell<bool>,
}

const HEAD: c_int = size_of::<File>() as c_int;
const _: () = assert!(
    size_of::<File>().is_multiple_of(align_of::<u128>()),
    "what follows the head is aligned"
);

static USUAL: AtomicPtr<ffi::sqlite3_vfs> = AtomicPtr::new(ptr::null_mut());
static DISKS: Mutex<Vec<Weak<Inner>>> = Mutex::new(Vec::new());
static REGISTERED: Once = Once::new();

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    // Without memory maps: what is written through one nobody sees.
    iVersion: 2,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(unlock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: Some(shm_map),
    xShmLock: Some(shm_lock),
    xShmBarrier: Some(shm_barrier),
    xShmUnmap: Some(shm_unmap),
    xFetch: None,
    xUnfetch: None,
};

/// Files that are opened below a disk's directory from now on are followed for it.
pub(super) fn watch(disk: &Disk) {
    let mut disks = DISKS.lock();
    disks.retain(|known| known.strong_count() > 0);
    disks.push(std::sync::Arc::downgrade(&disk.inner));
    drop(disks);
    REGISTERED.call_once(register);
}

fn register() {
    // SAFETY: null asks for the default; what is registered lives as long as the process, and keeps every function of the usual
    // VFS but two. Those get the pointer of this one, whose other fields are the usual one's.
    unsafe {
        ffi::sqlite3_initialize();
        let usual = ffi::sqlite3_vfs_find(ptr::null());
        assert!(!usual.is_null(), "SQLite has a default VFS");
        USUAL.store(usual, Ordering::Release);
        let mut own = Box::new(*usual);
        own.zName = c"homeroom-power".as_ptr();
        own.szOsFile += HEAD;
        own.pNext = ptr::null_mut();
        own.xOpen = Some(open);
        own.xDelete = Some(delete);
        let registered = ffi::sqlite3_vfs_register(Box::leak(own), 1);
        assert_eq!(registered, ffi::SQLITE_OK, "the VFS can be registered");
    }
}

fn disk_of(path: &Path) -> Option<Disk> {
    let disks = DISKS.lock();
    let mut live = disks.iter().filter_map(|disk| Some(Disk { inner: disk.upgrade()? }));
    live.find(|disk| disk.is_above(path))
}

/// The path of a C string; none for a null pointer (a temporary file).
///
/// # Safety
/// `name` is null or ends with a zero, and lives as long as the answer.
unsafe fn path<'a>(name: *const c_char) -> Option<&'a Path> {
    if name.is_null() {
        return None;
    }
    // SAFETY: not null, and as promised.
    let bytes = unsafe { CStr::from_ptr(name) }.to_bytes();
    Some(Path::new(OsStr::from_bytes(bytes)))
}

/// The usual VFS's file behind ours.
///
/// # Safety
/// `file` was opened by [`open`], or is being.
unsafe fn inner(file: *mut ffi::sqlite3_file) -> *mut ffi::sqlite3_file {
    // SAFETY: SQLite gives `szOsFile` bytes, which is the head and the usual VFS's file.
    unsafe { file.cast::<u8>().add(HEAD as usize).cast() }
}

/// Tells the disk that follows a file, if one does.
///
/// # Safety
/// `file` was opened by [`open`].
unsafe fn tell(file: *mut ffi::sqlite3_file, step: impl FnOnce(&Followed) -> Step) {
    // SAFETY: it is a `File`, and what it follows is there until it is closed; SQLite uses a file from one thread at a time.
    if let Some(followed) = unsafe { (*file.cast::<File>()).followed.as_ref() } {
        followed.disk.note(step(followed));
    }
}

/// Calls a method of the usual VFS's file.
macro_rules! usual {
    ($file:expr, $method:ident $(, $argument:expr)*) => {
        // SAFETY: the file is open, so that its methods are there; the arguments are the caller's own.
        unsafe {
            let file = inner($file);
            match (*(*file).pMethods).$method {
                Some(method) => method(file $(, $argument)*),
                None => ffi::SQLITE_NOTFOUND,
            }
        }
    };
}

unsafe extern "C" fn open(
    _: *mut ffi::sqlite3_vfs,
    name: ffi::sqlite3_filename,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let usual = USUAL.load(Ordering::Acquire);
    // SAFETY: SQLite's own arguments, with the file behind the head; `name` ends with a zero and outlives the call.
    unsafe {
        let own = file.cast::<File>();
        (*own).head.pMethods = ptr::null();
        (*own).followed = ptr::null_mut();
        let real = inner(file);
        (*real).pMethods = ptr::null();
        let Some(usual_open) = (*usual).xOpen else {
            return ffi::SQLITE_CANTOPEN;
        };
        let opened = usual_open(usual, name, real, flags, out_flags);
        if opened != ffi::SQLITE_OK {
            if !(*real).pMethods.is_null()
                && let Some(close) = (*(*real).pMethods).xClose
            {
                close(real);
            }
            return opened;
        }
        if let Some(path) = path(name)
            && let Some(disk) = disk_of(path)
        {
            let file = disk.file(path);
            let is_log = flags & (ffi::SQLITE_OPEN_WAL | ffi::SQLITE_OPEN_MAIN_JOURNAL) != 0;
            let syncs_directory = Cell::new(is_log && flags & ffi::SQLITE_OPEN_CREATE != 0);
            (*own).followed = Box::into_raw(Box::new(Followed {
                disk,
                file,
                syncs_directory,
            }));
        }
        (*own).head.pMethods = &raw const METHODS;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn delete(_: *mut ffi::sqlite3_vfs, name: *const c_char, sync_directory: c_int) -> c_int {
    let usual = USUAL.load(Ordering::Acquire);
    // SAFETY: SQLite's own arguments.
    unsafe {
        let Some(usual_delete) = (*usual).xDelete else {
            return ffi::SQLITE_IOERR_DELETE;
        };
        let deleted = usual_delete(usual, name, sync_directory);
        if deleted == ffi::SQLITE_OK
            && let Some(path) = path(name)
            && let Some(disk) = disk_of(path)
        {
            let file = disk.file(path);
            let is_synced = sync_directory != 0;
            disk.note(Step::Delete { file, is_synced });
        }
        deleted
    }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    let closed = usual!(file, xClose);
    // SAFETY: it was made by `open`, and nothing uses the file after this.
    unsafe {
        let followed = std::mem::replace(&mut (*file.cast::<File>()).followed, ptr::null_mut());
        if !followed.is_null() {
            drop(Box::from_raw(followed));
        }
    }
    closed
}

unsafe extern "C" fn read(file: *mut ffi::sqlite3_file, into: *mut c_void, length: c_int, offset: i64) -> c_int {
    usual!(file, xRead, into, length, offset)
}

unsafe extern "C" fn write(file: *mut ffi::sqlite3_file, from: *const c_void, length: c_int, offset: i64) -> c_int {
    let written = usual!(file, xWrite, from, length, offset);
    if written == ffi::SQLITE_OK {
        // SAFETY: SQLite gives as many bytes as it says, of an open file.
        unsafe {
            let bytes = std::slice::from_raw_parts(from.cast::<u8>(), length as usize);
            tell(file, |followed| Step::Write {
                file: followed.file,
                offset: offset as usize,
                bytes: bytes.into(),
            });
        }
    }
    written
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, length: i64) -> c_int {
    let truncated = usual!(file, xTruncate, length);
    if truncated == ffi::SQLITE_OK {
        // SAFETY: an open file.
        unsafe {
            tell(file, |followed| Step::Truncate {
                file: followed.file,
                length: length as usize,
            });
        }
    }
    truncated
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, flags: c_int) -> c_int {
    let synced = usual!(file, xSync, flags);
    if synced == ffi::SQLITE_OK {
        // SAFETY: an open file.
        unsafe {
            tell(file, |followed| Step::Sync {
                file: followed.file,
                with_directory: followed.syncs_directory.take(),
            });
        }
    }
    synced
}

unsafe extern "C" fn file_size(file: *mut ffi::sqlite3_file, size: *mut i64) -> c_int {
    usual!(file, xFileSize, size)
}

unsafe extern "C" fn lock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    usual!(file, xLock, level)
}

unsafe extern "C" fn unlock(file: *mut ffi::sqlite3_file, level: c_int) -> c_int {
    usual!(file, xUnlock, level)
}

unsafe extern "C" fn check_reserved_lock(file: *mut ffi::sqlite3_file, is_held: *mut c_int) -> c_int {
    usual!(file, xCheckReservedLock, is_held)
}

unsafe extern "C" fn file_control(file: *mut ffi::sqlite3_file, what: c_int, argument: *mut c_void) -> c_int {
    usual!(file, xFileControl, what, argument)
}

unsafe extern "C" fn sector_size(file: *mut ffi::sqlite3_file) -> c_int {
    usual!(file, xSectorSize)
}

unsafe extern "C" fn device_characteristics(file: *mut ffi::sqlite3_file) -> c_int {
    usual!(file, xDeviceCharacteristics)
}

unsafe extern "C" fn shm_map(
    file: *mut ffi::sqlite3_file,
    page: c_int,
    size: c_int,
    extend: c_int,
    into: *mut *mut c_void,
) -> c_int {
    usual!(file, xShmMap, page, size, extend, into)
}

unsafe extern "C" fn shm_lock(file: *mut ffi::sqlite3_file, offset: c_int, count: c_int, flags: c_int) -> c_int {
    usual!(file, xShmLock, offset, count, flags)
}

unsafe extern "C" fn shm_barrier(file: *mut ffi::sqlite3_file) {
    // SAFETY: as in `usual!`; this method alone answers nothing.
    unsafe {
        let file = inner(file);
        if let Some(method) = (*(*file).pMethods).xShmBarrier {
            method(file);
        }
    }
}

unsafe extern "C" fn shm_unmap(file: *mut ffi::sqlite3_file, delete: c_int) -> c_int {
    usual!(file, xShmUnmap, delete)
}
