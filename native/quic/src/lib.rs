//! Placeholder door: filled by the first commit of this crate.
