#!/usr/bin/env bash
# Runs a command with a cluster of its own, and stops the cluster whatever comes of it.
#   docker/with-postgres.sh DIR [--throwaway] COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/environment.sh
dir=$1
shift
options=()
if [ "$1" = --throwaway ]; then
    options+=("$1")
    shift
fi

exec 9>>"$dir.lock"
flock -n 9 || die "$dir 的数据库正被另一次运行使用，请等它结束。" "Another run is using the database in $dir: wait until it has ended."
trap 'docker/postgres.sh stop "$dir" 9>&-' EXIT
# 9>&-: a server must not keep the lock.
DATABASE_URL=$(docker/postgres.sh start "$dir" "${options[@]}" 9>&-)
export DATABASE_URL
"$@"
