//! Hashing: the proof part of the engine.
//!
//! Everything here is arithmetic on bytes that the caller already holds: no requests, no clock, no disk.

pub mod lanes;
mod md5_block;
pub mod md5_many;
