"""The jobs: what is prepared, what must be true afterwards. Sizes are full, or small for a smoke run."""

import json
import os
import subprocess
from dataclasses import dataclass

import known
from lab import KEYS

# A page of a listing holds so many keys.
PAGE = 1000
# Growth goes in steps of ten; a rival's next step is foreseen by its last.
STEP = 10


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
    # Objects that a tool's output must name, and rows that it must have listed on all sides together.
    named: int = 0
    listed: int = 0
    unit: str = "objects"
    prepare: object = None
    fresh: object = None
    check: object = None
    # Of the growth jobs, and which of them this one continues.
    growth: bool = False
    before: str = ""


def _listed(job, lab, other, measured, way):
    """The tool names all that there is; of one that names nothing, every page was asked for."""
    if way.named:
        named = way.named(measured)
        return None if named == job.named else f"it names {named} {job.unit}, there are {job.named}"
    pages = sum(count for name, count in lab.requests().items() if name.startswith("ListObject"))
    return None if pages * PAGE >= job.listed else f"only {pages} pages were asked for, {job.listed // PAGE} hold all"


def _unchanged(job, lab, other, measured, way):
    """As above, and nothing was written: all was equal."""
    writes = {name: count for name, count in lab.requests().items() if known.is_write(name)}
    return f"it wrote: {writes}" if writes else _listed(job, lab, other, measured, way)


def _silent(job, lab, other, measured, way):
    """As above; a tool that names nothing may also have announced nothing, all being equal."""
    if not way.named and measured.lines > 3 and any(word in measured.output for word in ("cp ", "copy")):
        return f"it announces {measured.lines} copies between equal buckets"
    return _unchanged(job, lab, other, measured, way)


def _equal(s3twin, job, source, target, target_endpoint):
    """The word on a sync: source and target list alike, by the sums of an audit's listing."""
    words = [s3twin, "audit", source, target, "--depth", "listing", "--output", "json", "--no-progress",
             "--source-endpoint-url", job.endpoint, "--replica-endpoint-url", target_endpoint]
    done = subprocess.run(words, capture_output=True, text=True, env={**os.environ, **KEYS})
    try:
        summary = json.loads(done.stdout)
    except ValueError:
        return f"the result could not be audited: {done.stderr.strip()[-200:]}"
    verdicts, seen = summary["verdicts"], summary["keys"]["source"]
    bad = verdicts["missing"] + verdicts["different"] + verdicts["extra"]
    return None if seen == job.objects and bad == 0 else f"{bad} of {seen} keys are not right afterwards"


