#!/bin/sh
# Shows Longhaul at work: installs what is missing, builds Release, starts the daemon with the syslog plugin and one
# instance on loopback, sends a message with logger, shows the incident that came of it, and leaves the daemon running in
# the foreground. With --once it ends the daemon and exits 0 only if the incident was there.
# From any directory, as root or as an ordinary user. All it writes is below build/ (or, where that folder would not be
# safe for plugins or too long for a socket, below the temporary folder). Run it again: it starts in seconds.
set -eu

once=no
case "${1:-}" in
  "") ;;
  --once) once=yes ;;
  *) echo "usage: $0 [--once]" >&2; exit 2 ;;
esac

root=$(cd "$(dirname "$0")/.." && pwd -P)
cd "$root"
. cmake/build_environment.sh

say() { printf '\n\033[1m%s\033[0m\n' "$*"; }
[ -t 1 ] || say() { printf '\n%s\n' "$*"; }
fail() {
  echo "quickstart.sh: $*" >&2
  exit 1
}

# ---- build
sh cmake/install_packages.sh build
say "Building (the first time takes minutes)"
[ -f build/release/build.ninja ] || cmake --preset release --log-level=WARNING
cmake --build build/release --target longhauld longhaul longhaul-worker longhaul-symbols longhaul-plugin syslog heartbeat
bin="$root/build/release/bin"

# ---- a home of its own
# The daemon takes plugins only from folders that no one else can write to, up to the root; a socket's path has 107 bytes.
suits() {
  [ ${#1} -le 90 ] || return 1
  folder=$root
  while [ "$folder" != / ]; do
    owner=$(stat -c %u "$folder")
    [ "$owner" = 0 ] || [ "$owner" = "$(id -u)" ] || return 1
    [ -z "$(find "$folder" -maxdepth 0 -perm /022 ! -perm -1000)" ] || return 1
    folder=$(dirname "$folder")
  done
}
home="$root/build/quickstart"
suits "$home" || home="${TMPDIR:-/tmp}/longhaul-quickstart-$(id -u)"
mkdir -p -m 700 "$home"
[ -O "$home" ] || fail "$home belongs to someone else; remove it or set TMPDIR"
mkdir -p "$home/plugins" "$home/instances.d" "$home/state" "$home/run"
chmod 700 "$home/run"

# Whole from the first moment on: written beside, then renamed. This is how plugins are dropped.
drop() {
  cp "$1" "$2/.${1##*/}.new"
  mv "$2/.${1##*/}.new" "$2/${1##*/}"
}
drop build/release/plugins/syslog.so "$home/plugins"

# The first port from 5514 on that nobody has, for TCP and UDP.
port_taken() {
  cat /proc/net/tcp /proc/net/udp /proc/net/tcp6 /proc/net/udp6 2>/dev/null |
    awk -v port="$(printf ':%04X' "$1")" 'substr($2, length($2) - 4) == port { found = 1 } END { exit !found }'
}
port=5514
while port_taken "$port"; do port=$((port + 1)); done

cat >"$home/instances.d/.edge-syslog.yaml.new" <<END
instances:
  - name: edge-syslog
    plugin: syslog
    parameters: { listen: "127.0.0.1:$port", protocol: both }
END
mv "$home/instances.d/.edge-syslog.yaml.new" "$home/instances.d/edge-syslog.yaml"
web=8440
while port_taken "$web"; do web=$((web + 1)); done
cat >"$home/longhaul.yaml" <<END
http: { listen: ["127.0.0.1:$web"] }
END

# ---- run
daemon=""
stop_daemon() {
  [ -n "$daemon" ] || return 0
  kill -TERM "$daemon" 2>/dev/null || true
  wait "$daemon" || true
  daemon=""
}
trap stop_daemon EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

say "Starting the daemon in $home"
"$bin/longhauld" --config "$home/longhaul.yaml" --instances-dir "$home/instances.d" --plugin-dir "$home/plugins" \
  --state-dir "$home/state" --run-dir "$home/run" >"$home/longhauld.log" 2>&1 &
daemon=$!
export LONGHAUL_ADDRESS="unix:$home/run/longhaul.sock"

# wait_until SECONDS WHAT COMMAND…: tries until the command succeeds, as long as the daemon lives.
wait_until() {
  deadline=$(($(date +%s) + $1)) what=$2
  shift 2
  until "$@"; do
    if ! kill -0 "$daemon" 2>/dev/null; then
      cat "$home/longhauld.log" >&2
      fail "the daemon ended; its last words are above"
    fi
    if [ "$(date +%s)" -ge "$deadline" ]; then
      tail -n 20 "$home/longhauld.log" >&2
      fail "$what took too long; the end of the daemon's log is above"
    fi
    sleep 0.1
  done
}
ready() { "$bin/longhaul" version -o json 2>/dev/null | grep -q '"ready": *true'; }
wait_until 30 "the daemon's start" ready
admitted() { "$bin/longhaul" plugins -o jsonl 2>/dev/null | grep '"syslog.so"\|/syslog.so"' | grep -q '"active"'; }
wait_until 30 "the syslog plugin" admitted
"$bin/longhaul" enable edge-syslog --timeout 30s >/dev/null || {
  "$bin/longhaul" explain edge-syslog || true
  fail "edge-syslog does not run"
}
"$bin/longhaul" ps

text="disk failed on sda, run $(date +%Y%m%d-%H%M%S)-$$"
say "\$ logger --server 127.0.0.1 --port $port --tcp --priority auth.err --tag quickstart \"$text\""
logger --server 127.0.0.1 --port "$port" --tcp --priority auth.err --tag quickstart "$text"

incident=""
incident_there() {
  incident=$("$bin/longhaul" incidents --instance edge-syslog -o jsonl 2>/dev/null | grep -F "$text" |
    sed -n 's/.*"id": *"\([0-9]*\)".*/\1/p' | head -n 1)
  [ -n "$incident" ]
}
wait_until 20 "the incident" incident_there
say "\$ longhaul incidents"
"$bin/longhaul" incidents
say "\$ longhaul incidents $incident"
"$bin/longhaul" incidents "$incident"

if [ "$once" = yes ]; then
  stop_daemon
  say "The incident was there; the daemon has ended."
  exit 0
fi

say "The dashboard, by a link that works once, within five minutes:"
"$bin/longhaul" dashboard
say "The daemon runs until Ctrl-C. In another terminal:"
cat <<END
  export LONGHAUL_ADDRESS=$LONGHAUL_ADDRESS PATH=$bin:\$PATH

  longhaul dashboard                       # another link for a browser
  longhaul status edge-syslog              # its worker, listeners, counts
  longhaul logs edge-syslog -f             # what it says, as it says it
  logger -n 127.0.0.1 -P $port -T -p auth.err "another one"; longhaul incidents
  kill -9 \$(longhaul status edge-syslog -o json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1)
  longhaul deaths edge-syslog              # how it ended; it is running again already
  longhaul context get edge-syslog         # what it keeps
  cp $root/build/release/plugins/heartbeat.so $home/plugins/   # dropped: longhaul plugins shows it
END
wait "$daemon" || fail "the daemon ended: $(tail -n 1 "$home/longhauld.log")"
daemon=""
