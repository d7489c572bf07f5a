"""The embedded server in a process of its own, and its door for settings."""

import json
import os
import socket
import subprocess
import time
import urllib.request

KEYS = {
    "AWS_ACCESS_KEY_ID": "LABACCESSKEY00000001",
    "AWS_SECRET_ACCESS_KEY": "labsecretlabsecretlabsecretlabsecret0001",
    "AWS_REGION": "us-east-1",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


class Lab:
    def __init__(self, s3twin, port):
        self.endpoint = f"http://127.0.0.1:{port}"
        # Another server's counts would be taken for this one's.
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise RuntimeError(f"port {port} is taken: choose another with --port")
        command = [s3twin, "lab", "--port", str(port)]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **KEYS})
        for _ in range(100):
            if self.process.poll() is not None:
                break
            try:
                self.requests()
                return
            except OSError:
                time.sleep(0.05)
        self.process.kill()
        raise RuntimeError(f"the lab does not answer on {self.endpoint}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()

    def _post(self, door, wish):
        request = urllib.request.Request(f"{self.endpoint}/_lab/{door}", json.dumps(wish).encode(), method="POST")
        urllib.request.urlopen(request).read()

    def latency(self, milliseconds):
        self._post("config", {"latency_ms": milliseconds})

    def stock(self, bucket, **wish):
        """A new bucket: from="syn-…" with versioned, overwritten; or objects, parts, part_bytes."""
        self._post("stock", {"bucket": bucket, **wish})

    def drop(self, bucket):
        """Takes a bucket away with all it holds."""
        self._post("drop", {"bucket": bucket})

    def requests(self, reset=False):
        """Requests by operation since the last reset."""
        with urllib.request.urlopen(f"{self.endpoint}/_lab/requests") as answer:
            counts = json.load(answer)["requests"]
        if reset:
            self._post("reset", {})
        return counts
