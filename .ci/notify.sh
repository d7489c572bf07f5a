#!/usr/bin/env bash
# Notifications to servers that others wrote: aiosmtpd for mail, Python's own for HTTPS.
#
# Takes the program from S3TWIN (default target/release/s3twin).
set -euo pipefail

program="${S3TWIN:-${CARGO_TARGET_DIR:-target}/release/s3twin}"
case "$program" in /*) ;; *) program="$(cd "$(dirname "$0")/.." && pwd)/$program" ;; esac
cd "$(dirname "$0")/.."
venv="${CI_VENV:-target/ci-venv}"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check aiosmtpd trustme
"$venv/bin/python" -W ignore .ci/notify_suite.py "$program" "$scratch"
