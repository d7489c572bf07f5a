"""Round trips of four S3 clients against the server at S3TWIN_ENDPOINT, checked strictly.

Each check states what must come back; the first that does not ends the run with exit code 1.
"""

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from pathlib import Path

import boto3
import botocore.exceptions
from boto3.s3.transfer import TransferConfig
from botocore.config import Config

ENDPOINT = os.environ["S3TWIN_ENDPOINT"]
ACCESS_KEY = os.environ.get("S3TWIN_ACCESS_KEY", "LABACCESSKEY00000001")
SECRET_KEY = os.environ.get("S3TWIN_SECRET_KEY", "labsecretlabsecretlabsecretlabsecret0001")
BIN = Path(sys.argv[1]).resolve()
RUN = uuid.uuid4().hex[:8]
MIB = 1 << 20

ODD_KEYS = [
    "a b+%\u00e9\n", "uploads//double", "x/./dot", "x/../up", "tail/", "\U0001f4f7.jpg", "control-\x01",
    "<script>alert(1)</script>.txt", "per%25cent", "plus+sign", "question?a=b#c", "quote\"'&amp;", "cr\r\nlf",
]

ENVIRONMENT = dict(
    os.environ,
    AWS_ACCESS_KEY_ID=ACCESS_KEY,
    AWS_SECRET_ACCESS_KEY=SECRET_KEY,
    AWS_DEFAULT_REGION="us-east-1",
    AWS_REGION="us-east-1",
    AWS_EC2_METADATA_DISABLED="true",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_PAGER="",
    S3_ENDPOINT_URL=ENDPOINT,
)


def same(what, got, wanted):
    """Ends the run unless the two are equal."""
    if got != wanted:
        sys.exit(f"FAILED {what}\n  wanted {wanted!r}\n  got    {got!r}")


def fails(what, code, call, **arguments):
    """Ends the run unless the call fails with this code."""
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as error:
        same(what, error.response["Error"]["Code"], code)
        return error.response
    sys.exit(f"FAILED {what}: it succeeded, {code} was expected")


def run(*command, stdin=None):
    """Output of a command that must succeed."""
    done = subprocess.run(command, env=ENVIRONMENT, input=stdin, capture_output=True, timeout=180)
    if done.returncode != 0:
        sys.exit(f"FAILED {' '.join(map(str, command))}\n{done.stdout.decode()}\n{done.stderr.decode()}")
    return done.stdout.decode()


def client():
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 1})
    return boto3.client(
        "s3", endpoint_url=ENDPOINT, aws_access_key_id=ACCESS_KEY, aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1", config=config,
    )


def wait_for_server():
    for _ in range(600):
        try:
            urllib.request.urlopen(ENDPOINT + "/_lab/requests", timeout=2).read()
            return
        except OSError:
            time.sleep(0.1)
    sys.exit(f"FAILED no server at {ENDPOINT}")


