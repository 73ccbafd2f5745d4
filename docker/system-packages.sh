#!/usr/bin/env bash
# Installs the system packages that Jingtian needs and this machine lacks. Looks first: with nothing missing it asks for no rights and no network.
#   docker/system-packages.sh [--with-browser]      --with-browser: also Chromium, for the browser tests
set -euo pipefail

say() { printf '%s\n' "$@" >&2; }
installed() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

missing=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || missing+=(postgresql)
compgen -G '/usr/share/postgresql/*/extension/postgis.control' >/dev/null || missing+=(postgresql-postgis)
command -v ogrinfo >/dev/null || missing+=(gdal-bin)
command -v msgfmt >/dev/null || missing+=(gettext)
installed fonts-noto-cjk || missing+=(fonts-noto-cjk)
installed libpangoft2-1.0-0 || missing+=(libpangoft2-1.0-0)
installed libharfbuzz-subset0 || missing+=(libharfbuzz-subset0)
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
command -v node >/dev/null || missing+=(nodejs)
command -v npm >/dev/null || missing+=(npm)
if [ "${1:-}" = --with-browser ]; then
    command -v chromium-headless-shell >/dev/null || missing+=(chromium-headless-shell)
fi
[ ${#missing[@]} -eq 0 ] && exit 0

by_hand="apt-get update && apt-get install -y --no-install-recommends ${missing[*]}"
refuse() {
    say "缺少系统软件包 ${missing[*]}，$1；请由管理员执行：$by_hand" \
        "Missing system packages: ${missing[*]}. $2; as an administrator run: $by_hand"
    exit 1
}

command -v apt-get >/dev/null || refuse "而本机没有 apt" "This machine has no apt"
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || refuse "而当前用户不是 root，也没有 sudo" "You are not root and there is no sudo"
    # Without a terminal sudo cannot ask for a password; with one, let it ask.
    [ -t 0 ] || sudo -n true 2>/dev/null || refuse "而当前用户不能使用 sudo" "You may not use sudo here"
    as_root=(sudo)
fi

say "→ 安装系统软件包 / installing system packages: ${missing[*]}"

# Debian creates and starts a cluster "main" whenever a PostgreSQL server is installed. This project brings its own, so that is
# turned off for the length of this installation; clusters that exist are not touched.
no_cluster=/etc/postgresql-common/createcluster.d/jingtian.conf
log=$(mktemp)
trap '"${as_root[@]}" rm -f "$no_cluster"; rm -f "$log"' EXIT
"${as_root[@]}" mkdir -p "${no_cluster%/*}" 2>>"$log" || refuse "而当前用户不能使用 sudo" "You may not use sudo here"
echo "create_main_cluster = false" | "${as_root[@]}" tee "$no_cluster" >/dev/null

apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" </dev/null >>"$log" 2>&1; }
if ! apt update || ! apt install -y --no-install-recommends "${missing[@]}"; then
    reason=$(grep -m1 '^E:' "$log" || true)
    refuse "安装未成功（多半是网络或软件源的问题：$reason）" "Installing them failed, most likely for lack of a network or mirror ($reason)"
fi
