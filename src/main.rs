//! The `homeroom` program. Everything is in the library.

use std::process::ExitCode;

/// Many small buffers come and go with sessions: this allocator keeps less memory for the holes between them.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    homeroom::cli::main()
}
