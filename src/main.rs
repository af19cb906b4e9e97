//! The program: parse, run, exit code; nothing else.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> color_eyre::Result<()> {
    color_eyre::install()?;
    // Not by returning: a thread that waits for standard input may still be there.
    std::process::exit(switchboard::cli::run(std::env::args_os()).code());
}
