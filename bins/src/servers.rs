//! What is known of the servers of a run, and remembered for the next.
//!
//! One small file per endpoint in the state dir. It is believed for a week: servers are upgraded.

use crate::args::Compat;
use crate::run_folder;
use s3twin_engine::list::{Side, Sides};
use s3twin_engine::model::Timestamp;
use s3twin_engine::s3::{Feature, Memory, Profile};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const SCHEMA: &str = "s3twin.server/1";
/// So long a finding is believed, in seconds.
const BELIEVED: i64 = 7 * 24 * 3_600;

/// The servers of one run, by endpoint.
#[derive(Debug)]
pub(crate) struct Servers {
    folder: PathBuf,
    compat: Compat,
    now: Timestamp,
    met: BTreeMap<String, Arc<Profile>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    schema: String,
    endpoint: String,
    learned_at: Timestamp,
    #[serde(flatten)]
    memory: Memory,
}

impl Servers {
    pub(crate) fn new(state: &Path, compat: Compat, now: Timestamp) -> Self {
        Self { folder: state.join("servers"), compat, now, met: BTreeMap::new() }
    }

    /// The same sides, each with what is known of its server.
    pub(crate) fn introduce(&mut self, sides: &Sides) -> Sides {
        let mut of = |side: &Arc<Side>| {
            let profile = self.profile(side.store.service());
            Arc::new((**side).clone().with_profile(profile))
        };
        Sides { source: of(&sides.source), replica: sides.replica.as_ref().map(of) }
    }

    fn profile(&mut self, service: &str) -> Arc<Profile> {
        // The rest of a service's name is the identity, which does not change what a server can do.
        let endpoint = service.split('|').next().unwrap_or_default();
        if let Some(met) = self.met.get(endpoint) {
            return Arc::clone(met);
        }
        let profile = Arc::new(self.recall(endpoint));
        self.met.insert(endpoint.to_owned(), Arc::clone(&profile));
        profile
    }

    fn recall(&self, endpoint: &str) -> Profile {
        match self.compat {
            Compat::Aws => Profile::complete(),
            Compat::Generic => generic(),
            Compat::Auto if is_aws(endpoint) => Profile::complete(),
            Compat::Probe => Profile::unknown(),
            Compat::Auto => match self.read(endpoint) {
                Some(memory) => {
                    tracing::info!(endpoint, has = ?memory.has, lacks = ?memory.lacks, "this server is known");
                    Profile::recalled(&memory)
                }
                None => Profile::unknown(),
            },
        }
    }

    /// What cannot be read, or is too old, is found out again.
    fn read(&self, endpoint: &str) -> Option<Memory> {
        let content = std::fs::read(self.file(endpoint)).ok()?;
        let remembered: Remembered = serde_json::from_slice(&content).ok()?;
        let age = self.now.seconds() - remembered.learned_at.seconds();
        let holds = remembered.schema == SCHEMA && remembered.endpoint == endpoint && age < BELIEVED;
        holds.then_some(remembered.memory)
    }

    fn file(&self, endpoint: &str) -> PathBuf {
        let name = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '_' };
        self.folder.join(format!("{}.json", endpoint.chars().map(name).collect::<String>()))
    }

    /// Remembers what was found out. A memory that cannot be kept costs the next run a few requests, no more.
    pub(crate) fn remember(&self) {
        for (endpoint, profile) in self.met.iter().filter(|(_, profile)| profile.has_news()) {
            if matches!(self.compat, Compat::Auto | Compat::Probe)
                && !is_aws(endpoint)
                && let Err(error) = self.write(endpoint, profile.memory())
            {
                tracing::warn!(%error, endpoint, "what this server can do could not be remembered");
            }
        }
    }

    fn write(&self, endpoint: &str, memory: Memory) -> std::io::Result<()> {
        let remembered = Remembered {
            schema: SCHEMA.to_owned(),
            endpoint: endpoint.to_owned(),
            learned_at: self.now,
            memory,
        };
        let text = serde_json::to_string_pretty(&remembered)?;
        std::fs::create_dir_all(&self.folder)?;
        run_folder::write_whole(&self.file(endpoint), |file| file.write_all(text.as_bytes()))
    }

    /// What the reader of a report should know, one sentence each.
    pub(crate) fn remarks(&self) -> Vec<String> {
        if self.compat == Compat::Generic {
            return vec![
                "--compat generic: no write was conditional; each key was looked at just before".to_owned(),
            ];
        }
        let of = |(endpoint, profile): (&String, &Arc<Profile>)| {
            let said = |remark: &str| format!("{endpoint}: {remark}");
            profile.remarks().into_iter().map(said).collect::<Vec<_>>()
        };
        self.met.iter().flat_map(of).collect()
    }
}

/// A server that is trusted with nothing but the oldest parts of the protocol.
fn generic() -> Profile {
    let old = [Feature::Attributes, Feature::PartCopy, Feature::BatchDelete];
    let lacks = Feature::ALL.iter().filter(|feature| !old.contains(feature));
    let lacks = lacks.map(|feature| feature.name().to_owned()).collect();
    Profile::recalled(&Memory { has: Vec::new(), lacks })
}

fn is_aws(endpoint: &str) -> bool {
    let host = endpoint.split("://").last().unwrap_or_default();
    let host = host.split(['/', ':']).next().unwrap_or_default();
    endpoint == "aws" || host.ends_with(".amazonaws.com") || host.ends_with(".amazonaws.com.cn")
}

#[cfg(test)]
mod tests {
    use super::*;
    use s3twin_engine::s3::Support;

    const ENDPOINT: &str = "https://s3.example.net";

    #[test]
    fn a_server_is_remembered_for_a_week() {
        let state = tempfile::tempdir().unwrap();
        let at = |day: i64, compat| Servers::new(state.path(), compat, Timestamp::from_seconds(day * 86_400));
        let mut first = at(0, Compat::Auto);
        first.profile(&format!("{ENDPOINT}|me")).misses(Feature::CopyIfAbsent);
        assert_eq!(first.remarks().len(), 1);
        first.remember();
        let guard = |mut servers: Servers| servers.profile(ENDPOINT).support(Feature::CopyIfAbsent);
        assert_eq!(guard(at(6, Compat::Auto)), Support::Lacks);
        assert_eq!(guard(at(7, Compat::Auto)), Support::Unknown);
        assert_eq!(guard(at(1, Compat::Probe)), Support::Unknown);
        assert_eq!(guard(at(1, Compat::Aws)), Support::Has);
        std::fs::write(first.file(ENDPOINT), "{").unwrap();
        assert_eq!(guard(at(1, Compat::Auto)), Support::Unknown);
    }

    #[test]
    fn s3_itself_needs_no_trial() {
        for endpoint in
            ["aws", "https://s3.eu-west-1.amazonaws.com", "https://s3.cn-north-1.amazonaws.com.cn/"]
        {
            assert!(is_aws(endpoint), "{endpoint}");
        }
        for endpoint in
            ["https://amazonaws.com.example.net", "http://127.0.0.1:9000", "https://xamazonaws.com"]
        {
            assert!(!is_aws(endpoint), "{endpoint}");
        }
    }
}
