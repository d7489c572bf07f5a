"""Alert rules, dashboard and docs/METRICS.md against a real Prometheus that scrapes a real `s3twin schedule`.

Arguments: program, scratch folder. Needs promtool and prometheus on the PATH. The first check that fails ends the
suite with exit code 1.

Jobs of every kind run on the embedded server, come clean, differ, fail, recover, are missed; then every expression
of the rules and of the dashboard is asked of Prometheus, and each must have an answer with figures in it.
"""

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from pathlib import Path

PROGRAM, SCRATCH = sys.argv[1], Path(sys.argv[2])
OPERATE = Path(__file__).resolve().parent.parent / "docs" / "operate"
WAIT = 60

ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": str(SCRATCH),
    "AWS_ACCESS_KEY_ID": "LABACCESSKEY00000001",
    "AWS_SECRET_ACCESS_KEY": "labsecretlabsecretlabsecretlabsecret0001",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
    "S3TWIN_STATE_DIR": str(SCRATCH / "state"),
}

CONFIG = """\
[defaults]
notify = ["nobody"]

[notifications.nobody]
on = ["failure", "difference"]
webhook = {{ url = "http://127.0.0.1:9/" }}

[buckets]
source = {{ location = "s3://media", endpoint_url = "{lab}" }}
replica = {{ location = "s3://media-replica", endpoint_url = "{lab}" }}
far-behind = {{ location = "s3://far-behind", endpoint_url = "{lab}" }}
nowhere = {{ location = "s3://no-such-bucket", endpoint_url = "{lab}" }}

[pairs]
media = {{ source = "source", replica = "replica" }}
behind = {{ source = "source", replica = "far-behind" }}
broken = {{ source = "source", replica = "nowhere" }}

[jobs]
check = {{ command = "audit", pair = "media", overdue_after = "1s" }}
copy = {{ command = "sync", pair = "media", overdue_after = "1s", notify = [], cron = "*/5 * * * * *" }}
broken = {{ command = "audit", pair = "broken", overdue_after = "1h" }}
lag = {{ command = "lag", pair = "media", notify = [] }}
behind = {{ command = "lag", pair = "behind", flags = {{ rpo = "1s" }}, notify = [] }}
cost = {{ command = "cost", buckets = ["source"], notify = [] }}
drill = {{ command = "drill", buckets = ["source"], flags = {{ sample = 3 }}, notify = [] }}
"""

SCRAPE = """\
global: {{ scrape_interval: 1s, evaluation_interval: 1s }}
rule_files: ["{rules}"]
scrape_configs:
  - job_name: s3twin
    static_configs: [{{ targets: ["{target}"] }}]
"""


def fail(what):
    sys.exit(f"FAILED {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def get(url, body=None):
    with urllib.request.urlopen(url, data=body, timeout=10) as answer:
        return answer.read().decode()


def until(what, look):
    """The first answer that is one, within a minute."""
    ends = time.monotonic() + WAIT
    while time.monotonic() < ends:
        try:
            if found := look():
                return found
        except OSError:
            pass
        time.sleep(0.2)
    fail(f"waited in vain until {what}")


class Service:
    """A program that runs beside the suite, and ends with it."""

    def __init__(self, name, *command):
        self.log = SCRATCH / f"{name}.log"
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=self.log.open("ab"), stderr=subprocess.STDOUT)
        RUNNING.append(self)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(timeout=30)


RUNNING = []


def job(name, *codes):
    """Runs a job to its end, which must be one of these."""
    command = [PROGRAM, "run", name, "--config", SCRATCH / "s3twin.toml", "--metrics-file", SCRATCH / "s3twin.prom"]
    done = subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, timeout=120)
    if done.returncode not in codes:
        fail(f"job {name} ended with {done.returncode}, not {codes}: {done.stderr}")


def promtool(what, *command, stdin=None):
    done = subprocess.run(["promtool", *command], input=stdin, capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"{what}: {done.stdout}{done.stderr}")
    print(f"ok {what}")


def rules():
    """Each alert and its expression. The file is ours and plain: no YAML library is needed."""
    text = (OPERATE / "alerts.yml").read_text()
    return re.findall(r"- alert: (\w+)\n(?:\s*#.*\n)*\s*expr: (.+)", text)


