# shellcheck shell=bash
# Sourced by the scripts beside it, at the top of the project: what every process of a local run (demo, tests) is told.
say() { printf '%s\n' "$@" >&2; }
die() { say "$@"; exit 1; }

umask 022
if ! mkdir -p .local/log 2>/dev/null || ! [ -w .local ] || ! [ -w .local/log ]; then
    die "无法写入 $PWD/.local；请用拥有该文件夹的用户执行。" "Cannot write to $PWD/.local: run this as the user who owns that folder."
fi
[ -s .local/secret_key ] || {
    (umask 077 && head -c 48 /dev/urandom | base64 -w 0 >.local/secret_key.new)
    mv .local/secret_key.new .local/secret_key
}
SECRET_KEY=$(cat .local/secret_key)
export SECRET_KEY
export DJANGO_SETTINGS_MODULE=mapserver.settings JINGTIAN_HTTP=1 ALLOWED_HOSTS=localhost,127.0.0.1
unset DEBUG
