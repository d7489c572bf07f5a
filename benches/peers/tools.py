"""How each tool is told to do each job, with its defaults and with well-chosen flags.

A tool answers a job with a list of (label, command); an empty list, or a reason, when it cannot do the job.
"""

import os
import re


def _number(pattern, text):
    found = re.search(pattern, text)
    return int(found.group(1).replace(",", "")) if found else None


class Tool:
    name = ""

    def __init__(self, home, s3twin, scratch):
        self.home, self.s3twin, self.scratch = home, s3twin, scratch

    def binary(self):
        return os.path.join(self.home, "venv", "bin", self.name)

    def available(self):
        return os.access(self.binary(), os.X_OK)

    def environment(self, endpoint):
        return {"AWS_ENDPOINT_URL": endpoint, "S3_ENDPOINT_URL": endpoint}

    def commands(self, job):
        """Commands for a job, or the reason why there are none."""
        return getattr(self, job.kind, lambda _: "not one of its jobs")(job)


class S3twin(Tool):
    name = "s3twin"

    def binary(self):
        return self.s3twin

    def environment(self, endpoint):
        return {"AWS_ENDPOINT_URL": endpoint, "S3TWIN_STATE_DIR": os.path.join(self.scratch, "state")}

    def _base(self, *words):
        return [self.s3twin, *words, "--no-progress", "--output", "json"]

    def audit(self, job):
        return [("defaults", self._base("audit", job.source, job.target))]

    def sync(self, job):
        return [("defaults", self._base("sync", job.source, job.target))]

    def relay(self, job):
        return [("defaults", self._base("sync", job.source, job.target, "--source-endpoint-url", job.endpoint,
                                        "--replica-endpoint-url", job.other))]

    def plan(self, job):
        return [("defaults", self._base("restore", job.source, "--at", job.at, "--in-place", "--dry-run"))]

    def restore(self, job):
        return [("defaults", self._base("restore", job.source, "--at", job.at, "--in-place"))]


class S5cmd(Tool):
    name = "s5cmd"

    def listing(self, job):
        return [("defaults", [self.binary(), "ls", f"{job.source}/*"])]

    def audit(self, job):
        words = ["--dry-run", "sync", "--size-only", f"{job.source}/*", f"{job.target}/"]
        return [("sizes only", [self.binary(), *words])]

    def sync(self, job):
        words = ["sync", "--size-only", f"{job.source}/*", f"{job.target}/"]
        return [("defaults", [self.binary(), *words]),
                ("64 workers", [self.binary(), "--numworkers", "64", *words])]

    def relay(self, _):
        return "knows one endpoint at a time"

    def plan(self, _):
        return "has no point in time"

    restore = plan


class Rclone(Tool):
    name = "rclone"
    TUNED = ["--fast-list", "--checkers", "64", "--transfers", "64", "--checksum", "--s3-no-check-bucket"]

    def environment(self, endpoint):
        one = lambda name, url: {
            f"RCLONE_CONFIG_{name}_TYPE": "s3", f"RCLONE_CONFIG_{name}_PROVIDER": "Other",
            f"RCLONE_CONFIG_{name}_ENV_AUTH": "true", f"RCLONE_CONFIG_{name}_ENDPOINT": url,
            f"RCLONE_CONFIG_{name}_REGION": "us-east-1",
        }
        return {**one("LAB", endpoint), **one("OTHER", self.other), "RCLONE_CONFIG": "/dev/null"}

    other = ""

    def _at(self, location, remote="lab"):
        return f"{remote}:{location.removeprefix('s3://')}"

    def listing(self, job):
        return [("--fast-list", [self.binary(), "lsf", "-R", "--fast-list", "--files-only", self._at(job.source)])]

    def audit(self, job):
        words = [self._at(job.source), self._at(job.target)]
        return [("--fast-list", [self.binary(), "check", "--fast-list", "--checkers", "32", *words])]

    def sync(self, job):
        words = ["copy", self._at(job.source), self._at(job.target)]
        return [("tuned", [self.binary(), *words, *self.TUNED])]

    def relay(self, job):
        words = ["copy", self._at(job.source), self._at(job.target, "other")]
        tuned = ["--transfers", "8", "--s3-upload-concurrency", "4", "--s3-chunk-size", "16M", "--s3-no-check-bucket"]
        return [("defaults", [self.binary(), *words]), ("tuned", [self.binary(), *words, *tuned])]

    def plan(self, job):
        remote = f":s3,provider=Other,env_auth,endpoint='{job.endpoint}',region=us-east-1,version_at='{job.at}':"
        bucket = job.source.removeprefix("s3://")
        return [("lists the moment", [self.binary(), "lsf", "-R", "--fast-list", "--files-only", remote + bucket])]

    def restore(self, _):
        return "reads a moment, but cannot bring it back in place"


class AwsCli(Tool):
    name = "aws"

    def listing(self, job):
        return [("defaults", [self.binary(), "s3", "ls", "--recursive", job.source])]

    def sync(self, job):
        return [("defaults", [self.binary(), "s3", "sync", "--only-show-errors", job.source, job.target])]

    def plan(self, _):
        return "has no point in time"

    restore = plan


class S3sync(Tool):
    name = "s3sync"

    def binary(self):
        return os.path.join(self.home, "s3sync", "bin", "s3sync")

    def _base(self, source_endpoint, target_endpoint):
        keys = ["LABACCESSKEY00000001", "labsecretlabsecretlabsecretlabsecret0001"]
        words = [self.binary()]
        for side, endpoint in (("source", source_endpoint), ("target", target_endpoint)):
            words += [f"--{side}-endpoint-url", endpoint, f"--{side}-region", "us-east-1", f"--{side}-force-path-style",
                      f"--{side}-access-key", keys[0], f"--{side}-secret-access-key", keys[1]]
        return words

    def audit(self, job):
        words = self._base(job.endpoint, job.endpoint)
        return [("--check-etag --dry-run", [*words, "--check-etag", "--dry-run", f"{job.source}/", f"{job.target}/"])]

    def sync(self, job):
        words = [*self._base(job.endpoint, job.endpoint), f"{job.source}/", f"{job.target}/"]
        return [("--server-side-copy", [*words, "--server-side-copy"]),
                ("64 workers", [*words, "--server-side-copy", "--check-etag", "--worker-size", "64",
                                "--max-parallel-uploads", "64", "--disable-tagging"])]

    def relay(self, job):
        words = [*self._base(job.endpoint, job.other), f"{job.source}/", f"{job.target}/"]
        return [("defaults", words), ("--auto-chunksize", [*words, "--auto-chunksize", "--max-parallel-uploads", "32"])]

    def plan(self, job):
        words = self._base(job.endpoint, job.endpoint)
        return [("--point-in-time --dry-run",
                 [*words, "--point-in-time", job.at, "--dry-run", f"{job.source}/", f"{job.target}/"])]

    def restore(self, _):
        return "restores to another place only"


class PitRestore(Tool):
    name = "s3-pit-restore"

    def plan(self, job):
        bucket = job.source.removeprefix("s3://")
        folder = os.path.join(self.scratch, "pit")
        return [("--dry-run", [self.binary(), "-b", bucket, "-d", folder, "-t", job.at, "--dry-run"])]

    def restore(self, _):
        return "restores files or to another bucket, one version a request"


ALL = [S3twin, S5cmd, Rclone, AwsCli, S3sync, PitRestore]
