"""How each tool is told to do each job: with its defaults, and with well-chosen flags.

A tool answers a job with ways to do it, or with the reason why it cannot.
"""

import json
import os
import re
from dataclasses import dataclass, field

NO_TIME = "has no point in time"
ONE_ENDPOINT = "knows one endpoint at a time"


def lines(measured):
    """A tool that prints a line per object, and nothing else."""
    return measured.lines


def first_number(pattern):
    """A tool that says the number in words."""
    def named(measured):
        found = re.search(pattern, measured.output)
        return int(found.group(1).replace(",", "")) if found else 0
    return named


def matching_lines(word):
    """A tool that prints a line per object among others. Only where the whole output is kept."""
    def named(measured):
        return sum(word in line for line in measured.output.splitlines())
    return named


@dataclass
class Way:
    """`named` reads from the output how many objects the tool says that it dealt with; None where it is silent."""

    label: str
    command: list
    named: object = None
    env: dict = field(default_factory=dict)


class Tool:
    name = ""
    # Why a job cannot be done, by kind.
    cannot = {}

    def __init__(self, home, s3twin, scratch):
        self.home, self.s3twin, self.scratch = home, s3twin, scratch

    def binary(self):
        return os.path.join(self.home, "venv", "bin", self.name)

    def available(self):
        return os.access(self.binary(), os.X_OK)

    def environment(self, endpoint):
        return {"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": endpoint}

    def ways(self, job):
        """Ways to do a job, or the reason why there are none."""
        if job.kind in self.cannot:
            return self.cannot[job.kind]
        return getattr(self, job.kind)(job)


def _summary(field_of):
    """The one JSON object of our output; what is said on stderr may stand around it."""
    def named(measured):
        found, _ = json.JSONDecoder().raw_decode(measured.output, measured.output.index("{"))
        return field_of(found)
    return named


class S3twin(Tool):
    name = "s3twin"

    def binary(self):
        return self.s3twin

    def environment(self, endpoint):
        return {"AWS_ENDPOINT_URL": endpoint, "S3TWIN_STATE_DIR": os.path.join(self.scratch, "state")}

    def _run(self, *words, of=None):
        return [Way("defaults", [self.s3twin, *words, "--no-progress", "--output", "json"], of and _summary(of))]

    def listing(self, job):
        counted = _summary(lambda found: found["buckets"][0]["held"]["keys"])
        return [Way("versions: prints each key", [self.s3twin, "versions", job.source], lines),
                Way("cost: counts", [self.s3twin, "cost", job.source, "--output", "json"], counted)]

    def audit(self, job):
        return self._run("audit", job.source, job.target, of=lambda summary: summary["verdicts"]["identical"])

    def sync(self, job):
        return self._run("sync", job.source, job.target, of=lambda summary: summary["keys"]["source"])

    def relay(self, job):
        return self._run("sync", job.source, job.target, "--source-endpoint-url", job.endpoint,
                         "--replica-endpoint-url", job.other, of=lambda summary: summary["actions"]["copied"])

    def plan(self, job):
        return self._run("restore", job.source, "--at", job.at, "--in-place", "--dry-run",
                         of=lambda summary: summary["keys"]["source"])

    def restore(self, job):
        return self._run("restore", job.source, "--at", job.at, "--in-place",
                         of=lambda summary: summary["keys"]["source"])


class S5cmd(Tool):
    name = "s5cmd"
    cannot = {"relay": ONE_ENDPOINT, "plan": NO_TIME, "restore": NO_TIME}

    def listing(self, job):
        return [Way("ls", [self.binary(), "ls", f"{job.source}/*"], lines),
                Way("du: counts", [self.binary(), "du", f"{job.source}/*"], first_number(r"bytes in (\d+) objects"))]

    def audit(self, job):
        words = [f"{job.source}/*", f"{job.target}/"]
        return [Way("--dry-run sync: times and sizes", [self.binary(), "--dry-run", "sync", *words]),
                Way("… --size-only", [self.binary(), "--dry-run", "sync", "--size-only", *words])]

    def sync(self, job):
        words = [f"{job.source}/*", f"{job.target}/"]
        return [Way("defaults", [self.binary(), "sync", *words]),
                Way("--size-only, 64 workers", [self.binary(), "--numworkers", "64", "sync", "--size-only", *words])]


