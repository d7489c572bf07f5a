"""Runs every job with every tool, in turns, and writes what came of it as it goes. See ../peers.sh and ../README.md."""

import argparse
import datetime
import os
import platform
import shutil
import sys
import tempfile

import jobs
import measure
import report
import results
import tools
from lab import KEYS, Lab


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--home", required=True, help="where the tools are installed")
    parser.add_argument("--s3twin", required=True, help="our program")
    parser.add_argument("--set", choices=["peers", "growth", "all"], default="peers")
    parser.add_argument("--jobs", help="only these, with commas")
    parser.add_argument("--tools", help="only these, with commas")
    parser.add_argument("--rounds", type=int, default=3, help="runs of s3twin")
    parser.add_argument("--rival-rounds", type=int, default=1, help="runs of each other tool")
    parser.add_argument("--limit", type=int, default=300, help="seconds after which a tool is stopped")
    parser.add_argument("--port", type=int, default=19555, help="this and the next are taken")
    parser.add_argument("--out", help="folder for the results; without one benches/runs/DATE, in a smoke run none")
    parser.add_argument("--resume", action="store_true", help="keep what the folder holds and run only what is missing")
    parser.add_argument("--smoke", action="store_true", help="small sizes, one round: that it works, not how fast")
    parser.add_argument("--no-s3sync", action="store_true", help="for peers.sh")
    return parser.parse_args()


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "cpus": os.cpu_count(), "memory_gib": round(memory / (1 << 30), 1), "system": platform.release()}


def foreseen(job, tool, limit, kept):
    """Why a growth job is not begun: its last step, times ten, would not fit."""
    before = kept.last(job.before, tool.name) if job.before else None
    if before is None or tool.name == "s3twin":
        return None
    if "cannot" in before or before.get("beyond"):
        return "not begun: a tenth of it was too much already"
    if before["wrong"]:
        return "not begun: a tenth of it went wrong already"
    if before["wall"] * jobs.STEP > limit:
        return f"not begun: a tenth of it took {before['wall']:.0f} s, the limit is {limit} s"
    memory = machine()["memory_gib"] * 1024 / 2
    if before["rss_mib"] * jobs.STEP > memory:
        return f"not begun: a tenth of it took {before['rss_mib']:,.0f} MiB of memory"
    return None


