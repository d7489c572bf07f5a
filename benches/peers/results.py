"""The rows of a run, on disk after each: a late failure loses nothing, and a run can be gone on with."""

import json
import os


class Results:
    def __init__(self, folder, machine):
        self.path = os.path.join(folder, "peers.json")
        os.makedirs(folder, exist_ok=True)
        self.rows, self.machine = [], machine
        if os.path.exists(self.path):
            with open(self.path) as file:
                self.rows = json.load(file)["rows"]

    def _save(self):
        # Never half a file: the new one takes the place of the old one when it is whole.
        with open(self.path + ".part", "w") as file:
            json.dump({"machine": self.machine, "rows": self.rows}, file, indent=1)
        os.replace(self.path + ".part", self.path)

    def add(self, row):
        self.rows.append(row)
        self._save()

    def forget(self, jobs, tools):
        """Makes room for new rows of these jobs by these tools."""
        self.rows = [row for row in self.rows if row["job"] not in jobs or row["tool"] not in tools]
        self._save()

    def has(self, job, tool, how, turn):
        """Was it run? Of the same size: its title says how much."""
        wanted = (job.title, tool, how, turn)
        return any((row["title"], row["tool"], row["how"], row.get("turn")) == wanted for row in self.rows if "how" in row)

    def last(self, job, tool):
        """The last row of a job by a tool."""
        return next((row for row in reversed(self.rows) if (row["job"], row["tool"]) == (job, tool)), None)