class Set:
    """The jobs of one run of the script. Small ones have the same shape."""

    def __init__(self, small, s3twin):
        self.small, self.s3twin = small, s3twin

    def _size(self, full, smoke):
        return smoke if self.small else full

    def _copied(self, job, lab, other, measured, way):
        return _equal(self.s3twin, job, job.source, job.target, job.endpoint)

    def _relayed(self, job, lab, other, measured, way):
        return _equal(self.s3twin, job, job.source, job.target, other.endpoint)

    @staticmethod
    def _restocked(bucket_from):
        def fresh(job, lab, other, run):
            job.target = f"s3://{job.name}-{run}"
            lab.stock(f"{job.name}-{run}", **{"from": bucket_from})
            if run > 0:
                lab.drop(f"{job.name}-{run - 1}")
        return fresh

    def listings(self):
        count, name = self._size((1_000_000, "1m"), (20_000, "20k"))
        many, many_name = self._size((200_000, "200k"), (4_000, "4k"))

        def equal_twins(job, lab, other):
            for bucket in ("noop-source", "noop-replica"):
                lab.stock(bucket, **{"from": f"syn-flat-{many_name}"})

        missing = self._restocked(f"syn-flat-{many_name}-missing1pct")
        return [
            Job("list", f"list {count:,} keys, 30 ms", "listing", 30, f"s3://syn-flat-{name}-a", objects=count,
                named=count, listed=count, unit="keys", check=_listed),
            Job("audit", f"compare {count:,} keys with an equal replica, 30 ms", "audit", 30, f"s3://syn-flat-{name}-a",
                f"s3://syn-flat-{name}-b", objects=count, named=count, listed=2 * count, unit="keys", check=_silent),
            Job("noop", f"sync of {many:,} equal keys, 10 ms", "sync", 10, "s3://noop-source", "s3://noop-replica",
                objects=many, named=many, listed=2 * many, unit="keys", prepare=equal_twins, check=_unchanged),
            Job("missing", f"sync of {many:,} keys, 1 % missing, 10 ms", "sync", 10, f"s3://syn-flat-{many_name}-a",
                objects=many, unit="keys", fresh=missing, check=self._copied),
        ]

    def copies(self):
        count, name = self._size((20_000, "20k"), (1_000, "1k"))
        empty = self._restocked("syn-flat-0")
        part_count = self._size(128, 4)

        def relayed(job, lab, other, run):
            job.target, job.other = f"s3://relayed-{run}", other.endpoint
            if run > 0:
                other.drop(f"relayed-{run - 1}")
            other.stock(f"relayed-{run}", **{"from": "syn-flat-0"})

        def relay_stock(job, lab, other):
            lab.stock("relay-source", objects=job.objects, parts=part_count, part_bytes=8 << 20)

        copy = [Job(f"copy-{latency}ms", f"copy {count:,} × 10 KiB server-side, {latency} ms", "sync", latency,
                    f"s3://syn-flat-{name}-a", objects=count, fresh=empty, check=self._copied) for latency in (0, 20)]
        return [*copy, Job("relay", f"relay 8 × {self._size('1 GiB', '32 MiB')} between two endpoints", "relay", 0,
                           "s3://relay-source", objects=8, prepare=relay_stock, fresh=relayed, check=self._relayed)]

    def moments(self):
        versions, name = self._size((999_999, "999999"), (60_000, "60k"))
        back, back_name = self._size((50_000, "50k"), (1_000, "1k"))
        middle = "2024-07-01T00:00:00Z"

        def rewritten(job, lab, other, run):
            job.source = f"s3://{job.name}-{run}"
            lab.stock(f"{job.name}-{run}", **{"from": f"syn-flat-{back_name}", "versioned": True, "overwritten": True})
            if run > 0:
                lab.drop(f"{job.name}-{run - 1}")

        def restored(job, lab, other, measured, way):
            return _equal(self.s3twin, job, f"s3://syn-flat-{back_name}", job.source, job.endpoint)

        return [
            Job("plan", f"point-in-time plan, {versions // 3:,} keys × 3 versions, 30 ms", "plan", 30,
                f"s3://syn-versions-{name}-a", "s3://syn-versions-0", at=middle, objects=versions // 3,
                named=known.stood_at(versions // 3, middle), listed=versions, unit="keys", check=_unchanged),
            Job("restore", f"bring {back:,} versions back in place, 10 ms", "restore", 10, "",
                at="2025-06-01T00:00:00Z", objects=back, fresh=rewritten, check=restored),
        ]

    def peers(self):
        """All jobs of the comparison, in order."""
        return [*self.listings(), *self.copies(), *self.moments()]

    def growth(self):
        """The same two jobs at growing sizes."""
        sizes = self._size(["10k", "100k", "1m", "10m", "100m"], ["1k", "10k", "100k"])
        jobs = []
        for kind, word, sides, check in (("listing", "list", 1, _listed), ("audit", "compare", 2, _silent)):
            before = ""
            for name in sizes:
                count = int(name[:-1]) * {"k": 1_000, "m": 1_000_000}[name[-1]]
                jobs.append(Job(f"{word}-{name}", f"{word} {count:,} keys, 10 ms", kind, 10, f"s3://syn-flat-{name}-a",
                                f"s3://syn-flat-{name}-b", objects=count, named=count, listed=sides * count,
                                unit="keys", check=check, growth=True, before=before))
                before = f"{word}-{name}"
        return jobs