class Bench:
    """What a whole run shares."""

    def __init__(self, given, scratch, kept):
        self.given, self.scratch, self.kept = given, scratch, kept
        every = [make(given.home, given.s3twin, scratch) for make in tools.ALL]
        wanted = given.tools.split(",") if given.tools else [tool.name for tool in every]
        if unknown := set(wanted) - {tool.name for tool in every}:
            sys.exit(f"no such tool: {', '.join(sorted(unknown))}; there are: {', '.join(t.name for t in every)}")
        self.tools = [tool for tool in every if tool.name in wanted]

    def row(self, job, tool, turn, how="", **figures):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds")
        row = {"job": job.name, "title": job.title, "kind": job.kind, "growth": job.growth, "tool": tool.name,
               "how": how, "turn": turn, "objects": job.objects, "unit": job.unit, "at": now, **figures}
        self.kept.add(row)
        return row

    def measured(self, job, tool, way, turn, labs):
        lab, other = labs
        folder = os.path.join(self.scratch, "cwd")
        os.makedirs(folder, exist_ok=True)
        env = {"PATH": os.environ["PATH"], "HOME": self.scratch, **KEYS, **tool.environment(lab.endpoint), **way.env}
        for one in labs:
            one.requests(reset=True)
        load = os.getloadavg()[0]
        found = measure.run(way.command, env, self.given.limit, folder)
        operations = {}
        for one in labs:
            for name, count in one.requests().items():
                operations[name] = operations.get(name, 0) + count
        wrong = None
        if found.code != 0 and not found.timed_out:
            wrong = f"exit {found.code}: {' '.join(found.output.strip().splitlines()[-1:])[:200]}"
        elif not found.timed_out:
            lab.latency(0)
            try:
                wrong = job.check(job, lab, other, found, way)
            except (ValueError, KeyError, IndexError) as error:
                wrong = f"its output cannot be read: {error!r}"
        # What a run leaves behind is no part of the next one.
        for left in (folder, os.path.join(self.scratch, "state"), os.path.join(self.scratch, "pit")):
            shutil.rmtree(left, ignore_errors=True)
        row = self.row(job, tool, turn, way.label, wall=round(found.wall, 3), cpu=round(found.cpu, 3),
                       rss_mib=round(found.rss_mib, 1), requests=sum(operations.values()), operations=operations,
                       wrong=wrong, beyond=found.timed_out, load=round(load, 2))
        said = f"stopped after {self.given.limit} s" if found.timed_out else wrong or ""
        print(f"{job.name:<10} {tool.name:<15} {way.label:<40} {row['wall']:>8.2f} s  {row['cpu']:>8.2f} s CPU  "
              f"{row['rss_mib']:>7.0f} MiB  {row['requests']:>8} requests  {said}", flush=True)

    def turns(self):
        """Who runs when: in turns, so that a busy moment of the machine does not fall on one tool alone."""
        most = 1 if self.given.smoke else max(self.given.rounds, self.given.rival_rounds)
        for turn in range(most):
            for tool in self.tools:
                own = self.given.rounds if tool.name == "s3twin" else self.given.rival_rounds
                if turn < max(1, own):
                    yield turn, tool

    def refusal(self, job, tool):
        if not tool.available():
            return "is not installed"
        ways = tool.ways(job)
        return ways if isinstance(ways, str) else foreseen(job, tool, self.given.limit, self.kept)

    def job(self, job, labs):
        lab, other = labs
        job.endpoint, job.other = lab.endpoint, other.endpoint
        tools.Rclone.other = other.endpoint
        if job.prepare:
            job.prepare(job, lab, other)
        run = 0
        for turn, tool in self.turns():
            if why := self.refusal(job, tool):
                if turn == 0 and not self.kept.has(job, tool.name, "", turn):
                    self.row(job, tool, turn, cannot=why)
                    print(f"{job.name:<10} {tool.name:<15} cannot: {why}", flush=True)
                continue
            number = len(tool.ways(job))
            # Growth asks how the better way grows; the comparison asks for both.
            chosen = range(number - 1, number) if job.growth else range(number)
            for index in chosen:
                if self.kept.has(job, tool.name, tool.ways(job)[index].label, turn):
                    continue
                lab.latency(0)
                if job.fresh:
                    job.fresh(job, lab, other, run)
                    run += 1
                lab.latency(job.latency)
                self.measured(job, tool, tool.ways(job)[index], turn, labs)


def selected(given):
    made = jobs.Set(given.smoke, given.s3twin)
    every = [*(made.peers() if given.set != "growth" else []), *(made.growth() if given.set != "peers" else [])]
    if not given.jobs:
        return every
    wanted = given.jobs.split(",")
    if unknown := set(wanted) - {job.name for job in every}:
        sys.exit(f"no such job: {', '.join(sorted(unknown))}; there are: {', '.join(job.name for job in every)}")
    return [job for job in every if job.name in wanted]


def main():
    given = arguments()
    with tempfile.TemporaryDirectory(prefix="s3twin-peers-") as scratch:
        day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
        folder = given.out or (os.path.join(scratch, "out") if given.smoke else os.path.join("benches", "runs", day))
        chosen = selected(given)
        kept = results.Results(folder, machine())
        bench = Bench(given, scratch, kept)
        if not given.resume:
            kept.forget([job.name for job in chosen], [tool.name for tool in bench.tools])
        begun = len(kept.rows)
        for job in chosen:
            # New servers for each job: no bucket of an earlier one takes memory.
            with Lab(given.s3twin, given.port) as lab, Lab(given.s3twin, given.port + 1) as other:
                bench.job(job, (lab, other))
            report.write(kept.rows, folder)
        if given.smoke:
            print(report.table(kept.rows))
            print("smoke run: the sizes say nothing about speed")
        else:
            print(f"written to {folder}")
        return 1 if any(row.get("wrong") for row in kept.rows[begun:]) else 0


if __name__ == "__main__":
    sys.exit(main())
