#!/bin/sh
# Speaks as the daemon does: logs its start, its arguments and each HUP, and ends with status 3 on TERM.
arguments="$*" config=$2 run=$4
say() { echo "{\"timestamp\":\"2026-01-02T03:04:05.678901Z\",\"event\":\"$1\",\"interface\":\"$2\"}" >&2; }
trap 'say stopping eth0; exit 3' TERM
trap 'say reloaded "$(cat "$config")"' HUP
echo "$NOTIFY_SOCKET" >&2
say started "$arguments"
touch "$run/marker"
while :; do sleep 0.01; done
