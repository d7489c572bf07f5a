//! The program `s3twin`; everything is in the library beside it.

/// Memory goes from thread to thread here, page by page and request by request: the system's allocator took a fifth of
/// a small copy. Without huge pages, which made it keep twice the memory.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    s3twin_cli::main()
}
