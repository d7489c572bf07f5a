//! Hashing: the proof part of the engine.
//!
//! Everything here is arithmetic on bytes that the caller already holds: no requests, no clock, no disk.
//! From the bottom up: [`lanes`] advances many MD5s at once, [`md5_many`] keeps the lanes full,
//! [`digest`] computes several hashes of one stream, [`service`] brings all of it to async callers on
//! the threads of a [`pool`]. [`multipart`], [`layout`] and [`replay`] know how S3 makes one value of
//! many parts.

pub mod crc;
pub mod digest;
pub mod kind;
pub mod lanes;
pub mod layout;
mod md5_block;
pub mod md5_many;
pub mod multipart;
pub mod pool;
pub mod replay;
pub mod service;
