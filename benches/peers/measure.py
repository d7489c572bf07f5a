"""One whole process and all it starts: wall time, CPU, peak memory, output."""

import os
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass

# How often memory is looked at. A peak that lasts less can be missed.
LOOK_SECONDS = 0.01
# What is kept of the output; all of it is counted.
KEPT_BYTES = 4 << 20


@dataclass
class Measured:
    wall: float
    cpu: float
    rss_mib: float
    code: int
    output: str
    lines: int
    timed_out: bool


def _peak_kib(pid):
    """The peaks of a process and of those it started, added: some tools are a small program that starts the real one."""
    own, children = 0, set()
    try:
        with open(f"/proc/{pid}/status") as file:
            own = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
        for task in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{task}/children") as file:
                children.update(file.read().split())
    except OSError:
        # A thread or the process ended while it was looked at; what was read counts.
        pass
    return own + sum(_peak_kib(child) for child in children)


def _stop(process):
    """Ends a process with everything it started."""
    os.killpg(process.pid, signal.SIGKILL)
    return os.wait4(process.pid, 0)


def _wait(process, begun, limit):
    """Waits for the end or the limit. Not ru_maxrss for memory: that begins with what the forking process held."""
    peak = 0
    while True:
        peak = max(peak, _peak_kib(process.pid))
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            return peak, status, usage, False
        if time.monotonic() - begun > limit:
            _, status, usage = _stop(process)
            return peak, status, usage, True
        time.sleep(LOOK_SECONDS)


def _lines(sink):
    sink.seek(0)
    return sum(block.count(b"\n") for block in iter(lambda: sink.read(1 << 20), b""))


def run(command, env, limit, folder):
    """Waits for the process and its figures; stops it after `limit` seconds."""
    with tempfile.TemporaryFile(dir=folder) as sink:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env,
                                   cwd=folder, start_new_session=True)
        try:
            peak, status, usage, timed_out = _wait(process, begun, limit)
        except BaseException:
            _stop(process)
            raise
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        lines = _lines(sink)
        sink.seek(max(0, sink.tell() - KEPT_BYTES))
        output = sink.read().decode(errors="replace")
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(wall, cpu, peak / 1024, process.returncode, output, lines, timed_out)
