//! System calls that the standard library doesn't have, each behind a safe function.

use std::ffi::{CStr, CString};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A user of the operating system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OsUser {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The effective user of this process.
pub(crate) fn effective_uid() -> u32 {
    // SAFETY: geteuid takes no arguments, accesses no memory and can't fail.
    unsafe { libc::geteuid() }
}

/// Looks up a user by name, in all sources that the system uses.
pub(crate) fn user_by_name(name: &str) -> Option<OsUser> {
    let name = CString::new(name).ok()?;
    look_up(|entry, buffer, found| {
        // SAFETY: all pointers are valid for the call, and the length is the buffer's own.
        unsafe { libc::getpwnam_r(name.as_ptr(), entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })
}

/// Looks up a user by id. `None` for an id without a name, as in some containers.
pub(crate) fn user_by_uid(uid: u32) -> Option<OsUser> {
    look_up(|entry, buffer, found| {
        // SAFETY: all pointers are valid for the call, and the length is the buffer's own.
        unsafe { libc::getpwuid_r(uid, entry, buffer.as_mut_ptr(), buffer.len(), found) }
    })
}

fn look_up(
    call: impl FnOnce(*mut libc::passwd, &mut [libc::c_char], *mut *mut libc::passwd) -> libc::c_int,
) -> Option<OsUser> {
    // Long enough for any entry in practice; a longer one counts as unknown.
    let mut buffer = vec![0; 16 * 1024];
    let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
    let mut found = std::ptr::null_mut();
    let outcome = call(entry.as_mut_ptr(), &mut buffer, &mut found);
    if outcome != 0 || found.is_null() {
        return None;
    }
    // SAFETY: the call succeeded and `found` isn't null, so `entry` is initialized. Its name is a
    // string in `buffer`, which is still alive.
    let (name, uid, gid) = unsafe {
        let entry = entry.assume_init();
        (CStr::from_ptr(entry.pw_name), entry.pw_uid, entry.pw_gid)
    };
    Some(OsUser { name: name.to_str().ok()?.to_owned(), uid, gid })
}

/// Switches all threads of this process to `user` permanently.
pub(crate) fn become_user(user: &OsUser) -> io::Result<()> {
    // SAFETY: none of these calls accesses memory, because the list of groups is empty. The C
    // library changes the ids of every thread.
    let outcomes = unsafe {
        [libc::setgroups(0, std::ptr::null()), libc::setgid(user.gid), libc::setuid(user.uid)]
    };
    if outcomes.iter().any(|outcome| *outcome != 0) {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: as above.
    if unsafe { libc::setuid(0) } == 0 {
        return Err(io::Error::other("the process can still become root"));
    }
    Ok(())
}

/// Asks this process to end, like `kill`.
pub(crate) fn ask_to_end() {
    // SAFETY: kill only sends a signal, which the runtime handles.
    unsafe { libc::kill(libc::getpid(), libc::SIGTERM) };
}

/// The host name of the machine or container; empty if it has none.
pub(crate) fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

/// The bytes that an ordinary user can still write on the file system of `path`.
pub fn free_space(path: &Path) -> io::Result<u64> {
    let path = CString::new(path.as_os_str().as_encoded_bytes())?;
    let mut found = std::mem::MaybeUninit::<libc::statvfs>::uninit();
    // SAFETY: both pointers are valid for the call.
    if unsafe { libc::statvfs(path.as_ptr(), found.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so the value is initialized.
    let found = unsafe { found.assume_init() };
    #[expect(clippy::unnecessary_cast, reason = "the types differ between systems")]
    Ok(found.f_bavail as u64 * found.f_frsize as u64)
}

/// The memory that this process uses; `None` if the system doesn't report it.
pub(crate) fn resident_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes * 1024)
}

/// Makes the C library return unused memory. By default it retains large allocations, and has one
/// arena per thread. In ten minutes of mixed load, four arenas took 8 MiB more than one. Thanks to
/// the per-thread caches, threads hardly wait for a single arena.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn return_memory() {
    const LARGE: libc::c_int = 128 * 1024;
    // SAFETY: mallopt only sets parameters of the allocator, and ignores unknown ones.
    unsafe {
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
        libc::mallopt(libc::M_TRIM_THRESHOLD, LARGE);
        libc::mallopt(libc::M_ARENA_MAX, 1);
    }
}

/// Does nothing for other allocators.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn return_memory() {}

/// Limits the unsent bytes of a connection in the kernel. By default the kernel accepts megabytes
/// at once, so a slow reader looks like one that doesn't read at all.
#[cfg(target_os = "linux")]
pub(crate) fn limit_unsent(connection: &impl AsRawFd, bytes: libc::c_int) -> io::Result<()> {
    let (value, length) = (std::ptr::from_ref(&bytes), size_of_val(&bytes));
    // SAFETY: pointer and length belong to `bytes`, which outlives the call.
    let outcome = unsafe {
        libc::setsockopt(
            connection.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            value.cast(),
            libc::socklen_t::try_from(length).expect("four fits"),
        )
    };
    if outcome == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// Does nothing on other systems.
#[cfg(not(target_os = "linux"))]
pub(crate) fn limit_unsent(_connection: &impl AsRawFd, _bytes: libc::c_int) -> io::Result<()> {
    Ok(())
}

/// The sockets of this process, as descriptor and inode.
pub(crate) fn sockets() -> Vec<(RawFd, u64)> {
    let entries = std::fs::read_dir("/dev/fd").into_iter().flatten().flatten();
    let descriptors = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    descriptors.filter_map(|fd| Some((fd, socket_inode(fd)?))).collect()
}

/// `None` if it isn't a socket, or isn't open.
fn socket_inode(fd: RawFd) -> Option<u64> {
    let mut found = std::mem::MaybeUninit::<libc::stat>::uninit();
    // SAFETY: the pointer is valid for the call, which fails for a closed descriptor.
    if unsafe { libc::fstat(fd, found.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: the call succeeded, so the value is initialized.
    let found = unsafe { found.assume_init() };
    (found.st_mode & libc::S_IFMT == libc::S_IFSOCK).then_some(found.st_ino)
}

/// A second handle on the socket that was open as `fd`, unless `fd` now refers to another one.
pub(crate) fn second_handle(fd: RawFd, inode: u64) -> Option<OwnedFd> {
    // SAFETY: if the descriptor was closed meanwhile, the call fails, or returns a handle on
    // something else. The check below detects that and closes it.
    let handle = unsafe { BorrowedFd::borrow_raw(fd) }.try_clone_to_owned().ok()?;
    (socket_inode(handle.as_raw_fd()) == Some(inode)).then_some(handle)
}

/// Whether a socket has data to read.
pub(crate) enum SocketReadiness {
    Nothing,
    Bytes,
    /// The other end closed or reset the connection.
    End,
}

/// Checks the socket `fd` without reading or waiting.
pub(crate) fn waiting_on(fd: RawFd) -> SocketReadiness {
    let mut byte = 0_u8;
    let flags = libc::MSG_PEEK | libc::MSG_DONTWAIT;
    // SAFETY: pointer and length belong to `byte`.
    match unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, flags) } {
        1.. => SocketReadiness::Bytes,
        0 => SocketReadiness::End,
        _ => match io::Error::last_os_error().kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => SocketReadiness::Nothing,
            _ => SocketReadiness::End,
        },
    }
}

/// Sends `signal` to the process `pid`.
pub(crate) fn signal(pid: i32, signal: libc::c_int) -> io::Result<()> {
    // SAFETY: kill accesses no memory. Ids below 1 would refer to process groups.
    if pid > 0 && unsafe { libc::kill(pid, signal) } == 0 {
        return Ok(());
    }
    Err(io::Error::last_os_error())
}

/// Whether `pid` runs. A zombie doesn't run, although it can still be signaled.
pub(crate) fn runs(pid: i32) -> bool {
    let exists = match signal(pid, 0) {
        Ok(()) => true,
        Err(error) => error.raw_os_error() == Some(libc::EPERM),
    };
    exists && !is_zombie(pid)
}

#[cfg(target_os = "linux")]
fn is_zombie(pid: i32) -> bool {
    // "pid (name) state ...": the name may contain parentheses, so look after the last one.
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| {
        stat.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X']))
    })
}

#[cfg(not(target_os = "linux"))]
fn is_zombie(_pid: i32) -> bool {
    false
}

/// The file name of the program that `pid` runs; `None` if the system doesn't report it.
pub(crate) fn program_name(pid: i32) -> Option<String> {
    let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let program = line.split(|byte| *byte == 0).next()?;
    let name = program.rsplit(|byte| *byte == b'/').next()?;
    // Processes of the server are named "postgres: checkpointer" and the like.
    let name = name.split(|byte| *byte == b':').next()?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// Runs the command in a new session, so that Ctrl-C or the end of this terminal doesn't stop the
/// server while other processes use it.
pub(crate) fn detach(command: &mut Command) {
    // SAFETY: setsid may be called between fork and exec.
    unsafe {
        command.pre_exec(|| {
            if libc::setsid() == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

/// Runs the command in a new user namespace: it can access root's files, but loses every other
/// privilege. PostgreSQL, which refuses to run as root, accepts that.
#[cfg(target_os = "linux")]
pub(crate) fn lose_root(command: &mut Command) {
    // SAFETY: unshare may be called between fork and exec, where only one thread exists.
    unsafe {
        command.pre_exec(|| {
            if libc::unshare(libc::CLONE_NEWUSER) == -1 {
                return Err(io::Error::last_os_error());
            }
            Ok(())
        });
    }
}

/// Only Linux has user namespaces, so the command fails to start elsewhere.
#[cfg(not(target_os = "linux"))]
pub(crate) fn lose_root(command: &mut Command) {
    // SAFETY: the closure only creates an error.
    unsafe {
        command.pre_exec(|| Err(io::Error::from_raw_os_error(libc::EPERM)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_users_by_number_and_by_name() {
        let root = user_by_uid(0).expect("every system has a user 0");
        assert_eq!(user_by_name(&root.name), Some(root));
        assert_eq!(user_by_name("no such user here"), None);
    }

    #[test]
    fn tells_a_running_process_from_one_that_waits_to_be_reaped() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        assert!(runs(pid));
        signal(pid, libc::SIGKILL).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(200));
        assert!(!cfg!(target_os = "linux") || !runs(pid));
        child.wait().unwrap();
        assert!(!runs(pid));
    }

    #[test]
    fn never_signals_a_group() {
        assert!(signal(0, 0).is_err());
        assert!(signal(-1, 0).is_err());
    }
}
