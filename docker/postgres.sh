#!/usr/bin/env bash
# A private PostgreSQL + PostGIS cluster in a folder, reached by a Unix socket only. It never touches a cluster of the system.
#   docker/postgres.sh start DIR [--throwaway]   create it if need be, start it, print its DATABASE_URL; --throwaway: fast, not durable, for very many clients
#   docker/postgres.sh stop DIR
#   docker/postgres.sh status DIR                prints "running" or "stopped"; exit status 0 or 3
#   docker/postgres.sh url DIR [ROLE]            prints the DATABASE_URL, running or not; ROLE: of another role than the owner's
#   docker/postgres.sh remove DIR                stop it and delete its data
# Data lie in DIR/pg, the socket in DIR/socket. Access is by reaching that folder: its owner, and as root also the user postgres.
set -euo pipefail

# Settings of the caller's own PostgreSQL must not leak into this one.
unset "${!PG@}"
export LC_ALL=C.UTF-8

say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

action=${1:?start, stop, status, url or remove}
dir=$(realpath -m -s "${2:?the folder of the cluster}")
option=${3:-}
cd "$(dirname "$0")/.."

# PostgreSQL refuses to run as root, so root runs it as the user that Debian made for it.
as_owner=()
owner=$(id -un)
if [ "$(id -u)" -eq 0 ]; then
    as_owner=(setpriv --reuid=postgres --regid=postgres --init-groups)
    owner=postgres
fi
# From "/", because that user need not be able to enter the folder of the caller.
run() { (cd / && "${as_owner[@]}" "$@"); }
own_folder() { install -d -m 700 -o "$owner" -g "$(id -gn "$owner")" "$1"; }

# A clone under /root or a `mktemp -d` is closed to the user postgres. Then the cluster lies in /var/lib and DIR is a link to it.
# The link is what owns it: data found without the link belong to a folder that was deleted.
make_folder() {
    umask 022
    if [ -L "$dir" ]; then
        mkdir -p "$(realpath -m "$dir")"
    else
        mkdir -p "$dir"
        run test -x "$dir" || move_out
    fi
    use_folder
}
move_out() {
    local elsewhere
    elsewhere=/var/lib/jingtian/$(printf %s "$dir" | sha256sum | cut -c1-16)
    rmdir "$dir" 2>/dev/null || die \
        "用户 postgres 无法进入 $dir；请恢复该文件夹的权限，或执行 make clean 后重来。" \
        "The user postgres cannot enter $dir: give it back its permissions, or start over with make clean."
    docker/postgres.sh remove "$elsewhere"
    mkdir -p "$elsewhere"
    ln -s "$elsewhere" "$dir"
    say "用户 postgres 无法进入本文件夹，数据库改放在 $elsewhere。" \
        "The user postgres cannot enter this folder, so the database is kept in $elsewhere."
}
use_folder() {
    home=$(realpath -m "$dir")
    data=$home/pg
    socket=$home/socket
}

binaries() {
    local version
    if [ -f "$data/PG_VERSION" ]; then
        version=$(cat "$data/PG_VERSION")
    else
        version=$(cd /usr/share/postgresql && printf '%s\n' */extension/postgis.control | cut -d/ -f1 | sort -n | tail -1)
        [ "${version:-0}" -ge 15 ] 2>/dev/null || die \
            "需要 PostgreSQL 15 或更高版本及 PostGIS；请先执行 docker/system-packages.sh，或升级系统。" \
            "PostgreSQL 15 or later with PostGIS is needed: run docker/system-packages.sh, or upgrade the system."
    fi
    bin=/usr/lib/postgresql/$version/bin
    [ ! -e "$data" ] || [ "$(stat -c %U "$data")" = "$owner" ] || die \
        "$data 属于用户 $(stat -c %U "$data")；请用当初的用户执行，或执行 make clean 后重来。" \
        "$data belongs to the user $(stat -c %U "$data"): run this as the user who made it, or start over with make clean."
    [ -x "$bin/postgres" ] || die \
        "此数据库由 PostgreSQL $version 建立，而本机已没有该版本；请重新安装它，或执行 make clean 后重来。" \
        "This database was made by PostgreSQL $version, which is no longer installed: install it again, or start over with make clean."
}

