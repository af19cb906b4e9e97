//! The log file: what goes wrong in the background. Never the terminal, which belongs to the desk.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::filter::LevelFilter;

use crate::config::{LogLevel, Settings};

/// Beyond this the log is put aside as `….old` when the program starts, so that two of these are kept at most.
const KEPT_BYTES: u64 = 8 << 20;

/// Writes the last lines when it is dropped.
pub(super) struct Log {
    _guard: Option<WorkerGuard>,
}

/// Starts the log. Where its file cannot be written the program goes on without.
pub(super) fn start(settings: &Settings) -> Log {
    let level = match settings.log_level {
        LogLevel::Off => LevelFilter::OFF,
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    let file = settings.paths.log_file().filter(|_| level != LevelFilter::OFF).and_then(|path| open(path).ok());
    let Some(file) = file else { return Log { _guard: None } };
    let (writer, guard) = tracing_appender::non_blocking(file);
    let subscriber = tracing_subscriber::fmt().with_max_level(level).with_ansi(false).with_writer(writer).finish();
    // Somebody who uses this crate as a library may have set one before.
    let _ = tracing::subscriber::set_global_default(subscriber);
    Log { _guard: Some(guard) }
}

fn open(path: &Path) -> io::Result<File> {
    if let Some(directory) = path.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    match fs::metadata(path) {
        // Opening a FIFO would wait for a reader.
        Ok(found) if !found.is_file() => return Err(io::ErrorKind::InvalidInput.into()),
        Ok(found) if found.len() > KEPT_BYTES => {
            let mut old = path.as_os_str().to_owned();
            old.push(".old");
            fs::rename(path, old)?;
        }
        Ok(_) | Err(_) => {}
    }
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}