def panels():
    """Each panel and each of its expressions, for every job, as Grafana asks them."""
    dashboard = json.loads((OPERATE / "dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel["targets"]:
            yield panel["title"], target["expr"].replace("$job_name", ".+")


def answers(prometheus, expression):
    """What Prometheus says now; a figure that is none does not count."""
    found = json.loads(get(f"{prometheus}/api/v1/query?" + urllib.parse.urlencode({"query": expression})))
    return [row for row in found["data"]["result"] if row["value"][1] != "NaN"]


def has_answers(prometheus, what, expression):
    try:
        count = len(until(f"{what} has figures: {expression}", lambda: answers(prometheus, expression)))
    except urllib.error.HTTPError as error:
        fail(f"{what}: {expression}: {error.read().decode()}")
    print(f"ok {what}: {count} series")


def names(text):
    return set(re.findall(r"s3twin_\w+", text))


def scraped(target):
    text = get(f"http://{target}/metrics")
    promtool("a scrape", "check", "metrics", stdin=text)
    promtool("a textfile", "check", "metrics", stdin=(SCRATCH / "s3twin.prom").read_text())
    documented = names((OPERATE.parent / "METRICS.md").read_text())
    if names(text) != documented:
        fail(f"docs/METRICS.md and a scrape do not name the same: {sorted(names(text) ^ documented)}")
    print(f"ok {len(documented)} metrics, each scraped and each documented")


def dashboard_is_sound():
    """What an import needs, and what it does not say when it is missing."""
    dashboard = json.loads((OPERATE / "dashboard.json").read_text())
    places = {}
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        if at["x"] + at["w"] > 24:
            fail(f"{panel['title']} is wider than the page")
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            if other := places.setdefault(cell, panel["title"]):
                if other != panel["title"]:
                    fail(f"{panel['title']} lies on {other}")
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        if any(source != {"type": "prometheus", "uid": "${datasource}"} for source in sources):
            fail(f"{panel['title']} asks a data source that only one Grafana has")
    for unique in ("id", "title"):
        if len({panel[unique] for panel in dashboard["panels"]}) != len(dashboard["panels"]):
            fail(f"two panels have one {unique}")
    print("ok dashboard.json")


def suite():
    promtool("alerts.yml", "check", "rules", OPERATE / "alerts.yml")
    promtool("alerts_test.yml", "test", "rules", OPERATE / "alerts_test.yml")
    dashboard_is_sound()

    lab, target, prometheus = (f"127.0.0.1:{free_port()}" for _ in range(3))
    Service("lab", PROGRAM, "lab", "--port", lab.split(":")[1], "--data", "demo")
    until("the lab answers", lambda: get(f"http://{lab}/_lab/requests"))
    stock = {"bucket": "far-behind", "from": "syn-flat-3", "versioned": True}
    get(f"http://{lab}/_lab/stock", json.dumps(stock).encode())
    (SCRATCH / "s3twin.toml").write_text(CONFIG.format(lab=f"http://{lab}"))
    (SCRATCH / "prometheus.yml").write_text(SCRAPE.format(rules=OPERATE / "alerts.yml", target=target))
    schedule = [PROGRAM, "schedule", "--config", SCRATCH / "s3twin.toml", "--listen", target]
    service = Service("schedule", *schedule)
    Service(
        "prometheus", "prometheus", f"--config.file={SCRATCH / 'prometheus.yml'}",
        f"--storage.tsdb.path={SCRATCH / 'tsdb'}", f"--web.listen-address={prometheus}",
    )
    prometheus = f"http://{prometheus}"
    until("Prometheus scrapes", lambda: answers(prometheus, "s3twin_build_info"))
    # The replica of the demo is damaged, and the sync leaves there what is not in the source.
    job("check", 1)
    job("lag", 0, 1)
    job("behind", 1)
    job("broken", 4)
    job("cost", 0)
    job("drill", 0, 1)
    alarms(prometheus, service, schedule)
    for name, expression in panels():
        has_answers(prometheus, f"panel {name}", expression)
    scraped(target)


def alarms(prometheus, service, schedule):
    """Each rule once, with its own expression. An hour is not waited for: the offset is cut to seconds."""
    left = dict(rules())
    if missing := {"S3twinSilent", "S3twinJobsMissed"} - left.keys():
        fail(f"alerts.yml has no {missing}")
    short = {name: expression.replace("offset 1h", "offset 10s") for name, expression in left.items()}
    for name in [name for name in left if name not in ("S3twinSilent", "S3twinJobsMissed")]:
        if name == "S3twinNotTold":
            job("broken", 4)
        has_answers(prometheus, f"alert {name}", short.pop(name))
    service.stop()
    has_answers(prometheus, "alert S3twinSilent", short["S3twinSilent"])
    # So long that the job of every five seconds was due.
    time.sleep(7)
    Service("schedule", *schedule)
    has_answers(prometheus, "alert S3twinJobsMissed", short["S3twinJobsMissed"])


if __name__ == "__main__":
    try:
        suite()
    finally:
        for running in reversed(RUNNING):
            running.stop()
