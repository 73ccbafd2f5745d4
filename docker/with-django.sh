#!/usr/bin/env bash
# Runs a command with the environment of the demo, for manage.py by hand; the demo's database need not be running.
#   docker/with-django.sh COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/environment.sh
DATABASE_URL=$(docker/postgres.sh url .local/demo)
export DATABASE_URL
exec "$@"
