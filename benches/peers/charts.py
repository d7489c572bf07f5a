"""Bars per job, as SVG: wall time, and CPU per unit of work. Best run of each tool; runs that were wrong are left out."""

import os

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "s3twin"

import matplotlib.pyplot as plot  # noqa: E402

OURS, OTHERS = "#1f6feb", "#8b949e"


def best(rows, figure):
    """The smallest figure of each tool."""
    found = {}
    for row in rows:
        if "cannot" in row or row["wrong"] or row[figure] is None:
            continue
        if row["tool"] not in found or row[figure] < found[row["tool"]]:
            found[row["tool"]] = row[figure]
    return sorted(found.items(), key=lambda item: item[1])


def draw(rows, folder):
    for figure, title, unit in (("wall", "wall time", "s"), ("cpu", "CPU time", "s"), ("rss_mib", "peak memory", "MiB")):
        names = [job for job in dict.fromkeys(row["job"] for row in rows)
                 if len(best([row for row in rows if row["job"] == job], figure)) > 1]
        if not names:
            continue
        canvas, places = plot.subplots(len(names), 1, figsize=(8, 1.5 * len(names) + 0.6), squeeze=False)
        for place, name in zip(places[:, 0], names):
            of_job = [row for row in rows if row["job"] == name]
            bars = best(of_job, figure)[::-1]
            drawn = place.barh([tool for tool, _ in bars], [value for _, value in bars],
                               color=[OURS if tool == "s3twin" else OTHERS for tool, _ in bars])
            place.bar_label(drawn, [f"{value:,.3g} {unit}" for _, value in bars], padding=3, fontsize=8)
            place.set_title(of_job[0]["title"], fontsize=9, loc="left")
            place.margins(x=0.15)
            place.tick_params(labelsize=8)
            place.spines[["top", "right", "bottom"]].set_visible(False)
            place.set_xticks([])
        canvas.suptitle(title, fontsize=11)
        canvas.tight_layout()
        canvas.savefig(os.path.join(folder, f"peers-{figure.split('_')[0]}.svg"), metadata={"Date": None})
        plot.close(canvas)
