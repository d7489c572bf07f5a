"""s3twin against moto: sync, audit and restore, each result checked through boto3 and never through s3twin.

Arguments: endpoint, program, scratch folder. The first check that fails ends the suite with exit code 1.

What moto cannot do is skipped by name, printed as `SKIP name: why`:
"""

import json
import os
import subprocess
import sys
import time
import urllib.request

import boto3
from botocore.config import Config

SKIPPED = {
    "copy-guard": "moto ignores If-None-Match and If-Match on the destination of CopyObject, so races cannot be lost there",
    "delete-guard": "moto ignores If-Match on DeleteObject",
    "default-crc64nvme": "moto stores no checksum unless the client sends one, so other part layouts stay unproven there",
    "version-order": "moto lists delete markers behind all versions, so histories with markers are not compared, and "
                     "nothing is restored or undeleted by them; that this is told is checked",
    "thaw-wait": "moto thaws at once, so no version is seen still waiting when a restore is resumed",
    "thaw-version": "moto answers RestoreObject of a named version by the current one, so only current versions are thawed",
    "control-keys": "moto writes keys with control characters raw into XML even when asked for encoding-type=url",
    "region-redirect": "moto serves every bucket in every region, so there is no redirect to follow",
    "throttling": "moto never answers 503 SlowDown",
}

