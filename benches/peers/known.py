"""What is known without asking any of the tools: what stood at a moment, and what requests cost."""

import datetime
import os
import tomllib

MASK = (1 << 64) - 1
# The oldest write of the server's implicit buckets, and how they are dated: see fixtures/src/synthetic.
BASE = int(datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone.utc).timestamp())
YEAR = 365 * 86_400
HOUR = 3600

# How S3 bills requests. Deletes and aborts are free; all others are billed like reads.
WRITES = {"ListObjects", "ListObjectsV2", "ListObjectVersions", "ListMultipartUploads", "ListParts", "ListBuckets",
          "PutObject", "CopyObject", "PostObject", "CreateMultipartUpload", "UploadPart", "UploadPartCopy",
          "CompleteMultipartUpload", "PutObjectTagging", "PutObjectAcl", "RestoreObject", "CreateBucket"}
FREE = {"DeleteObject", "DeleteObjects", "AbortMultipartUpload"}
PRICES = os.path.join(os.path.dirname(__file__), "..", "..", "bins", "templates", "prices.toml")


def _mix(value):
    value = (value + 0x9E3779B97F4A7C15) & MASK
    value = ((value ^ (value >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    value = ((value ^ (value >> 27)) * 0x94D049BB133111EB) & MASK
    return value ^ (value >> 31)


def stood_at(keys, moment):
    """Keys of an implicit versioned bucket whose oldest version is not after the moment."""
    seconds = int(datetime.datetime.fromisoformat(moment).timestamp()) - BASE
    return sum(_mix(index) % YEAR + HOUR <= seconds for index in range(keys))


def is_write(operation):
    """Changes a bucket."""
    return operation in (WRITES | FREE) and not operation.startswith("List")


class Prices:
    """The table that the program's `cost` command uses."""

    def __init__(self, path=PRICES):
        with open(path, "rb") as file:
            table = tomllib.load(file)
        self.source = table["source"]
        self.standard = table["classes"]["STANDARD"]

    def split(self, operations):
        """Requests billed like writes, like reads, and free."""
        writes = sum(count for name, count in operations.items() if name in WRITES)
        free = sum(count for name, count in operations.items() if name in FREE)
        return writes, sum(operations.values()) - writes - free, free

    def dollars(self, operations):
        writes, reads, _ = self.split(operations)
        return writes / 1000 * self.standard["write"] + reads / 1000 * self.standard["read"]
