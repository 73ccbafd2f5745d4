#!/usr/bin/env bash
# Runs one step of the setup with its output in .local/log/NAME.log, and says in a sentence if it fails.
#   docker/step.sh NAME "what it does" COMMAND…
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/environment.sh
name=$1 what=$2
shift 2

say "→ $what"
"$@" >".local/log/$name.log" 2>&1 </dev/null && exit
if grep -qE 'name resolution|NewConnectionError|Network is unreachable|EAI_AGAIN|ENOTFOUND|ENETUNREACH|ECONNREFUSED|ETIMEDOUT' ".local/log/$name.log"; then
    die "连不上网络，这一步要从网上下载；请接通网络（或设置代理、镜像）后再执行一次同样的命令，会从这里继续。" \
        "There is no network, and this step downloads: connect it (or set a proxy or a mirror) and run the same command again; it goes on from here."
fi
die "这一步没有完成，详情见 .local/log/$name.log；解决后再执行一次同样的命令，会从这里继续。" \
    "This step failed; .local/log/$name.log has the details. Run the same command again when that is solved: it goes on from here."
