#!/usr/bin/env bash
# The demo, in the foreground: sets up what is missing, starts the database, loads the area, serves. Ctrl-C ends all of it.
#   docker/demo.sh AREA PORT
set -euo pipefail
cd "$(dirname "$0")/.."
. docker/environment.sh
area=$1 port=$2
export BASE_URL=http://127.0.0.1:$port

case $area in
qianjiang | xihu) ;;
*) die "没有演示区域 $area；可选：make demo AREA=qianjiang 或 make demo AREA=xihu。" \
    "There is no demo area $area: use make demo AREA=qianjiang or make demo AREA=xihu." ;;
esac
if ! [[ $port =~ ^[1-9][0-9]{3,4}$ ]] || [ "$port" -lt 1024 ] || [ "$port" -gt 65535 ]; then
    die "端口 $port 不可用；请用 1024 到 65535 之间的数，例如 make demo PORT=8001。" \
        "The port $port cannot be used: choose one from 1024 to 65535, for example make demo PORT=8001."
fi
exec 9>>.local/demo.lock
# A moment of patience: a demo that was just killed may still be ending.
if ! flock -w 3 9; then
    running=$(grep -s ^BASE_URL= .local/env | cut -d= -f2-) || true
    die "演示已经在运行${running:+：$running}；要重新启动，请先执行 make stop。" \
        "The demo is already running${running:+: $running}. To start it anew, first run make stop."
fi
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }
port_answers && die "端口 $port 已被其他程序占用；请换一个，例如 make demo PORT=$((port < 65535 ? port + 1 : 8001))。" \
    "Another program is using the port $port: choose another, for example make demo PORT=$((port < 65535 ? port + 1 : 8001))."

web=
finish() {
    trap '' INT TERM HUP
    if [ -n "$web" ]; then
        kill -TERM "$web" 2>/dev/null || true
        wait "$web" 2>/dev/null || true
    fi
    docker/postgres.sh stop .local/demo 9>&-
    rm -f .local/demo.pid
}
trap finish EXIT
trap 'say "" "演示已结束。 / The demo has ended."; exit 0' INT TERM HUP
echo $$ >.local/demo.pid

"${MAKE:-make}" --silent --no-print-directory setup static

# 9>&-: the database must not keep the lock.
DATABASE_URL=$(docker/postgres.sh start .local/demo 9>&-)
export DATABASE_URL
# The site connects as a role that owns nothing (docs/operate.md); what sets up and what attaches is the owner's.
SITE_DATABASE_URL=$(docker/postgres.sh url .local/demo jingtian_site)
(
    umask 077
    printf '%s\n' "BASE_URL=$BASE_URL" "DATABASE_URL=$DATABASE_URL" "SITE_DATABASE_URL=$SITE_DATABASE_URL" >.local/env.new
    grep -s '^API_TOKEN=' .local/env >>.local/env.new || true
)
mv .local/env.new .local/env
# The checks of the project are those of `make test`; here they would take half of a second start.
docker/step.sh migrate "更新数据库结构 / migrating the database" .venv/bin/python manage.py migrate --skip-checks
.venv/bin/python manage.py demo --area "$area" --skip-checks

rm -f .local/gunicorn.pid
DATABASE_URL=$SITE_DATABASE_URL .venv/bin/python -m gunicorn mapserver.wsgi --bind "127.0.0.1:$port" --workers 2 --threads 2 \
    --pid .local/gunicorn.pid --access-logfile .local/log/access.log >>.local/log/web.log 2>&1 &
web=$!
until port_answers; do
    kill -0 "$web" 2>/dev/null || die "网站没有启动成功，原因见 .local/log/web.log。" "The site did not start; .local/log/web.log has the reason."
    sleep 0.1
done
say "→ $BASE_URL   按 Ctrl-C 结束 / Ctrl-C ends it"
wait "$web" || die "网站意外停止，原因见 .local/log/web.log。" "The site stopped unexpectedly; .local/log/web.log has the reason."