def boto3_objects(s3, bucket):
    for key in ODD_KEYS:
        put = s3.put_object(Bucket=bucket, Key=key, Body=key.encode(), Metadata={"name": "value"})
        same(f"ETag of {key!r}", put["ETag"].strip('"'), hashlib.md5(key.encode()).hexdigest())
        got = s3.get_object(Bucket=bucket, Key=key, ChecksumMode="ENABLED")
        same(f"body of {key!r}", got["Body"].read(), key.encode())
        same(f"metadata of {key!r}", got["Metadata"], {"name": "value"})
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    listed = [o["Key"] for page in pages for o in page.get("Contents", [])]
    same("keys in order", listed, sorted(ODD_KEYS, key=lambda k: k.encode()))
    old = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": 3})
    same("keys by the old list", [o["Key"] for page in old for o in page.get("Contents", [])], listed)
    rolled = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    same("common prefixes", [p["Prefix"] for p in rolled["CommonPrefixes"]], ["<script>alert(1)</", "tail/", "uploads/", "x/"])
    same("range", s3.get_object(Bucket=bucket, Key="plus+sign", Range="bytes=1-2")["Body"].read(), b"lu")
    fails("missing key", "NoSuchKey", s3.get_object, Bucket=bucket, Key="none")
    fails("missing key, HEAD", "404", s3.head_object, Bucket=bucket, Key="none")
    fails("missing bucket", "NoSuchBucket", s3.list_objects_v2, Bucket=bucket + "-none")
    fails("taken key", "PreconditionFailed", s3.put_object, Bucket=bucket, Key="plus+sign", Body=b"", IfNoneMatch="*")
    fails("wrong ETag", "PreconditionFailed", s3.delete_object, Bucket=bucket, Key="plus+sign", IfMatch='"x"')
    fails("wrong digest", "BadDigest", s3.put_object, Bucket=bucket, Key="d", Body=b"1", ChecksumCRC32="AAAAAA==")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "a b+%\u00e9\n"}, ExpiresIn=60)
    same("presigned", urllib.request.urlopen(url).read(), "a b+%\u00e9\n".encode())


def boto3_versions(s3, bucket):
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    same("versioning", s3.get_bucket_versioning(Bucket=bucket)["Status"], "Enabled")
    ids = [s3.put_object(Bucket=bucket, Key="v", Body=b"%d" % n)["VersionId"] for n in range(3)]
    marker = s3.delete_object(Bucket=bucket, Key="v")
    same("marker", marker["DeleteMarker"], True)
    listed = s3.list_object_versions(Bucket=bucket, Prefix="v")
    same("versions", [v["VersionId"] for v in listed["Versions"]], ids[::-1])
    same("latest", [m["IsLatest"] for m in listed["DeleteMarkers"]], [True])
    fails("marked", "NoSuchKey", s3.get_object, Bucket=bucket, Key="v")
    fails("marker by id", "405", s3.head_object, Bucket=bucket, Key="v", VersionId=marker["VersionId"])
    s3.delete_object(Bucket=bucket, Key="v", VersionId=marker["VersionId"])
    same("undeleted", s3.get_object(Bucket=bucket, Key="v")["Body"].read(), b"2")
    source = {"Bucket": bucket, "Key": "v", "VersionId": ids[0]}
    etag = hashlib.md5(b"0").hexdigest()
    copied = s3.copy_object(Bucket=bucket, Key="v", CopySource=source, CopySourceIfMatch=etag)
    same("copied", copied["CopyObjectResult"]["ETag"], f'"{etag}"')
    same("restored", s3.get_object(Bucket=bucket, Key="v")["Body"].read(), b"0")
    fails("stale source", "PreconditionFailed", s3.copy_object, Bucket=bucket, Key="w", CopySource=source,
          CopySourceIfMatch="no")
    fails("idle copy", "InvalidRequest", s3.copy_object, Bucket=bucket, Key="v",
          CopySource={"Bucket": bucket, "Key": "v"})
    s3.put_object_tagging(Bucket=bucket, Key="v", Tagging={"TagSet": [{"Key": "a b", "Value": "c+d"}]})
    same("tags", s3.get_object_tagging(Bucket=bucket, Key="v")["TagSet"], [{"Key": "a b", "Value": "c+d"}])
    same("tag count", s3.head_object(Bucket=bucket, Key="v").get("TagCount", 1), 1)


