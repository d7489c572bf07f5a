//! `s3twin deploy`: text for a platform, filled in from the configuration.

use crate::args::{DeployArgs, Platform};
use crate::config::{Job, Loaded, seconds};
use crate::exit::Exit;
use crate::schedule::on_calendar;
use crate::screen::out::say;
use askama::Template;
use serde_json::json;

/// Seconds that a stopped service may take besides `stop_wait`: to journal where it stands.
const STOP_SECONDS: u64 = 120;
const PORT: u16 = 9712;

pub(crate) fn run(args: &DeployArgs) -> Exit {
    let text =
        Loaded::read(args.config.config.as_deref(), &args.config.set).and_then(|loaded| text(args, &loaded));
    match text {
        Ok(text) => {
            say!("{}", text.trim_end());
            Exit::Clean
        }
        Err(message) => {
            eprintln!("{message}");
            Exit::Usage
        }
    }
}

fn text(args: &DeployArgs, loaded: &Loaded) -> Result<String, String> {
    let job = match &args.job {
        Some(name) => Some((name.as_str(), loaded.job(name)?)),
        None => None,
    };
    match args.platform {
        Platform::Systemd => systemd(loaded, job),
        Platform::Kubernetes => kubernetes(loaded, job, &args.image),
        Platform::Ecs => Ok(ecs(loaded, job, &args.image)),
    }
}

fn cron<'a>(name: &str, job: &'a Job) -> Result<&'a str, String> {
    job.cron
        .as_deref()
        .ok_or_else(|| format!("job {name} has no cron line, so a platform cannot start it: add one"))
}

fn zone(loaded: &Loaded, job: &Job) -> String {
    let zone = job.time_zone.as_ref().or(loaded.config.defaults.time_zone.as_ref());
    zone.cloned().unwrap_or_else(|| "UTC".to_owned())
}

fn stop_seconds(loaded: &Loaded) -> u64 {
    seconds(&loaded.config.service.stop_wait).saturating_add(STOP_SECONDS)
}

#[derive(Template)]
#[template(path = "deploy/systemd.txt", escape = "none")]
struct Systemd<'a> {
    job: Option<&'a str>,
    calendar: String,
    catch_up: bool,
    stop_seconds: u64,
    /// Where runs are remembered, if the file says where.
    state_dir: Option<String>,
}

fn systemd(loaded: &Loaded, job: Option<(&str, &Job)>) -> Result<String, String> {
    let calendar = match job {
        Some((name, job)) => on_calendar(cron(name, job)?, &zone(loaded, job))?,
        None => String::new(),
    };
    let filled = Systemd {
        job: job.map(|(name, _)| name),
        calendar,
        catch_up: job.is_some_and(|(_, job)| job.catch_up),
        stop_seconds: stop_seconds(loaded),
        state_dir: loaded.config.defaults.state_dir.as_ref().map(|dir| dir.display().to_string()),
    };
    filled.render().map_err(|error| error.to_string())
}

#[derive(Template)]
#[template(path = "deploy/kubernetes.txt", escape = "none")]
struct Kubernetes<'a> {
    job: Option<&'a str>,
    /// As YAML, which JSON is.
    cron: String,
    zone: String,
    image: String,
    config: Vec<&'a str>,
    stop_seconds: u64,
    state_dir: String,
    port: u16,
}

fn kubernetes(loaded: &Loaded, job: Option<(&str, &Job)>, image: &str) -> Result<String, String> {
    let line = match job {
        Some((name, job)) => cron(name, job)?,
        None => "",
    };
    if line.split_whitespace().count() > 5 {
        return Err(format!(
            "`{line}` has seconds, which Kubernetes does not know: write it with five fields"
        ));
    }
    let text = std::fs::read_to_string(&loaded.path);
    let text = text.map_err(|error| format!("{} cannot be read: {error}", loaded.path.display()))?;
    let quoted = |words: &str| json!(words).to_string();
    let state_dir = loaded.config.defaults.state_dir.as_ref();
    let filled = Kubernetes {
        job: job.map(|(name, _)| name),
        cron: quoted(line),
        zone: quoted(&job.map_or_else(String::new, |(_, job)| zone(loaded, job))),
        image: quoted(image),
        config: text.lines().collect(),
        stop_seconds: stop_seconds(loaded),
        state_dir: quoted(
            &state_dir.map_or_else(|| "/var/lib/s3twin".to_owned(), |dir| dir.display().to_string()),
        ),
        port: PORT,
    };
    filled.render().map_err(|error| error.to_string())
}

/// JSON has no comments: what is to be changed has words in capitals.
fn ecs(loaded: &Loaded, job: Option<(&str, &Job)>, image: &str) -> String {
    let state_dir = loaded.config.defaults.state_dir.as_ref();
    let state_dir = state_dir.map_or_else(|| "/var/lib/s3twin".to_owned(), |dir| dir.display().to_string());
    let (family, command) = match job {
        Some((name, _)) => {
            (format!("s3twin-{}", name.replace('.', "-")), json!(["--log-format=json", "run", name]))
        }
        None => (
            "s3twin".to_owned(),
            json!(["--log-format=json", "schedule", format!("--listen=0.0.0.0:{PORT}")]),
        ),
    };
    let task = json!({
        "family": family,
        "requiresCompatibilities": ["FARGATE"],
        "networkMode": "awsvpc",
        "cpu": "1024",
        "memory": "2048",
        "executionRoleArn": "ROLE-THAT-PULLS-THE-IMAGE-AND-WRITES-LOGS",
        "taskRoleArn": "ROLE-THAT-MAY-READ-AND-WRITE-THE-BUCKETS",
        "containerDefinitions": [{
            "name": "s3twin",
            "image": image,
            "essential": true,
            "command": command,
            "environment": [
                { "name": "S3TWIN_CONFIG", "value": "/etc/s3twin/s3twin.toml" },
                { "name": "S3TWIN_STATE_DIR", "value": state_dir },
            ],
            "mountPoints": [{ "sourceVolume": "state", "containerPath": state_dir }],
            "stopTimeout": stop_seconds(loaded).min(STOP_SECONDS),
            "logConfiguration": {
                "logDriver": "awslogs",
                "options": { "awslogs-group": "s3twin", "awslogs-region": "REGION", "awslogs-stream-prefix": family },
            },
        }],
        "volumes": [{
            "name": "state",
            "efsVolumeConfiguration": { "fileSystemId": "FILE-SYSTEM", "transitEncryption": "ENABLED" },
        }],
    });
    format!("{task:#}")
}
