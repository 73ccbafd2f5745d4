#!/usr/bin/env bash
# Ends what runs from this folder: the demo, wherever it was started, and clusters that a killed run left behind.
set -euo pipefail
cd "$(dirname "$0")/.."

# A number in a file that was left behind may belong to another program by now.
works_here() { [ "$(readlink "/proc/$1/cwd" 2>/dev/null)" = "$(pwd -P)" ]; }

for name in demo gunicorn; do
    pid=$(cat ".local/$name.pid" 2>/dev/null) || continue
    works_here "$pid" || continue
    kill -TERM "$pid"
    for _ in {1..300}; do
        works_here "$pid" || break
        sleep 0.1
    done
done
docker/postgres.sh stop .local/demo
for cluster in test bench; do
    # Whoever holds the lock is at work there.
    [ ! -e ".local/$cluster.lock" ] || flock -n ".local/$cluster.lock" docker/postgres.sh stop ".local/$cluster" || true
done