def boto3_multipart(s3, bucket):
    parts = [bytes([byte]) * (5 * MIB) for byte in b"ABC"]
    known = {
        "CRC32": ("COMPOSITE", "Z+ry2Q==-3"),
        "CRC32C": ("FULL_OBJECT", "xU+Krw=="),
        "CRC64NVME": ("FULL_OBJECT", "i+6LR0y3eFo="),
        "SHA256": ("COMPOSITE", "uWBwpe1dxI4Vw8Gf0X9ynOdw/SS6VBzfWm9giiv1sf4=-3"),
    }
    values = {
        "CRC32": ["JRTCyQ==", "QoZTGg==", "YAgjqw=="],
        "CRC32C": ["MDaLrw==", "TH4EZg==", "Z7mBIQ=="],
        "CRC64NVME": ["L/E4WYn8v98=", "xW1l19VobYM=", "cK5MnNaWrW4="],
        "SHA256": [
            "275VF5loJr1YYawit0XSHREhkFXYkkPKGuoK0x9VKxI=", "mrHwOfjTL5Zwfj74F05HOQGLdUb7E5szdCbxgUSq6NM=",
            "Vw7oB/nKQ5xWb3hNgbyfkvDiivl+U+/Dft48nfJfDow=",
        ],
    }
    for algorithm, (kind, whole) in known.items():
        key, field = f"multi/{algorithm}", f"Checksum{algorithm}"
        upload = s3.create_multipart_upload(
            Bucket=bucket, Key=key, ChecksumAlgorithm=algorithm, ChecksumType=kind)["UploadId"]
        done = []
        for number, part in enumerate(parts, 1):
            sent = s3.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part,
                                  **{field: values[algorithm][number - 1]})
            done.append({"PartNumber": number, "ETag": sent["ETag"], field: values[algorithm][number - 1]})
        listed = s3.list_parts(Bucket=bucket, Key=key, UploadId=upload)["Parts"]
        same(f"{algorithm} parts", [p["Size"] for p in listed], [5 * MIB] * 3)
        same("uploads", [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket)["Uploads"]], [key])
        ended = s3.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload, MpuObjectSize=15 * MIB, MultipartUpload={"Parts": done})
        same(f"{algorithm} ETag", ended["ETag"], '"b2add96cc9702bbf4efb0ccdfc6b7747-3"')
        same(f"{algorithm} whole", (ended["ChecksumType"], ended[field]), (kind, whole))
        part = s3.head_object(Bucket=bucket, Key=key, PartNumber=2, ChecksumMode="ENABLED")
        same(f"{algorithm} part", (part["PartsCount"], part["ContentLength"], part[field]),
             (3, 5 * MIB, values[algorithm][1]))
        about = s3.get_object_attributes(
            Bucket=bucket, Key=key, ObjectAttributes=["ETag", "Checksum", "ObjectParts", "ObjectSize"])
        same(f"{algorithm} attributes", (about["ETag"], about["Checksum"][field], about["ObjectParts"]["TotalPartsCount"]),
             ("b2add96cc9702bbf4efb0ccdfc6b7747-3", whole, 3))
        fails("twice", "NoSuchUpload", s3.complete_multipart_upload, Bucket=bucket, Key=key, UploadId=upload,
              MultipartUpload={"Parts": done})
    copied = s3.copy_object(Bucket=bucket, Key="multi/copy", CopySource={"Bucket": bucket, "Key": "multi/CRC32"})
    same("copy of a multipart", copied["CopyObjectResult"]["ETag"], '"a670a6dcdb7025927987f04ca80e2ff1"')
    upload = s3.create_multipart_upload(Bucket=bucket, Key="multi/parts")["UploadId"]
    source = {"Bucket": bucket, "Key": "multi/CRC32"}
    done = []
    for number in (1, 2, 3):
        first = (number - 1) * 5 * MIB
        part = s3.upload_part_copy(Bucket=bucket, Key="multi/parts", UploadId=upload, PartNumber=number,
                                   CopySource=source, CopySourceRange=f"bytes={first}-{first + 5 * MIB - 1}")
        done.append({"PartNumber": number, "ETag": part["CopyPartResult"]["ETag"]})
    ended = s3.complete_multipart_upload(
        Bucket=bucket, Key="multi/parts", UploadId=upload, MultipartUpload={"Parts": done})
    same("part copy", ended["ETag"], '"b2add96cc9702bbf4efb0ccdfc6b7747-3"')