class Rclone(Tool):
    name = "rclone"
    cannot = {"restore": "reads a moment, but cannot bring it back in place"}
    other = ""

    def environment(self, endpoint):
        def one(name, url):
            return {f"RCLONE_CONFIG_{name}_TYPE": "s3", f"RCLONE_CONFIG_{name}_PROVIDER": "Other",
                    f"RCLONE_CONFIG_{name}_ENV_AUTH": "true", f"RCLONE_CONFIG_{name}_ENDPOINT": url,
                    f"RCLONE_CONFIG_{name}_REGION": "us-east-1"}
        return {**one("LAB", endpoint), **one("OTHER", self.other), "RCLONE_CONFIG": "/dev/null"}

    def _at(self, location, remote="lab"):
        return f"{remote}:{location.removeprefix('s3://')}"

    def listing(self, job):
        words = [self.binary(), "lsf", "-R", "--files-only", self._at(job.source)]
        counts = [self.binary(), "size", "--json", "--fast-list", self._at(job.source)]
        return [Way("lsf", words, lines), Way("lsf --fast-list", [*words, "--fast-list"], lines),
                Way("size --fast-list: counts", counts, first_number(r'"count":(\d+)'))]

    def audit(self, job):
        words = [self.binary(), "check", self._at(job.source), self._at(job.target)]
        same = first_number(r"([\d,]+) matching files")
        return [Way("defaults", words, same),
                Way("--fast-list, 64 checkers", [*words, "--fast-list", "--checkers", "64"], same)]

    def sync(self, job):
        words = [self.binary(), "copy", self._at(job.source), self._at(job.target)]
        tuned = ["--fast-list", "--checkers", "64", "--transfers", "64", "--checksum", "--s3-no-check-bucket"]
        return [Way("defaults", words), Way("--checksum --fast-list, 64 at once", [*words, *tuned])]

    def relay(self, job):
        words = [self.binary(), "copy", self._at(job.source), self._at(job.target, "other")]
        tuned = ["--transfers", "8", "--s3-upload-concurrency", "4", "--s3-chunk-size", "16M", "--s3-no-check-bucket"]
        return [Way("defaults", words), Way("8 × 4 chunks of 16 MiB", [*words, *tuned])]

    def plan(self, job):
        remote = f":s3,provider=Other,env_auth,endpoint='{job.endpoint}',region=us-east-1,version_at='{job.at}':"
        words = [self.binary(), "lsf", "-R", "--files-only", remote + job.source.removeprefix("s3://")]
        return [Way("lists the moment", words, lines),
                Way("lists the moment, --fast-list", [*words, "--fast-list"], lines)]


class AwsCli(Tool):
    name = "aws"
    cannot = {"relay": ONE_ENDPOINT, "plan": NO_TIME, "restore": NO_TIME}

    def available(self):
        self.many = os.path.join(self.scratch, "aws-config")
        with open(self.many, "w") as file:
            file.write("[default]\ns3 =\n  max_concurrent_requests = 64\n  max_queue_size = 10000\n")
        return super().available()

    def listing(self, job):
        return [Way("s3 ls", [self.binary(), "s3", "ls", "--recursive", job.source], lines)]

    def audit(self, job):
        words = [self.binary(), "s3", "sync", "--dryrun", job.source, job.target]
        return [Way("sync --dryrun: times and sizes", words), Way("… --size-only", [*words, "--size-only"])]

    def sync(self, job):
        words = [self.binary(), "s3", "sync", "--only-show-errors", job.source, job.target]
        return [Way("defaults", words), Way("--size-only, 64 at once", [*words, "--size-only"],
                                            env={"AWS_CONFIG_FILE": self.many})]


class S3sync(Tool):
    name = "s3sync"
    cannot = {"listing": "lists only on its way to a copy", "restore": "restores to another place only"}

    def binary(self):
        return os.path.join(self.home, "s3sync", "bin", "s3sync")

    def _base(self, job, target_endpoint=None):
        keys = ["LABACCESSKEY00000001", "labsecretlabsecretlabsecretlabsecret0001"]
        words = [self.binary()]
        for side, endpoint in (("source", job.endpoint), ("target", target_endpoint or job.endpoint)):
            words += [f"--{side}-endpoint-url", endpoint, f"--{side}-region", "us-east-1", f"--{side}-force-path-style",
                      f"--{side}-access-key", keys[0], f"--{side}-secret-access-key", keys[1]]
        return [*words, f"{job.source}/", f"{job.target}/"]

    def audit(self, job):
        words = [*self._base(job), "--check-etag"]
        # Its report asks for each object by itself; a dry run lists.
        return [Way("--check-etag --report-sync-status", [*words, "--report-sync-status"],
                    first_number(r"etag_matches=(\d+)")),
                Way("--check-etag --dry-run", [*words, "--dry-run"])]

    def sync(self, job):
        words = [*self._base(job), "--server-side-copy"]
        tuned = ["--check-etag", "--worker-size", "64", "--max-parallel-uploads", "64", "--disable-tagging"]
        return [Way("--server-side-copy", words), Way("--check-etag, 64 workers", [*words, *tuned])]

    def relay(self, job):
        words = self._base(job, job.other)
        return [Way("defaults", words),
                Way("--auto-chunksize", [*words, "--auto-chunksize", "--max-parallel-uploads", "32"])]

    def plan(self, job):
        words = [*self._base(job), "--point-in-time", job.at, "--dry-run"]
        named = first_number(r"transferred_object=(\d+)")
        return [Way("--point-in-time --dry-run", words, named),
                Way("… 64 workers", [*words, "--worker-size", "64"], named)]


class PitRestore(Tool):
    name = "s3-pit-restore"
    cannot = {"listing": "only restores", "audit": "only restores", "sync": "only restores", "relay": "only restores"}

    def plan(self, job):
        words = [self.binary(), "-b", job.source.removeprefix("s3://"), "-t", job.at, "--dry-run"]
        return [Way("--dry-run, to files", [*words, "-d", os.path.join(self.scratch, "pit")], lines),
                Way("--dry-run, to another bucket", [*words, "-B", "elsewhere"], lines)]

    def restore(self, job):
        bucket = job.source.removeprefix("s3://")
        words = [self.binary(), "-b", bucket, "-B", bucket, "-t", job.at]
        return [Way("copies every key", words), Way("copies every key, 64 workers", [*words, "--max-workers", "64"])]


ALL = [S3twin, S5cmd, Rclone, AwsCli, S3sync, PitRestore]
