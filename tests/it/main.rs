//! One integration binary.

mod proof_corpus;
mod proof_scrub;
mod proof_stage;
