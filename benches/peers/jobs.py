"""The jobs: what is prepared, what must be true afterwards. Sizes are full, or small for a smoke run."""

import json
import os
import subprocess
from dataclasses import dataclass

from lab import KEYS


@dataclass
class Job:
    """One job. `fresh` makes a new target before each run; `check` says what is wrong afterwards, or None."""

    name: str
    title: str
    kind: str
    latency: int
    source: str
    target: str = ""
    at: str = ""
    endpoint: str = ""
    other: str = ""
    objects: int = 0
    unit: str = "objects"
    timeout: int = 400
    prepare: object = None
    fresh: object = None
    check: object = None


def _listed(job, lab, other, measured, tool):
    """As many keys listed as there are: by the server's count of pages."""
    pages = sum(count for name, count in lab.requests().items() if name.startswith("ListObject"))
    sides = 1 if job.kind in ("listing", "plan") else 2
    wanted = sides * job.objects * (3 if job.kind == "plan" else 1) // 1000
    return None if pages >= wanted else f"only {pages} pages were asked for, {wanted} hold all"


def _equal(s3twin, endpoint, job, target_endpoint=None):
    """The independent word on a sync: source and target list alike, by the sums of an audit's listing."""
    words = [s3twin, "audit", job.source, job.target, "--depth", "listing", "--output", "json", "--no-progress",
             "--source-endpoint-url", endpoint, "--replica-endpoint-url", target_endpoint or endpoint]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **KEYS})
    summary = json.loads(done.stdout)
    missing = summary["verdicts"]["missing"] + summary["verdicts"]["different"]
    whole = summary["keys"]["source"] == job.objects
    return None if whole and missing == 0 else f"{missing} of {summary['keys']['source']} keys are not there"


def build(small, s3twin):
    """All jobs, in order."""
    big = (lambda full, smoke: smoke if small else full)
    million, listing = big(1_000_000, 20_000), big("1m", "20k")
    many, many_name = big(200_000, 4_000), big("200k", "4k")
    copies, copies_name = big(20_000, 1_000), big("20k", "1k")
    past = "2024-12-31T00:00:00Z"

    def checked(job, lab, other, measured, tool):
        return _equal(s3twin, lab.endpoint, job)

    def restocked(bucket_from):
        def fresh(job, lab, other, run):
            job.target = f"s3://{job.name}-{run}"
            lab.stock(f"{job.name}-{run}", **{"from": bucket_from})
        return fresh

    def empty(job, lab, other, run):
        job.target = f"s3://{job.name}-{run}"
        lab.stock(f"{job.name}-{run}", **{"from": "syn-flat-0"})

    def relayed(job, lab, other, run):
        job.target, job.other = f"s3://relayed-{run}", other.endpoint
        if run > 0:
            other.drop(f"relayed-{run - 1}")
        other.stock(f"relayed-{run}", **{"from": "syn-flat-0"})

    def rewritten(job, lab, other, run):
        job.source = f"s3://{job.name}-{run}"
        lab.stock(f"{job.name}-{run}", **{"from": f"syn-flat-{big('50k', '1k')}", "versioned": True, "overwritten": True})

    def restored(job, lab, other, measured, tool):
        done = json.loads(measured.output).get("actions", {}).get("restored", 0)
        return None if done >= job.objects * 0.95 else f"only {done} were restored"

    def relay_checked(job, lab, other, measured, tool):
        return _equal(s3twin, lab.endpoint, job, other.endpoint)

    def relay_stock(job, lab, other):
        parts = big(128, 4)
        lab.stock("relay-source", objects=job.objects, parts=parts, part_bytes=8 << 20)

    return [
        Job("list", f"list {million:,} keys, 30 ms", "listing", 30, f"s3://syn-flat-{listing}-a", objects=million,
            unit="keys", check=_listed),
        Job("audit", f"compare {million:,} keys with an equal replica, 30 ms", "audit", 30,
            f"s3://syn-flat-{listing}-a", f"s3://syn-flat-{listing}-b", objects=million, unit="keys", check=_listed),
        Job("noop", f"sync of {many:,} equal keys, 10 ms", "sync", 10, f"s3://syn-flat-{many_name}-a",
            f"s3://syn-flat-{many_name}-b", objects=many, unit="keys", check=_listed),
        Job("missing", f"sync of {many:,} keys, 1 % missing, 10 ms", "sync", 10, f"s3://syn-flat-{many_name}-a",
            objects=many, unit="keys", fresh=restocked(f"syn-flat-{many_name}-missing1pct"), check=checked),
        Job("copy-0ms", f"copy {copies:,} x 10 KiB server-side, 0 ms", "sync", 0, f"s3://syn-flat-{copies_name}-a",
            objects=copies, fresh=empty, check=checked),
        Job("copy-20ms", f"copy {copies:,} x 10 KiB server-side, 20 ms", "sync", 20, f"s3://syn-flat-{copies_name}-a",
            objects=copies, fresh=empty, check=checked),
        Job("relay", f"relay 8 x {big('1 GiB', '32 MiB')} between two endpoints", "relay", 0, "s3://relay-source",
            objects=8, prepare=relay_stock, fresh=relayed, check=relay_checked),
        Job("plan", f"point-in-time plan, {million:,} keys x 3 versions, 30 ms", "plan", 30,
            f"s3://syn-versions-{big('3m', '60k')}-a", f"s3://syn-flat-0", at=past, objects=million, unit="keys",
            check=_listed),
        Job("restore", f"bring {big('50,000', '1,000')} versions back in place, 10 ms", "restore", 10, "",
            at="2025-06-01T00:00:00Z", objects=big(50_000, 1_000), fresh=rewritten, check=restored),
    ]