# The server of a data folder has that folder as its working directory; a process that took over a stale number, or a zombie, has not.
works_in() { [ "$(readlink "/proc/$1/cwd" 2>/dev/null)" = "$2" ]; }
server_pid() {
    local pid
    pid=$(head -1 "$1/postmaster.pid" 2>/dev/null) && works_in "$pid" "$1" && echo "$pid"
}

stop_server() {
    local pid
    pid=$(server_pid "$1") || return 0
    kill -INT "$pid"
    for _ in {1..300}; do
        works_in "$pid" "$1" || return 0
        sleep 0.1
    done
    die "数据库（进程 $pid）30 秒内没有停下，请稍后再试。" "The database (process $pid) did not stop within 30 s; try again later."
}

# The number in the file of a killed server may by now be another process's, and PostgreSQL would respect that one for ever.
# Removing it is safe once the last child of that server is gone: these too have the data folder as their working directory.
clear_after_crash() {
    for _ in {1..100}; do
        readlink /proc/[0-9]*/cwd 2>/dev/null | grep -qxF "$1" || {
            run rm -f "$1/postmaster.pid"
            return
        }
        sleep 0.1
    done
    die "上次中断的数据库还有进程在 $1 中，请稍后再试。" \
        "A process of the database that was killed is still at work in $1; try again in a moment."
}

# client_connection_check_interval: what a client that was killed had begun must not go on, and lock out the next one.
start_server() {
    local folder=$1 log=$1/server.log
    if [ -f "$folder/postmaster.pid" ]; then
        clear_after_crash "$folder"
    fi
    run tee "$folder/jingtian.conf" >/dev/null <<CONF
listen_addresses = ''
unix_socket_directories = '"${socket//\'/\'\'}"'
shared_buffers = 256MB
max_wal_size = 2GB
client_connection_check_interval = 2s
CONF
    [ "$option" != --throwaway ] || printf '%s\n' 'fsync = off' 'synchronous_commit = off' 'full_page_writes = off' 'max_connections = 500' |
        run tee -a "$folder/jingtian.conf" >/dev/null
    run "$bin/pg_ctl" start --silent --wait --timeout=120 -D "$folder" -l "$log" >/dev/null 2>&1 || die \
        "数据库没有启动成功，原因见 $log。" "The database did not start; the reason is in $log."
}

# Made under another name and renamed when whole, so that what is called DIR/pg is always complete.
create_cluster() {
    local new=$home/pg.new
    rm -rf "$new"
    own_folder "$new"
    run "$bin/initdb" -D "$new" -U postgres -E UTF8 --locale=C.UTF-8 --auth=trust --no-instructions >/dev/null
    echo "include 'jingtian.conf'" | run tee -a "$new/postgresql.conf" >/dev/null
    mv "$new" "$data"
}

print_url() {
    python3 -c 'import sys, urllib.parse; print("postgresql://" + sys.argv[1] + "@" + urllib.parse.quote(sys.argv[2], safe="") + "/jingtian")' \
        "$1" "$socket"
}

case $action in
start)
    make_folder
    # The kernel's limit for the path of a Unix socket is 107 bytes.
    [ "$(printf %s "$socket/.s.PGSQL.5432" | wc -c)" -le 107 ] || die \
        "项目所在文件夹的路径太长，放不下数据库的套接字（上限 107 字节）：$socket；请把项目移到路径较短的文件夹。" \
        "The path of the project is too long for the database's socket (limit 107 bytes): $socket; move the project to a shorter path."
    binaries
    if ! server_pid "$data" >/dev/null; then
        rm -rf "$socket"
        own_folder "$socket"
        [ -d "$data" ] || create_cluster
        start_server "$data"
    fi
    run "$bin/psql" -X -q -h "$socket" -U postgres -d postgres <docker/database.sql
    print_url jingtian
    ;;
stop)
    use_folder
    stop_server "$data"
    ;;
status)
    use_folder
    server_pid "$data" >/dev/null || { echo stopped; exit 3; }
    echo running
    ;;
url)
    use_folder
    print_url "${option:-jingtian}"
    ;;
remove)
    use_folder
    stop_server "$data"
    rm -rf "$home" "$dir"
    ;;
*)
    die "未知的操作 $action" "Unknown action $action: start, stop, status, url or remove."
    ;;
esac
