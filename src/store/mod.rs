//! What lies on the disk: for now the files that programs `require`.
//!
//! Implements ports of the engine and knows nothing of Lua, of the screen or of the command line. What is deliberately
//! absent until the journal is durable: any write.

mod files;

pub use files::FsFiles;
