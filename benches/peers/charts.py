"""Charts as SVG, of the best run of each rival and the median of ours. The ground is left transparent, and ink is a grey
that can be read on white and on black."""

import os

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.fonttype"] = "none"
matplotlib.rcParams["svg.hashsalt"] = "s3twin"
INK = "#7d8590"
for part in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color", "grid.color"):
    matplotlib.rcParams[part] = INK

import matplotlib.pyplot as plot  # noqa: E402

import choice  # noqa: E402
import growth  # noqa: E402

OURS, OTHERS = "#2f81f7", "#9aa3ad"
COLOURS = {"s3twin": OURS, "s5cmd": "#db6d28", "rclone": "#2da44e", "aws": "#bf8700", "s3sync": "#a371f7"}


def bars_of(of_job, figure):
    """A figure of each tool, the smallest first."""
    found = {tool: row[figure] for tool, row in choice.best(of_job, figure).items() if tool != "s3twin"}
    if own := choice.ours(of_job):
        found["s3twin"] = own[figure]
    return sorted(found.items(), key=lambda item: item[1])


def _save(canvas, folder, name):
    canvas.tight_layout()
    canvas.savefig(os.path.join(folder, name), metadata={"Date": None}, transparent=True)
    plot.close(canvas)


def bars(rows, folder):
    """Bars per job: one file for each figure."""
    for figure, title, unit in (("wall", "wall time", "s"), ("cpu", "CPU time", "s"), ("rss_mib", "peak memory", "MiB")):
        by_job = {job: [row for row in rows if row["job"] == job] for job in dict.fromkeys(row["job"] for row in rows)}
        by_job = {job: of_job for job, of_job in by_job.items() if len(bars_of(of_job, figure)) > 1}
        if not by_job:
            continue
        canvas, places = plot.subplots(len(by_job), 1, figsize=(8, 1.6 * len(by_job) + 0.6), squeeze=False)
        for place, of_job in zip(places[:, 0], by_job.values()):
            drawn = bars_of(of_job, figure)[::-1]
            shapes = place.barh([tool for tool, _ in drawn], [value for _, value in drawn],
                                color=[OURS if tool == "s3twin" else OTHERS for tool, _ in drawn])
            place.bar_label(shapes, [f"{value:,.3g} {unit}" for _, value in drawn], padding=3, fontsize=8, color=INK)
            place.set_title(of_job[0]["title"], fontsize=9, loc="left")
            place.margins(x=0.15)
            place.tick_params(labelsize=8)
            place.spines[["top", "right", "bottom"]].set_visible(False)
            place.set_xticks([])
        canvas.suptitle(title, fontsize=11)
        _save(canvas, folder, f"peers-{figure.split('_')[0]}.svg")


def lines(rows, folder):
    """Growth with the number of keys, both axes in powers of ten: one file for each job."""
    for kind, name in (("listing", "list"), ("audit", "audit")):
        tools = growth.tools(rows, kind)
        if not any(growth.points(rows, kind, tool, "wall") for tool in tools):
            continue
        canvas, places = plot.subplots(1, 3, figsize=(10, 3.6))
        for place, (figure, title, unit) in zip(places, growth.FIGURES):
            for tool in tools:
                found = [point for point in growth.points(rows, kind, tool, figure) if point[1]]
                place.plot(*zip(*found), marker="o", markersize=3, label=tool, color=COLOURS.get(tool, OTHERS),
                           linewidth=2 if tool == "s3twin" else 1.2) if found else None
            place.set(xscale="log", yscale="log", xlabel="keys", title=f"{title}, {unit}")
            place.title.set_fontsize(9)
            place.tick_params(labelsize=8)
            place.grid(alpha=0.3)
            place.spines[["top", "right"]].set_visible(False)
        places[0].legend(fontsize=8, frameon=False)
        _save(canvas, folder, f"growth-{name}.svg")
