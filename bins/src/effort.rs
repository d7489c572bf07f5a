//! Requests of a run that has more than one connection.

use s3twin_engine::report::request_cost_usd;
use s3twin_engine::s3::Meter;
use std::collections::BTreeMap;

/// What it took, over all connections.
#[derive(Clone, Debug, Default)]
pub(crate) struct Effort {
    pub(crate) requests: BTreeMap<String, u64>,
    pub(crate) retries: u64,
    pub(crate) throttled: u64,
    pub(crate) usd: f64,
}

impl Effort {
    /// Counts what one meter counted.
    pub(crate) fn add(&mut self, meter: &Meter) {
        for (name, count) in meter.requests() {
            *self.requests.entry(name.to_owned()).or_default() += count;
        }
        self.retries += meter.retries();
        self.throttled += meter.throttled();
        self.usd += request_cost_usd(meter);
    }

    pub(crate) fn of(meter: &Meter) -> Self {
        let mut effort = Self::default();
        effort.add(meter);
        effort
    }
}
