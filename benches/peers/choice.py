"""Which of several runs stands for a tool: the best of a rival's, the median of ours."""


def right(row):
    """A run whose figures count."""
    return "cannot" not in row and not row["wrong"] and not row.get("beyond")


def best(rows, figure="wall"):
    """The best right run of each tool: by wall time, unless by another figure."""
    found = {}
    for row in filter(right, rows):
        known = found.get(row["tool"])
        if row[figure] and (known is None or row[figure] < known[figure]):
            found[row["tool"]] = row
    return found


def ours(of_job):
    """Our median run; of several ways the better one's."""
    by_way = {}
    for row in of_job:
        if row["tool"] == "s3twin" and right(row):
            by_way.setdefault(row["how"], []).append(row)
    medians = [sorted(runs, key=lambda row: row["wall"])[len(runs) // 2] for runs in by_way.values()]
    return min(medians, key=lambda row: row["wall"], default=None)
