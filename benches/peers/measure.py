"""One whole process: wall time, CPU, peak memory, output."""

import os
import subprocess
import tempfile
import time
from dataclasses import dataclass


@dataclass
class Measured:
    wall: float
    cpu: float
    rss_mib: float
    code: int
    output: str
    timed_out: bool


def _peak_kib(pid):
    """The largest of a process and its children: some tools come as a small program that starts the real one."""
    try:
        with open(f"/proc/{pid}/status") as file:
            own = next((int(line.split()[1]) for line in file if line.startswith("VmHWM")), 0)
        with open(f"/proc/{pid}/task/{pid}/children") as file:
            return max([own, *(_peak_kib(child) for child in file.read().split())])
    except OSError:
        return 0


def run(command, env, timeout):
    """Waits for the process and its figures. Output beyond the last 4 MiB is dropped."""
    with tempfile.TemporaryFile() as sink:
        begun = time.monotonic()
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=env)
        timed_out, peak = False, 0
        while True:
            # Not ru_maxrss: that begins with the memory of the process that forked.
            peak = max(peak, _peak_kib(process.pid))
            pid, status, usage = os.wait4(process.pid, os.WNOHANG)
            if pid:
                break
            if time.monotonic() - begun > timeout:
                timed_out = True
                process.kill()
                _, status, usage = os.wait4(process.pid, 0)
                break
            time.sleep(0.005)
        wall = time.monotonic() - begun
        process.returncode = os.waitstatus_to_exitcode(status)
        size = sink.seek(0, 2)
        sink.seek(max(0, size - (4 << 20)))
        output = sink.read().decode(errors="replace")
    cpu = usage.ru_utime + usage.ru_stime
    return Measured(wall, cpu, peak / 1024, process.returncode, output, timed_out)