ENDPOINT, PROGRAM, SCRATCH = sys.argv[1:4]
MIB = 1 << 20
SMALL = 1_200
MULTIPART = "multipart"
ODD_KEYS = [
    "a b+%\u00e9", "uploads//double", "\U0001f4f7/sommer.jpg", "<script>alert(1)</script>.txt", "per%25cent%2Fslash",
    "plus+sign and space", "quote\"and'apostrophe&amp;.txt", "e\u0301-decomposed", "\u00e9-composed", "tail/",
]
ENVIRONMENT = {
    "PATH": os.environ.get("PATH", ""),
    "HOME": SCRATCH,
    "AWS_ACCESS_KEY_ID": "moto",
    "AWS_SECRET_ACCESS_KEY": "moto",
    "AWS_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def client():
    config = Config(s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, aws_access_key_id="moto", aws_secret_access_key="moto",
        region_name="us-east-1", config=config,
    )


S3 = client()


def same(what, got, wanted):
    """Ends the suite unless the two are equal."""
    if got != wanted:
        sys.exit(f"FAILED {what}\n  wanted {wanted!r}\n  got    {got!r}")


def s3twin(command, *arguments, code=0):
    """Runs the program, demands its exit code, and returns (summary, findings by key)."""
    report = os.path.join(SCRATCH, f"report-{time.monotonic_ns()}")
    line = [PROGRAM, command, *arguments, "--endpoint-url", ENDPOINT, "--output", "json", "--report", report]
    line += ["--state-dir", os.path.join(SCRATCH, "state")]
    ended = subprocess.run(line, env=ENVIRONMENT, capture_output=True, timeout=300)
    if ended.returncode != code:
        sys.exit(f"FAILED {' '.join(line)}\n  wanted exit code {code}, got {ended.returncode}\n"
                 f"{ended.stdout.decode()}\n{ended.stderr.decode()}")
    summary = json.loads(ended.stdout)
    rows, file = [], os.path.join(report, "findings.jsonl")
    # A run that was refused has none.
    if code != 2:
        with open(file, encoding="utf-8") as lines:
            rows = [json.loads(row) for row in lines]
    same("order of findings", [row["key"] for row in rows], sorted((row["key"] for row in rows), key=str.encode))
    return summary, {row["key"]: row for row in rows}


def keys(bucket, prefix=""):
    pages = S3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [row["Key"] for page in pages for row in page.get("Contents", [])]


def versions(bucket):
    pages = S3.get_paginator("list_object_versions").paginate(Bucket=bucket)
    return sum(len(page.get("Versions", [])) for page in pages)


def held(bucket, key):
    """What a twin must have too."""
    got = S3.get_object(Bucket=bucket, Key=key)
    # moto answers one request at a time: the many small objects, which have no tags, are not asked for them.
    plain = key.startswith("small/")
    tags = [] if plain else S3.get_object_tagging(Bucket=bucket, Key=key)["TagSet"]
    return {
        "bytes": got["Body"].read(),
        "type": got["ContentType"],
        "cache": got.get("CacheControl"),
        "metadata": got["Metadata"],
        "tags": sorted((tag["Key"], tag["Value"]) for tag in tags),
    }


def twins(what, source, replica, without=()):
    listed = [key for key in keys(source) if not key.startswith(tuple(without))]
    same(f"{what}: keys", keys(replica), listed)
    for key in listed:
        a, b = held(source, key), held(replica, key)
        for field in a:
            if a[field] != b[field]:
                sys.exit(f"FAILED {what}: {field} of {key!r} differs: {a[field][:80]!r} and {b[field][:80]!r}")


def wait_for_server():
    for _ in range(300):
        try:
            urllib.request.urlopen(f"{ENDPOINT}/moto-api/", timeout=2)
            return
        except OSError:
            time.sleep(0.1)
    sys.exit("FAILED moto did not start within 30 seconds")


def done(stage):
    print(f"ok {stage} after {time.monotonic() - begun:.0f} s", flush=True)


def fill(bucket):
    for number in range(SMALL):
        S3.put_object(Bucket=bucket, Key=f"small/{number:05}.txt", Body=f"object {number}\n".encode())
    for number, key in enumerate(ODD_KEYS):
        S3.put_object(Bucket=bucket, Key=key, Body=f"odd {number}".encode(), ContentType="text/plain")
    S3.put_object(Bucket=bucket, Key="empty", Body=b"")
    S3.put_object(
        Bucket=bucket, Key="dressed", Body=b"with everything", ContentType="image/webp",
        CacheControl="public, max-age=60", Metadata={"artist": "Ada", "year": "1843"}, Tagging="licence=cc-by&tier=gold",
    )
    upload = S3.create_multipart_upload(Bucket=bucket, Key=MULTIPART, ContentType="audio/flac", Metadata={"m": "v"})
    parts = []
    for number, body in enumerate([b"A" * (5 * MIB), b"B" * (5 * MIB), b"C" * MIB], start=1):
        part = S3.upload_part(Bucket=bucket, Key=MULTIPART, UploadId=upload["UploadId"], PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": part["ETag"]})
    S3.complete_multipart_upload(
        Bucket=bucket, Key=MULTIPART, UploadId=upload["UploadId"], MultipartUpload={"Parts": parts},
    )
    return SMALL + len(ODD_KEYS) + 3


def sync_and_audit():
    for bucket in ("source", "replica"):
        S3.create_bucket(Bucket=bucket)
    S3.put_bucket_versioning(Bucket="replica", VersioningConfiguration={"Status": "Enabled"})
    count = fill("source")

    summary, findings = s3twin("audit", "s3://source", "s3://replica", code=1)
    same("everything is missing", (summary["verdicts"]["missing"], len(findings)), (count, count))
    same("a dry run changes nothing", (s3twin("sync", "s3://source", "s3://replica", "--dry-run")[1].keys() == findings.keys(), keys("replica")), (True, []))

    summary, _ = s3twin("sync", "s3://source", "s3://replica")
    same("objects copied", summary["actions"]["copied"], count)
    ignored = f"{ENDPOINT}: destination not guarded: this server ignores If-None-Match on CopyObject; " \
        "each key is looked at just before instead"
    same("what moto ignores is said", ignored in summary["remarks"], True)
    same("the trial left nothing", versions("replica"), count)
    twins("first sync", "source", "replica")
    summary, findings = s3twin("audit", "s3://source", "s3://replica")
    same("all identical", (summary["verdicts"]["identical"], findings), (count, {}))
    summary, _ = s3twin("sync", "s3://source", "s3://replica")
    same("a second sync does nothing", sum(summary["actions"].values()), 0)
    done("sync and audit")


def damage_is_found_and_healed():
    S3.delete_object(Bucket="replica", Key="small/00007.txt")
    S3.delete_object(Bucket="replica", Key=ODD_KEYS[2])
    S3.put_object(Bucket="replica", Key="small/00100.txt", Body=b"object 10X\n")
    S3.put_object(Bucket="replica", Key="small/01199.txt", Body=b"short")
    S3.put_object(Bucket="replica", Key="stray/one", Body=b"stray")
    S3.put_object(Bucket="replica", Key="stray/two.tmp", Body=b"stray")
    wanted = {
        "small/00007.txt": "missing", ODD_KEYS[2]: "missing", "small/00100.txt": "different",
        "small/01199.txt": "different", "stray/one": "extra", "stray/two.tmp": "extra",
    }
    _, findings = s3twin("audit", "s3://source", "s3://replica", code=1)
    same("the damage", {key: row["verdict"] for key, row in findings.items()}, wanted)

    s3twin("sync", "s3://source", "s3://replica")
    same("extras stay unasked", keys("replica", "stray/"), ["stray/one", "stray/two.tmp"])
    s3twin("sync", "s3://source", "s3://replica", "--delete", "--max-delete", "1", code=3)
    same("the brake held", keys("replica", "stray/"), ["stray/one", "stray/two.tmp"])
    s3twin("sync", "s3://source", "s3://replica", "--delete", "--exclude", "*.tmp")
    same("the excluded stays", keys("replica", "stray/"), ["stray/two.tmp"])
    s3twin("sync", "s3://source", "s3://replica", "--delete")
    twins("healed", "source", "replica")
    s3twin("audit", "s3://source", "s3://replica")
    done("damage")


def relay_and_prefixes():
    S3.create_bucket(Bucket="relayed")
    s3twin("sync", "s3://source", "s3://relayed", "--copy-mode", "relay", "--exclude", "small/**")
    twins("relay", "source", "relayed", without=["small/"])
    same("multipart ETag", S3.head_object(Bucket="relayed", Key=MULTIPART)["ETag"],
         S3.head_object(Bucket="source", Key=MULTIPART)["ETag"])
    S3.create_bucket(Bucket="prefixed")
    s3twin("sync", "s3://source/small/00", "s3://prefixed/x/y/")
    same("prefixes", keys("prefixed"), ["x/y/" + key.removeprefix("small/00") for key in keys("source", "small/00")])
    open_uploads = [S3.list_multipart_uploads(Bucket=bucket).get("Uploads", []) for bucket in ("replica", "relayed")]
    same("no upload is left open", open_uploads, [[], []])
    done("relay and prefixes")


def moment():
    """Now, with nothing else written within its second."""
    time.sleep(1.1)
    at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    time.sleep(1.1)
    return at


def bodies(bucket, *names):
    return [S3.get_object(Bucket=bucket, Key=name)["Body"].read() for name in names]


def after(command, run, *arguments):
    """Undoes or resumes a run, which takes its endpoint from that run."""
    line = [PROGRAM, command, run["run_id"], *arguments, "--state-dir", os.path.join(SCRATCH, "state")]
    ended = subprocess.run(line, env=ENVIRONMENT, capture_output=True, timeout=300)
    same(f"exit code of the {command}", (ended.returncode, ended.stderr.decode() if ended.returncode else ""), (0, ""))
    return json.loads(ended.stdout)


def undo(run):
    return after("undo", run, "--output", "json")


def overwritten_is_restored():
    for bucket in ("past", "elsewhere"):
        S3.create_bucket(Bucket=bucket)
        S3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    S3.create_bucket(Bucket="flat")
    S3.put_object(Bucket="flat", Key="k", Body=b"v")
    S3.put_object(Bucket="past", Key="dressed", Body=b"old", ContentType="image/webp", Metadata={"a": "b"}, Tagging="t=v")
    names = ["dressed", *ODD_KEYS]
    for name in ODD_KEYS:
        S3.put_object(Bucket="past", Key=name, Body=b"old", ContentType="text/plain")
    S3.put_object(Bucket="past", Key="same", Body=b"same")
    then = {name: held("past", name) for name in names}
    at = moment()
    s3twin("restore", "s3://flat", "--at", at, "--in-place", code=2)
    for name in names:
        S3.put_object(Bucket="past", Key=name, Body=b"newer")

    summary, _ = s3twin("restore", "s3://past", "--at", at, "--dry-run")
    same("a rehearsal changes nothing", (summary["actions"]["skipped"], bodies("past", *names)), (len(names), [b"newer"] * len(names)))
    summary, _ = s3twin("restore", "s3://past", "--at", at, "--to", "s3://elsewhere/in/")
    same("elsewhere", keys("elsewhere"), sorted(("in/" + name for name in [*names, "same"]), key=str.encode))
    for name in names:
        same(f"{name!r} elsewhere", held("elsewhere", f"in/{name}"), then[name])
    same("the source is left alone", bodies("past", *names), [b"newer"] * len(names))

    run, _ = s3twin("restore", "s3://past", "--at", at, "--in-place")
    same("restored", run["actions"]["restored"], len(names))
    for name in names:
        same(f"{name!r} restored", held("past", name), then[name])
    count = versions("past")
    again, _ = s3twin("restore", "s3://past", "--at", at, "--in-place")
    same("a second restore does nothing", (sum(again["actions"].values()), versions("past")), (0, count))
    undone = undo(run)
    same("undone", (undone["actions"]["deleted"], bodies("past", *names)), (len(names), [b"newer"] * len(names)))
    first = S3.list_object_versions(Bucket="past", Prefix="dressed")["Versions"][-1]["VersionId"]
    s3twin("restore", "s3://past", "--key", "dressed", "--version-id", first, "--in-place")
    same("one version", held("past", "dressed"), then["dressed"])
    done("restore after overwrites")


def archived_is_asked_for_and_resumed():
    S3.create_bucket(Bucket="cold")
    S3.put_bucket_versioning(Bucket="cold", VersioningConfiguration={"Status": "Enabled"})
    S3.put_object(Bucket="cold", Key="frozen", Body=b"old", StorageClass="GLACIER")
    S3.put_object(Bucket="cold", Key="warm", Body=b"old")
    to = ["--to", "s3://elsewhere/thawed/", "--storage-class", "STANDARD"]
    run, _ = s3twin("restore", "s3://cold", "--at", moment(), *to, code=1)
    same("it waits", (run["awaiting_thaw"], keys("elsewhere", "thawed/")), (1, ["thawed/warm"]))
    resumed = after("resume", run)
    told = (resumed["run_id"], resumed["actions"]["restored"], resumed["actions"]["skipped"])
    same("resumed", (told, bodies("elsewhere", "thawed/frozen")), ((run["run_id"], 2, 0), [b"old"]))
    undo(run)
    same("undone as one run", keys("elsewhere", "thawed/"), [])
    done("archives")


def deleted_is_never_mistaken():
    """moto lists the marker behind all versions: what stood is in doubt, or the listing is refused; by name."""
    for bucket in ("lost", "rows"):
        S3.create_bucket(Bucket=bucket)
        S3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    S3.put_object(Bucket="lost", Key="only", Body=b"old")
    for name in ("a", "b"):
        S3.put_object(Bucket="rows", Key=name, Body=b"old")
    at = moment()
    S3.put_object(Bucket="lost", Key="only", Body=b"newer")
    S3.delete_object(Bucket="lost", Key="only")
    S3.delete_object(Bucket="rows", Key="a")
    for goal in (["--at", at], ["--undelete"]):
        summary, findings = s3twin("restore", "s3://lost", *goal, "--in-place", code=1)
        told = (summary["verdicts"]["unproven"], findings["only"]["detail"], keys("lost"))
        same(f"the doubt of {goal[0]}", told, (1, "out-of-order", []))
        summary, _ = s3twin("restore", "s3://rows", *goal, "--in-place", code=4)
        same(f"the refusal of {goal[0]}", ("must ascend" in summary["error"], keys("rows")), (True, ["b"]))
    # The version can be named: what is current is known wherever it is listed.
    first = S3.list_object_versions(Bucket="lost", Prefix="only")["Versions"][-1]["VersionId"]
    run, _ = s3twin("restore", "s3://lost", "--key", "only", "--version-id", first, "--in-place")
    same("one version over a marker", (run["actions"]["restored"], bodies("lost", "only")), (1, [b"old"]))
    undo(run)
    same("and back under it", keys("lost"), [])
    done("deletes in the past")


def errors():
    S3.create_bucket(Bucket="void")
    failed = subprocess.run(
        [PROGRAM, "sync", "s3://no-such-bucket", "s3://replica", "--endpoint-url", ENDPOINT, "--state-dir", SCRATCH],
        env=ENVIRONMENT, capture_output=True, timeout=60,
    )
    same("no such bucket", (failed.returncode, b"no-such-bucket" in failed.stderr), (4, True))
    before = keys("replica")
    s3twin("sync", "s3://void", "s3://replica", "--delete", code=3)
    same("an empty source deletes nothing", keys("replica"), before)
    done("errors")


def topics():
    """A job's difference arrives at an SNS topic, seen by a queue that is subscribed to it."""
    access = {"endpoint_url": ENDPOINT, "aws_access_key_id": "moto", "aws_secret_access_key": "moto"}
    sns, sqs = (boto3.client(name, region_name="eu-west-1", **access) for name in ("sns", "sqs"))
    topic = sns.create_topic(Name="alerts")["TopicArn"]
    queue = sqs.create_queue(QueueName="inbox")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "false"})
    S3.create_bucket(Bucket="told")
    S3.create_bucket(Bucket="told-replica")
    S3.put_object(Bucket="told", Key="k", Body=b"v")
    config = os.path.join(SCRATCH, "s3twin.toml")
    with open(config, "w", encoding="utf-8") as file:
        file.write(f"""
            [defaults]
            state_dir = "{SCRATCH}/state"
            [buckets]
            a = {{ location = "s3://told", endpoint_url = "{ENDPOINT}" }}
            b = {{ location = "s3://told-replica", endpoint_url = "{ENDPOINT}" }}
            [pairs.p]
            source = "a"
            replica = "b"
            [jobs.check]
            command = "audit"
            pair = "p"
            notify = ["topic"]
            [notifications.topic]
            sns = {{ topic_arn = "{topic}", endpoint_url = "{ENDPOINT}" }}
        """)
    ended = subprocess.run([PROGRAM, "run", "check", "--config", config], env=ENVIRONMENT, capture_output=True, timeout=60)
    same("exit code of the job", (ended.returncode, ended.stderr), (1, b""))
    taken = sqs.receive_message(QueueUrl=queue, WaitTimeSeconds=5).get("Messages", [])
    same("messages", len(taken), 1)
    message = json.loads(taken[0]["Body"])
    same("subject", message["Subject"], "s3twin check: something to look at: 1 key needs a look")
    same("attributes", message["MessageAttributes"]["event"], {"Type": "String", "Value": "difference"})
    same("the report is in it", "1 key needs a look" in message["Message"], True)
    done("topics")


