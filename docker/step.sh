#!/usr/bin/env bash
# Runs one step of the setup with its output in .local/log/NAME.log, and says in a sentence if it fails.
#   docker/step.sh NAME "what it does" COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/environment.sh
name=$1 what=$2
shift 2

say "→ $what"
"$@" >".local/log/$name.log" 2>&1 </dev/null || die \
    "这一步没有完成，详情见 .local/log/$name.log；解决后（例如恢复网络）再执行一次同样的命令，会从这里继续。" \
    "This step failed; .local/log/$name.log has the details. Run the same command again when that is solved (a missing network, for example): it goes on from here."