def boto3_files(s3, bucket, folder):
    path = folder / "big.bin"
    path.write_bytes(os.urandom(20 * MIB + 7))
    s3.upload_file(str(path), bucket, "big", Config=TransferConfig(multipart_threshold=8 * MIB))
    same("parts of a big upload", s3.head_object(Bucket=bucket, Key="big")["ETag"].strip('"')[-2:], "-3")
    s3.download_file(bucket, "big", str(folder / "back.bin"))
    same("big file", (folder / "back.bin").read_bytes(), path.read_bytes())
    keys = [{"Key": f"many/{n}"} for n in range(5)]
    for entry in keys:
        s3.put_object(Bucket=bucket, Key=entry["Key"], Body=b"x")
    gone = s3.delete_objects(Bucket=bucket, Delete={"Objects": keys + [{"Key": "big", "ETag": "no"}]})
    same("deleted", sorted(d["Key"] for d in gone["Deleted"]), [k["Key"] for k in keys])
    same("kept", [(e["Key"], e["Code"]) for e in gone["Errors"]], [("big", "PreconditionFailed")])


def aws_cli(bucket, folder):
    aws = (str(BIN / "aws"), "--endpoint-url", ENDPOINT)
    tree = folder / "aws"
    (tree / "sub").mkdir(parents=True)
    (tree / "one.txt").write_text("one")
    (tree / "sub" / "two words+plus.txt").write_text("two")
    (tree / "big.bin").write_bytes(os.urandom(17 * MIB))
    # S3 keeps whole seconds: a file of the same second would look newer than its upload.
    for path in tree.rglob("*.*"):
        os.utime(path, (time.time() - 3600, time.time() - 3600))
    run(*aws, "s3", "sync", str(tree), f"s3://{bucket}/cli/")
    same("aws: nothing left to sync", run(*aws, "s3", "sync", str(tree), f"s3://{bucket}/cli/").strip(), "")
    back = folder / "aws-back"
    run(*aws, "s3", "sync", f"s3://{bucket}/cli/", str(back))
    for path in tree.rglob("*.*"):
        same(f"aws: {path.name}", (back / path.relative_to(tree)).read_bytes(), path.read_bytes())
    run(*aws, "s3", "cp", f"s3://{bucket}/cli/big.bin", f"s3://{bucket}/cli/copy.bin")
    listed = json.loads(run(*aws, "s3api", "list-objects-v2", "--bucket", bucket, "--prefix", "cli/"))
    same("aws: keys", [o["Key"] for o in listed["Contents"]],
         ["cli/big.bin", "cli/copy.bin", "cli/one.txt", "cli/sub/two words+plus.txt"])
    versions = json.loads(run(*aws, "s3api", "list-object-versions", "--bucket", bucket, "--prefix", "cli/one"))
    same("aws: one version", len(versions["Versions"]), 1)
    run(*aws, "s3", "rm", "--recursive", f"s3://{bucket}/cli/")
    left = run(*aws, "s3api", "list-objects-v2", "--bucket", bucket, "--prefix", "cli/", "--no-paginate")
    same("aws: empty", json.loads(left)["KeyCount"], 0)


def s5cmd(bucket, folder):
    s5 = (str(BIN / "s5cmd"), "--endpoint-url", ENDPOINT)
    tree = folder / "s5"
    tree.mkdir()
    for number in range(20):
        (tree / f"file {number:02}.txt").write_text(f"body {number}")
    (tree / "large.bin").write_bytes(os.urandom(60 * MIB))
    run(*s5, "cp", f"{tree}/*", f"s3://{bucket}/s5/")
    same("s5cmd: keys", len(run(*s5, "ls", f"s3://{bucket}/s5/*").splitlines()), 21)
    same("s5cmd: cat", run(*s5, "cat", f"s3://{bucket}/s5/file 07.txt"), "body 7")
    back = folder / "s5-back"
    run(*s5, "cp", f"s3://{bucket}/s5/*", f"{back}/")
    same("s5cmd: large", (back / "large.bin").read_bytes(), (tree / "large.bin").read_bytes())
    run(*s5, "cp", f"s3://{bucket}/s5/*", f"s3://{bucket}/s5-copy/")
    same("s5cmd: copies", len(run(*s5, "ls", f"s3://{bucket}/s5-copy/*").splitlines()), 21)
    run(*s5, "rm", f"s3://{bucket}/s5/*", f"s3://{bucket}/s5-copy/*")
    same("s5cmd: versions", len(run(*s5, "ls", "--all-versions", f"s3://{bucket}/s5/*").splitlines()), 42)