def posture(*arguments, code):
    """Runs the program, demands its exit code, and returns the checks of its one bucket by name."""
    line = [PROGRAM, "posture", *arguments, "--endpoint-url", ENDPOINT, "--output", "json"]
    ended = subprocess.run(line, env=ENVIRONMENT, capture_output=True, timeout=60)
    if ended.returncode != code:
        sys.exit(f"FAILED {' '.join(line)}\n  wanted exit code {code}, got {ended.returncode}\n{ended.stdout.decode()}\n{ended.stderr.decode()}")
    return {row["check"]: row for row in json.loads(ended.stdout)["buckets"][0]["checks"]}


def settings():
    """What is mended is there for others to see, and what was there before still is."""
    for bucket in ("settled", "settled-copy"):
        S3.create_bucket(Bucket=bucket)
        S3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    own = {
        "ID": "own", "Status": "Enabled", "Filter": {"And": {"Prefix": "logs/", "Tags": [{"Key": "a", "Value": "b"}]}},
        "Transitions": [{"Days": 30, "StorageClass": "GLACIER"}],
    }
    S3.put_bucket_lifecycle_configuration(Bucket="settled", LifecycleConfiguration={"Rules": [own]})
    before = S3.get_bucket_lifecycle_configuration(Bucket="settled")["Rules"]
    checks = posture("s3://settled", "--tier", "basic", code=1)
    same("a look changes nothing", S3.get_bucket_lifecycle_configuration(Bucket="settled")["Rules"], before)
    same("uploads are never aborted", checks["abort-uploads"]["verdict"], "broken")
    posture("s3://settled", "--tier", "basic", "--apply", code=0)
    after = S3.get_bucket_lifecycle_configuration(Bucket="settled")["Rules"]
    same("the rule that was there", after[:1], before)
    same("the rule that was added", after[1]["AbortIncompleteMultipartUpload"], {"DaysAfterInitiation": 7})
    blocked = S3.get_public_access_block(Bucket="settled")["PublicAccessBlockConfiguration"]
    same("public access", (len(blocked), all(blocked.values())), (4, True))
    rule = S3.get_bucket_encryption(Bucket="settled")["ServerSideEncryptionConfiguration"]["Rules"][0]
    same("encryption", rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
    role = "arn:aws:iam::123456789012:role/copy"
    checks = posture("s3://settled", "--tier", "critical", "--apply", "--replicate-to", "s3://settled-copy",
                     "--replication-role", role, code=1)
    # moto's answer about versioning has another root than S3's, and is read all the same.
    enabled = S3.get_bucket_versioning(Bucket="settled")["Status"]
    same("versioning", (enabled, checks["versioning"]["verdict"]), ("Enabled", "kept"))
    replication = S3.get_bucket_replication(Bucket="settled")["ReplicationConfiguration"]
    same("replication", (replication["Role"], replication["Rules"][0]["Destination"]["Bucket"]), (role, "arn:aws:s3:::settled-copy"))
    # moto takes the rule and forgets that delete markers go along: that must not pass for mended.
    same("what the server forgot", (checks["replication"]["verdict"], checks["replication"]["mended"]), ("broken", False))
    done("settings")


for name, why in SKIPPED.items():
    print(f"SKIP {name}: {why}")
wait_for_server()
begun = time.monotonic()
sync_and_audit()
damage_is_found_and_healed()
relay_and_prefixes()
overwritten_is_restored()
archived_is_asked_for_and_resumed()
deleted_is_never_mistaken()
errors()
settings()
topics()
print(f"moto agrees ({time.monotonic() - begun:.0f} s, {len(SKIPPED)} things it cannot do were skipped)")
