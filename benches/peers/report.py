"""Tables and charts out of the rows of a run. Alone: report.py FOLDER writes them again from peers.json."""

import json
import os
import sys

import charts
import growth
import known
from choice import best, ours

FIGURES = (("wall", "wall"), ("cpu", "CPU"), ("rss_mib", "memory"), ("requests", "requests"))


def jobs_of(rows):
    """Rows by job, in the order of their first."""
    by_job = {}
    for row in rows:
        by_job.setdefault(row["job"], []).append(row)
    return by_job


def _line(row):
    if "cannot" in row:
        return f"| {row['tool']} | cannot: {row['cannot']} | | | | | |"
    rss = f"{row['rss_mib']:,.0f} MiB" if row["rss_mib"] else "not measured"
    if row.get("beyond"):
        return f"| {row['tool']} | {row['how']} | > {row['wall']:.0f} s, stopped | | | {rss} | {row['requests']:,} so far |"
    each = row["cpu"] / max(1, row["objects"]) * 1e6
    wrong = f" **not counted: {row['wrong']}**" if row["wrong"] else ""
    return (f"| {row['tool']} | {row['how']}{wrong} | {row['wall']:.2f} s | {row['cpu']:.2f} s | {each:,.1f} µs | {rss} "
            f"| {row['requests']:,} |")


def table(rows):
    """Every run, by job."""
    lines = []
    for of_job in jobs_of(rows).values():
        lines += ["", f"### {of_job[0]['title']}", "", "| tool | how | wall | CPU | CPU per unit | peak RSS | requests |",
                  "|---|---|---|---|---|---|---|", *map(_line, of_job)]
    return "\n".join(lines) + "\n"


def ratios(rows):
    """How many times our figure each rival's is: of its best run, to our median."""
    lines = ["", "## As ratios", "", "How many times s3twin's median each tool's best run (by wall time) takes: "
             "wall / CPU / memory / requests. Below 1 it is ahead of s3twin.", ""]
    tools = list(dict.fromkeys(row["tool"] for row in rows if row["tool"] != "s3twin"))
    lines += [f"| job | s3twin | {' | '.join(tools)} |", "|---" * (len(tools) + 2) + "|"]
    for of_job in jobs_of(rows).values():
        own = ours(of_job)
        if own is None:
            continue
        found = best(of_job)
        cells = [f"{own['wall']:.2f} s, {own['cpu']:.2f} s CPU, {own['rss_mib']:,.0f} MiB, {own['requests']:,} requests"]
        for tool in tools:
            if tool in found:
                cells.append(" / ".join(_times(found[tool][figure], own[figure]) for figure, _ in FIGURES))
            else:
                why = [row for row in of_job if row["tool"] == tool]
                cells.append(_why(why[-1], own) if why else "not run")
        lines.append(f"| {of_job[0]['title']} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def _times(theirs, own):
    if not theirs or not own:
        return "–"
    return f"{theirs / own:.2g}" if theirs / own < 10 else f"{theirs / own:,.0f}"


def _why(row, own):
    if row.get("beyond"):
        return f"more than {row['wall'] / own['wall']:,.0f} times the wall time"
    return row.get("cannot") or f"wrong: {row['wrong']}"


def dollars(rows):
    """What the counted requests of each tool's best run would have cost."""
    prices = known.Prices()
    lines = ["", f"Requests counted by the server, at {prices.standard['write']} USD per thousand "
             f"PUT, COPY, POST, LIST and {prices.standard['read']} per thousand others; deletes are free "
             f"({prices.source}). Storage and transfer are not in it.", "",
             "| job | tool | how | like writes | like reads | USD | USD per million |", "|---|---|---|---|---|---|---|"]
    for of_job in jobs_of(rows).values():
        for row in best(of_job).values():
            if operations := row.get("operations"):
                writes, reads, _ = prices.split(operations)
                usd = prices.dollars(operations)
                lines.append(f"| {row['title']} | {row['tool']} | {row['how']} | {writes:,} | {reads:,} | {usd:.4f} "
                             f"| {usd / row['objects'] * 1e6:.4f} |")
    return "\n".join(lines) + "\n"


def write(rows, folder):
    """Everything that can be told of these rows."""
    compared = [row for row in rows if not row.get("growth")]
    grown = [row for row in rows if row.get("growth")]
    pages = {}
    if compared:
        pages["peers.md"] = "# Beside others\n" + ratios(compared) + "\n## Every run\n" + table(compared)
        if any(row.get("operations") for row in compared):
            pages["dollars.md"] = "# What requests cost\n" + dollars(compared)
        charts.bars(compared, folder)
    if grown:
        pages["growth.md"] = "# How cost grows\n" + growth.pages(grown) + "\n## Every run\n" + table(grown)
        charts.lines(grown, folder)
    for name, text in pages.items():
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)


if __name__ == "__main__":
    with open(os.path.join(sys.argv[1], "peers.json")) as rows_of:
        write(json.load(rows_of)["rows"], sys.argv[1])
