//! The program under test.

fn main() -> std::process::ExitCode {
    s3twin_cli::main()
}
