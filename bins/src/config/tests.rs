//! What a file says is what runs; what is wrong is shown where it is.

use super::*;
use crate::commands::config::EXAMPLE;

fn load(text: &str, environment: &[(&str, &str)], set: &[&str]) -> Result<Loaded, String> {
    let environment = environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let set: Vec<String> = set.iter().map(|value| (*value).to_owned()).collect();
    Loaded::of(PathBuf::from("s3twin.toml"), text, &set, environment)
}

fn wrong(text: &str) -> String {
    load(text, &[], &[]).expect_err("it is wrong")
}

const SMALL: &str = "\
[buckets.a]
location = \"s3://aaa\"
[buckets.b]
location = \"s3://bbb/x/\"
region = \"eu-west-1\"
[pairs.p]
source = \"a\"
replica = \"b\"
[jobs.nightly]
command = \"sync\"
pair = \"p\"
cron = \"15 2 * * *\"
filters = [{ include = \"audio/**\" }, { exclude = \"*.tmp\" }]
flags = { max_delete = 10, delete = true, depth = \"listing\" }
";

#[test]
fn the_example_is_in_order_and_says_what_it_runs() {
    let loaded = load(EXAMPLE, &[], &[]).unwrap();
    let argv = job_argv(&loaded.config, loaded.job("nightly-sync").unwrap());
    let wanted = "sync s3://media s3://media-replica --concurrency=128 --delete --max-delete=1000 \
                  --replica-region=eu-west-1 --source-region=eu-central-1 --exclude=*.tmp";
    assert_eq!(argv.join(" "), wanted);
}

#[test]
fn a_job_is_its_command_line() {
    let loaded = load(SMALL, &[], &[]).unwrap();
    let argv = job_argv(&loaded.config, loaded.job("nightly").unwrap());
    let wanted = "sync s3://aaa s3://bbb/x/ --delete --depth=listing --max-delete=10 --replica-region=eu-west-1 \
                  --include=audio/** --exclude=*.tmp";
    assert_eq!(argv.join(" "), wanted);
    assert!(loaded.job("weekly").unwrap_err().contains("its jobs: nightly"));
}

#[test]
fn the_environment_wins_over_the_file_and_a_flag_over_both() {
    let environment =
        [("S3TWIN__JOBS__NIGHTLY__CRON", "0 4 * * *"), ("S3TWIN__JOBS__NIGHTLY__FLAGS__MAX_DELETE", "7")];
    let loaded =
        load(SMALL, &environment, &["jobs.nightly.flags.max-delete=3", "service.listen=127.0.0.1:1"])
            .unwrap();
    let job = loaded.job("nightly").unwrap();
    assert_eq!(job.cron.as_deref(), Some("0 4 * * *"));
    assert_eq!(job.flags.get("max_delete"), Some(&schema::Flag::Whole(3)));
    assert_eq!(loaded.config.service.listen.as_deref(), Some("127.0.0.1:1"));
    let origin = |path: &str| loaded.origins.get(path).map(ToString::to_string);
    assert_eq!(origin("jobs.nightly.cron").as_deref(), Some("environment S3TWIN__JOBS__NIGHTLY__CRON"));
    assert_eq!(origin("jobs.nightly.flags.max_delete").as_deref(), Some("--set"));
    assert_eq!(origin("jobs.nightly.pair").as_deref(), Some("line 11"));
    assert_eq!(origin("service.stop_wait"), None);
}

#[test]
fn a_value_from_outside_that_does_not_fit_names_its_origin() {
    let error = load(SMALL, &[("S3TWIN__JOBS__NIGHTLY__CRON", "at noon")], &[]).unwrap_err();
    assert!(error.contains("S3TWIN__JOBS__NIGHTLY__CRON") && error.contains("no cron line"), "{error}");
    let error = load(SMALL, &[], &["jobs.nightly.catch_up=often"]).unwrap_err();
    assert!(error.contains("--set") && error.contains("boolean"), "{error}");
    assert!(load(SMALL, &[], &["jobs"]).unwrap_err().contains("write it as --set"));
    assert!(load(SMALL, &[], &["jobs.nightly=1"]).unwrap_err().contains("is a section"));
}

#[test]
fn a_misspelt_name_is_shown_at_its_line() {
    let error = wrong("[jobs.nightly]\ncommand = \"sync\"\ncorn = \"* * * * *\"\n");
    assert!(error.contains("unknown field `corn`") && error.contains("`cron`"), "{error}");
    assert!(error.contains("s3twin.toml:3:1"), "{error}");
}

#[test]
fn everything_that_is_wrong_is_said_at_once_each_at_its_line() {
    let text = SMALL
        .replace("replica = \"b\"", "replica = \"c\"")
        .replace("15 2 * * *", "15 25 * * *")
        .replace("max_delete = 10", "max_deletion = 10");
    let error = wrong(&text);
    for words in [
        "buckets has no c",
        "there are: a, b",
        "s3twin.toml:8",
        "no cron line",
        "s3twin.toml:12",
        "no flag --max-deletion",
        "s3twin.toml:14",
    ] {
        assert!(error.contains(words), "no {words} in {error}");
    }
}

#[test]
fn the_command_itself_checks_its_flags() {
    let error = wrong(&SMALL.replace("\"listing\"", "\"deep\""));
    assert!(error.contains("invalid value 'deep'") && error.contains("s3twin.toml:14"), "{error}");
    // --max-delete without --delete.
    let error = wrong(&SMALL.replace("delete = true, ", ""));
    assert!(error.contains("--delete"), "{error}");
    let error = wrong(&SMALL.replace("depth =", "report ="));
    assert!(error.contains("not for a job to set"), "{error}");
}

#[test]
fn a_notification_must_lead_somewhere() {
    for (section, words) in [
        ("", "tell nobody"),
        ("webhook = {}", "exactly one of url and url_env"),
        ("webhook = { url = \"slack\" }", "is no URL"),
        ("smtp = { server = \"m\", from = \"a\", to = [\"b@c.de\"] }", "no mail address"),
        ("smtp = { server = \"m\", from = \"a@b.de\", to = [] }", "nobody gets the mail"),
        ("smtp = { server = \"m\", from = \"a@b.de\", to = [\"c@d.de\"], user = \"u\" }", "go together"),
        ("sns = { topic_arn = \"alerts\" }", "is no topic"),
    ] {
        let error = wrong(&format!("[notifications.ops]\n{section}\n"));
        assert!(error.contains(words), "no {words} in {error}");
    }
}

#[test]
fn the_schema_knows_every_section() {
    let schema: serde_json::Value = serde_json::from_str(&json_schema()).unwrap();
    let sections: Vec<&String> = schema["properties"].as_object().unwrap().keys().collect();
    assert_eq!(sections, ["buckets", "defaults", "jobs", "notifications", "pairs", "service", "tiers"]);
    assert_eq!(schema["additionalProperties"], false);
}
