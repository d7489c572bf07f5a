//! Is the bucket replicated as it should be? If not, may a rule be added that leaves the others as they are?

use super::judge::{broken, kept, named, unknown_elements};
use super::policy::ReplicationPolicy;
use super::{Check, Remedy, Row, Wish};
use crate::s3::{NewReplicationRule, Replication, ReplicationRule};

pub(super) fn judge(wish: &Wish, found: &Replication, encryption: Option<&str>) -> Vec<Row> {
    let Some(policy) = &wish.policy.replication else { return Vec::new() };
    let check = Check::Replication;
    let to = wish.replicate_to.as_deref();
    let wanted = replication_words(policy, to);
    let goes_there = |rule: &&ReplicationRule| to.is_none_or(|to| rule.destination == to);
    let needs_kms = encryption.is_some_and(|algorithm| algorithm.starts_with("aws:kms"));
    let gaps = |rule: &ReplicationRule| {
        let all = [
            (policy.markers && !rule.markers, "delete markers stay behind", "markers-not-replicated"),
            (policy.time_control && !rule.time_control, "no time control with metrics", "no-time-control"),
            (
                needs_kms && !rule.kms_objects,
                "objects encrypted with KMS stay behind",
                "kms-objects-not-replicated",
            ),
        ];
        all.into_iter()
            .filter(|(gap, _, _)| *gap)
            .map(|(_, words, reason)| (words, reason))
            .collect::<Vec<_>>()
    };
    let rules = found.rules.iter().filter(|rule| rule.enabled && rule.scope.is_whole()).filter(goes_there);
    // Of several the one with the fewest gaps counts: S3 would copy by each to its own destination.
    let Some((rule, gaps)) = rules.map(|rule| (rule, gaps(rule))).min_by_key(|(_, gaps)| gaps.len()) else {
        return vec![not_replicated(wish, policy, found, (wanted, needs_kms))];
    };
    let place = format!("to {} by {}", rule.destination, named(&rule.id));
    vec![match gaps.first() {
        None => kept(check, wanted, place),
        Some((_, reason)) => {
            let words: Vec<&str> = gaps.iter().map(|(words, _)| *words).collect();
            broken(check, reason, wanted, format!("{place}; {}", words.join(", "))).advise(format!(
                "change {} by hand: this program changes no rule that is there",
                named(&rule.id)
            ))
        }
    }]
}

fn replication_words(policy: &ReplicationPolicy, to: Option<&str>) -> String {
    let mut words =
        to.map_or_else(|| "the whole bucket".to_owned(), |to| format!("the whole bucket to {to}"));
    if policy.markers {
        words.push_str(", with delete markers");
    }
    if policy.time_control {
        words.push_str(", with time control");
    }
    words
}

/// No rule does it. A new one is added where it can change nothing for the rules that are there.
fn not_replicated(
    wish: &Wish,
    policy: &ReplicationPolicy,
    found: &Replication,
    (wanted, needs_kms): (String, bool),
) -> Row {
    let words =
        if found.rules.is_empty() { "no replication" } else { "no rule in force for the whole bucket" };
    let row = broken(Check::Replication, "not-replicated", wanted, words);
    let (Some(to), Some(role)) = (&wish.replicate_to, &wish.replication_role) else {
        return row.advise(
            "--replication-role ARN (and --replicate-to s3://BUCKET, or a pair in s3twin.toml) lets --apply \
             add a rule; objects that are there already are brought by `s3twin sync`",
        );
    };
    if let Some(rule) = found.rules.iter().find(|rule| rule.destination == *to) {
        return row.advise(format!(
            "change {} by hand: a second rule to {to} would overrule it or be overruled",
            named(&rule.id)
        ));
    }
    if found.rules.iter().any(|rule| rule.first_version) {
        return row.advise("rewrite the rules with filters by hand: rules in the old form take no new ones");
    }
    if !found.unknown.is_empty() {
        return row.advise(unknown_elements(&found.unknown));
    }
    if !found.role.is_empty() && found.role != *role {
        return row.advise(format!(
            "the bucket is replicated as {} already, and has one role for all rules: name that one",
            found.role
        ));
    }
    if needs_kms {
        return row
            .advise("objects here are encrypted with KMS: write the rule by hand, it takes the key there");
    }
    let priority = found.rules.iter().filter_map(|rule| rule.priority).max().map_or(1, |highest| highest + 1);
    row.heal(Remedy::Replicate(NewReplicationRule {
        role: role.clone(),
        destination: to.clone(),
        markers: policy.markers,
        time_control: policy.time_control,
        priority,
    }))
}
