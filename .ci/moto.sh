#!/usr/bin/env bash
# The program against moto, an S3 that others wrote: sync and audit, judged through boto3.
#
# The embedded server and the program come from one house and could share a misunderstanding; moto shares none.
# Takes the program from S3TWIN (default target/release/s3twin). What moto cannot do is listed in the suite.
set -euo pipefail

program="${S3TWIN:-${CARGO_TARGET_DIR:-target}/release/s3twin}"
case "$program" in /*) ;; *) program="$(cd "$(dirname "$0")/.." && pwd)/$program" ;; esac
cd "$(dirname "$0")/.."
venv="${CI_VENV:-target/ci-venv}"
scratch="$(mktemp -d)"
server=""

stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" 2>/dev/null || true
    fi
    rm -rf "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check "moto[server,s3,sns,sqs]" boto3

port="$("$venv/bin/python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')"
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >"$scratch/moto.log" 2>&1 &
server=$!

if ! "$venv/bin/python" .ci/moto_suite.py "http://127.0.0.1:$port" "$program" "$scratch"; then
    echo "the last words of moto:"
    tail -n 20 "$scratch/moto.log"
    exit 1
fi
