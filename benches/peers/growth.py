"""How each figure grows with the number of keys: what was measured, and the straight line through its last two points."""

import known

FIGURES = (("wall", "wall", "s"), ("cpu", "CPU", "s"), ("rss_mib", "peak memory", "MiB"), ("requests", "requests", ""))
# What is foreseen from the measured points, if it is not too far from them.
TOWARDS = (100_000_000, 1_000_000_000)
FARTHEST = 1000


def points(rows, kind, tool, figure):
    """(keys, figure) of the right runs; of several of one size the median."""
    by_size = {}
    for row in rows:
        if (row["kind"], row["tool"]) == (kind, tool) and "cannot" not in row and not row["wrong"] and not row["beyond"]:
            by_size.setdefault(row["objects"], []).append(row[figure])
    return [(size, sorted(values)[len(values) // 2]) for size, values in sorted(by_size.items())]


def line(measured):
    """Slope and value at the last point, through the last two. Nothing shrinks."""
    (n1, y1), (n2, y2) = measured[-2:]
    return max((y2 - y1) / (n2 - n1), 0), n2, y2


def tools(rows, kind):
    return list(dict.fromkeys(row["tool"] for row in rows if row["kind"] == kind))


def _amount(value, unit):
    text = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{text} {unit}".rstrip()


def _measured(rows, kind):
    sizes = sorted({row["objects"] for row in rows if row["kind"] == kind})
    lines = ["| tool | | " + " | ".join(f"{size:,}" for size in sizes) + " |", "|---" * (len(sizes) + 2) + "|"]
    for tool in tools(rows, kind):
        for figure, title, unit in FIGURES:
            found = dict(points(rows, kind, tool, figure))
            if found:
                cells = [_amount(found[size], unit) if size in found else "–" for size in sizes]
                lines.append(f"| {tool} | {title} | {' | '.join(cells)} |")
    return lines


def _foreseen(rows, kind):
    lines = ["| tool | | " + " | ".join(f"{size:,} keys" for size in TOWARDS) + " | by this arithmetic |",
             "|---" * (len(TOWARDS) + 3) + "|"]
    for tool in tools(rows, kind):
        for figure, title, unit in FIGURES:
            found = points(rows, kind, tool, figure)
            if len(found) < 2:
                continue
            slope, last, value = line(found)
            cells = []
            for size in TOWARDS:
                measured = dict(found).get(size)
                far = _amount(value + slope * (size - last), unit) if size <= last * FARTHEST else "too far to tell"
                cells.append(far if measured is None else f"{_amount(measured, unit)} (measured)")
            how = f"{_amount(value, unit)} + {slope:.3g} {unit} × (n − {last:,})".replace("  ", " ")
            lines.append(f"| {tool} | {title} | {' | '.join(cells)} | {how} |")
    return lines


def _dollars(rows, kind):
    prices, lines = known.Prices(), []
    lines = ["| tool | keys of the last run | requests | USD | USD for 1,000,000,000 keys |", "|---|---|---|---|---|"]
    for tool in tools(rows, kind):
        of_tool = [row for row in rows if (row["kind"], row["tool"]) == (kind, tool) and row.get("operations")
                   and not row["wrong"] and not row["beyond"]]
        if of_tool:
            row = max(of_tool, key=lambda row: row["objects"])
            usd = prices.dollars(row["operations"])
            lines.append(f"| {tool} | {row['objects']:,} | {row['requests']:,} | {usd:.4f} "
                         f"| {usd * 1e9 / row['objects']:,.2f} |")
    return lines


def pages(rows):
    """The tables of all kinds of growth jobs."""
    lines = []
    for kind, title in (("listing", "Listing"), ("audit", "Comparing two equal buckets")):
        if any(row["kind"] == kind for row in rows):
            lines += ["", f"## {title}", "", *_measured(rows, kind), "",
                      "Further than measured: a straight line through the last two measured sizes. A tool that moves to the "
                      "disk when memory gets short stays below it.", "",
                      *_foreseen(rows, kind), "", "Requests in dollars, in proportion to the last run:", "",
                      *_dollars(rows, kind)]
    return "\n".join(lines) + "\n"