def rclone(bucket, other, folder):
    # Provider "Other": as "AWS", rclone sends trailers that its SDK only does over TLS.
    settings = {
        "RCLONE_CONFIG_LAB_TYPE": "s3", "RCLONE_CONFIG_LAB_PROVIDER": "Other",
        "RCLONE_CONFIG_LAB_ENDPOINT": ENDPOINT, "RCLONE_CONFIG_LAB_FORCE_PATH_STYLE": "true",
        "RCLONE_CONFIG_LAB_ACCESS_KEY_ID": ACCESS_KEY, "RCLONE_CONFIG_LAB_SECRET_ACCESS_KEY": SECRET_KEY,
        "RCLONE_CONFIG_LAB_REGION": "us-east-1", "RCLONE_CONFIG": os.devnull,
        "RCLONE_S3_UPLOAD_CUTOFF": "6Mi", "RCLONE_S3_CHUNK_SIZE": "5Mi",
    }
    ENVIRONMENT.update(settings)
    tool = (str(BIN / "rclone"), "--retries", "1", "--low-level-retries", "1")
    tree = folder / "rc"
    (tree / "deep" / "er").mkdir(parents=True)
    (tree / "\u00fcml\u00e4ut + plus.txt").write_text("text")
    (tree / "deep" / "er" / "multi.bin").write_bytes(os.urandom(13 * MIB))
    run(*tool, "copy", str(tree), f"lab:{bucket}/rc")
    run(*tool, "check", "--download", str(tree), f"lab:{bucket}/rc")
    run(*tool, "check", str(tree), f"lab:{bucket}/rc")
    run(*tool, "sync", f"lab:{bucket}/rc", f"lab:{other}/rc")
    run(*tool, "check", f"lab:{bucket}/rc", f"lab:{other}/rc")
    same("rclone: keys", sorted(run(*tool, "lsf", "-R", "--files-only", f"lab:{other}/rc").splitlines()),
         ["deep/er/multi.bin", "\u00fcml\u00e4ut + plus.txt"])
    run(*tool, "sync", "--s3-versions", f"lab:{bucket}/rc", str(folder / "rc-versions"))
    run(*tool, "purge", f"lab:{other}/rc")
    same("rclone: purged", run(*tool, "lsf", "-R", f"lab:{other}/rc").strip(), "")


def main():
    wait_for_server()
    s3 = client()
    bucket, other = f"clients-{RUN}", f"clients-{RUN}-other"
    s3.create_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=other)
    same("region", s3.head_bucket(Bucket=bucket)["BucketRegion"], "us-east-1")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        steps = [
            ("boto3 objects", lambda: boto3_objects(s3, bucket)),
            ("boto3 versions", lambda: boto3_versions(s3, bucket)),
            ("boto3 multipart", lambda: boto3_multipart(s3, bucket)),
            ("boto3 files", lambda: boto3_files(s3, bucket, folder)),
            ("aws cli", lambda: aws_cli(bucket, folder)),
            ("s5cmd", lambda: s5cmd(bucket, folder)),
            ("rclone", lambda: rclone(bucket, other, folder)),
        ]
        for title, step in steps:
            begun = time.monotonic()
            step()
            print(f"ok {title} ({time.monotonic() - begun:.1f} s)", flush=True)


if __name__ == "__main__":
    main()
