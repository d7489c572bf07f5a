"""Runs every job with every tool, in turns, and writes what came of it. See ../peers.sh."""

import argparse
import datetime
import itertools
import json
import os
import platform
import sys
import tempfile

import charts
import jobs
import measure
import tools
from lab import KEYS, Lab


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--home", required=True)
    parser.add_argument("--s3twin", required=True)
    parser.add_argument("--jobs", help="only these, with commas")
    parser.add_argument("--tools", help="only these, with commas")
    parser.add_argument("--rounds", type=int, default=3, help="runs of s3twin; the others run once")
    parser.add_argument("--port", type=int, default=19555)
    parser.add_argument("--smoke", action="store_true", help="small sizes, one round, nothing recorded")
    parser.add_argument("--no-s3sync", action="store_true")
    return parser.parse_args()


def machine():
    with open("/proc/cpuinfo") as file:
        model = next((line.split(":")[1].strip() for line in file if line.startswith("model name")), "")
    return {"cpu": model, "cpus": os.cpu_count(), "system": platform.release(), "load": os.getloadavg()[0]}


def one_run(job, tool, label, command, labs, timeout):
    lab, other = labs
    env = {"PATH": os.environ["PATH"], "HOME": tool.scratch, **KEYS, **tool.environment(lab.endpoint)}
    lab.requests(reset=True)
    other.requests(reset=True)
    measured = measure.run(command, env, timeout)
    requests = sum(lab.requests().values()) + sum(other.requests().values())
    if measured.timed_out:
        wrong = f"stopped after {timeout} s"
    elif measured.code != 0:
        wrong = f"exit {measured.code}: {measured.output.strip().splitlines()[-1:]}"
    else:
        wrong = job.check(job, lab, other, measured, tool)
    row = {"job": job.name, "title": job.title, "tool": tool.name, "how": label, "wall": round(measured.wall, 3),
           "cpu": round(measured.cpu, 3), "rss_mib": round(measured.rss_mib, 1), "requests": requests,
           "objects": job.objects, "unit": job.unit, "wrong": wrong}
    print(f"{job.name:<10} {tool.name:<15} {label:<26} {row['wall']:>8.2f} s  {row['cpu']:>7.2f} s CPU  "
          f"{row['rss_mib']:>7.0f} MiB  {requests:>8} requests  {wrong or ''}", flush=True)
    return row


def one_job(job, chosen, labs, rounds):
    lab, other = labs
    job.endpoint, job.other = lab.endpoint, other.endpoint
    if job.prepare:
        job.prepare(job, lab, other)
    rows, run = [], 0
    for turn in range(rounds):
        for tool in chosen:
            # In turns, so that a busy moment of the machine does not fall on one tool alone.
            if turn > 0 and tool.name != "s3twin":
                continue
            for number in itertools.count():
                if job.fresh:
                    lab.latency(0)
                    job.fresh(job, lab, other, run)
                    run += 1
                lab.latency(job.latency)
                ways = tool.commands(job)
                if isinstance(ways, str):
                    rows.append({"job": job.name, "title": job.title, "tool": tool.name, "cannot": ways})
                    break
                label, command = ways[number]
                rows.append(one_run(job, tool, label, command, labs, job.timeout))
                if number + 1 == len(ways):
                    break
    lab.latency(0)
    return rows


def table(rows):
    lines = []
    for job in dict.fromkeys(row["job"] for row in rows):
        of_job = [row for row in rows if row["job"] == job]
        lines += ["", f"### {of_job[0]['title']}", "", "| tool | how | wall | CPU | per unit | peak RSS | requests |",
                  "|---|---|---|---|---|---|---|"]
        for row in of_job:
            if "cannot" in row:
                if row["cannot"] != "not one of its jobs":
                    lines.append(f"| {row['tool']} | cannot: {row['cannot']} | | | | | |")
                continue
            each = row["cpu"] / max(1, row["objects"]) * 1e6
            wrong = f" **not counted: {row['wrong']}**" if row["wrong"] else ""
            lines.append(f"| {row['tool']} | {row['how']}{wrong} | {row['wall']:.2f} s | {row['cpu']:.2f} s | "
                         f"{each:,.1f} µs | {row['rss_mib']:.0f} MiB | {row['requests']:,} |")
    return "\n".join(lines) + "\n"


def main():
    given = arguments()
    scratch = tempfile.TemporaryDirectory(prefix="s3twin-peers-")
    every = [make(given.home, given.s3twin, scratch.name) for make in tools.ALL]
    wanted = given.tools.split(",") if given.tools else [tool.name for tool in every]
    chosen = [tool for tool in every if tool.name in wanted and tool.available()]
    for tool in every:
        if tool.name in wanted and not tool.available():
            print(f"{tool.name} is not installed and left out", file=sys.stderr)
    selected = [job for job in jobs.build(given.smoke, given.s3twin)
                if not given.jobs or job.name in given.jobs.split(",")]
    rows = []
    for job in selected:
        # New servers for each job: no bucket of an earlier one takes memory.
        with Lab(given.s3twin, given.port) as lab, Lab(given.s3twin, given.port + 1) as other:
            tools.Rclone.other = other.endpoint
            rows += one_job(job, chosen, (lab, other), 1 if given.smoke else given.rounds)
    wrong = [row for row in rows if row.get("wrong") and row["tool"] == "s3twin"]
    if given.smoke:
        print("smoke run: the sizes say nothing about speed")
        return 1 if wrong else 0
    day = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    folder = os.path.join("benches", "runs", day)
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "peers.json"), "w") as file:
        json.dump({"date": day, "machine": machine(), "rows": rows}, file, indent=1)
    with open(os.path.join(folder, "peers.md"), "w") as file:
        file.write(table(rows))
    charts.draw(rows, folder)
    print(table(rows))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
