#!/usr/bin/env bash
# Metrics, alert rules and dashboard against those who read them: Prometheus and Grafana's own types.
#
# Takes the program from S3TWIN (default target/release/s3twin). What is not installed (Debian: prometheus, npm) is said
# and left out.
set -euo pipefail

program="${S3TWIN:-${CARGO_TARGET_DIR:-target}/release/s3twin}"
case "$program" in /*) ;; *) program="$(cd "$(dirname "$0")/.." && pwd)/$program" ;; esac
cd "$(dirname "$0")/.."
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM

# The dashboard as a value of Grafana's type: wrong names and wrong kinds of values do not compile.
types() {
    if ! command -v npm >/dev/null; then
        echo "not checked: the dashboard's types (npm is not installed)"
        return 0
    fi
    local folder="$scratch/types"
    mkdir "$folder"
    if ! npm install --silent --no-audit --no-fund --prefix "$folder" @grafana/schema typescript >"$folder/log" 2>&1; then
        echo "not checked: the dashboard's types (npm cannot install @grafana/schema)"
        return 0
    fi
    {
        echo 'import { type Dashboard, ThresholdsMode } from "@grafana/schema";'
        echo 'export default ('
        # What is a word in JSON is an enum in their types.
        sed 's/"mode": "absolute"/"mode": ThresholdsMode.Absolute/' docs/operate/dashboard.json
        echo ') satisfies Dashboard;'
    } >"$folder/dashboard.ts"
    (cd "$folder" && node_modules/.bin/tsc --noEmit --strict --skipLibCheck --moduleResolution bundler --module esnext \
        --target es2022 dashboard.ts)
    echo "ok dashboard.json is a Dashboard of @grafana/schema"
}

prometheus() {
    local tool
    for tool in promtool prometheus; do
        if ! type -P "$tool" >/dev/null; then
            echo "not checked: what Prometheus says ($tool is not installed)"
            return 0
        fi
    done
    if ! python3 .ci/metrics_suite.py "$program" "$scratch"; then
        echo "the last words of each service:"
        tail -n 10 "$scratch"/*.log
        return 1
    fi
}

types
prometheus
