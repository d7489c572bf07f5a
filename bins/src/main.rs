//! The program `s3twin`; everything is in the library beside it.

fn main() -> std::process::ExitCode {
    s3twin_cli::main()
}
