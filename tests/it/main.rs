//! The fast tests: everything but the real terminal.
