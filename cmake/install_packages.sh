#!/bin/sh
# Installs what is missing of one or more sets of cmake/packages.txt: install_packages.sh build test
# As root, or by sudo where that asks for no password. Never asks, never removes a package: where that would be needed,
# or where the rights are missing, it stops and prints the command to run. With all present it does nothing.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
list="$here/packages.txt"

packages_of() {
  awk -v wanted="$1" '
    /^#/ || /^[ \t]*$/ { next }
    /^\[/ { set = substr($0, 2, length($0) - 2); known = known || set == wanted; next }
    set == wanted && $2 == "unless" && system("command -v " $3 " >/dev/null 2>&1") == 0 { next }
    set == wanted { print $1 }
    END { if (!known) exit 1 }' "$list" || {
    echo "install_packages.sh: $list has no set [$1]; it has: $(grep '^\[' "$list" | tr '\n' ' ')" >&2
    exit 2
  }
}

[ $# -gt 0 ] || { echo "usage: $0 SET…   with sets of $list" >&2; exit 2; }
wanted=""
for set in "$@"; do
  wanted="$wanted $(packages_of "$set")"
done

if ! command -v dpkg-query >/dev/null 2>&1; then
  echo "install_packages.sh: this is no Debian, so nothing is installed. What Debian calls these is needed:" $wanted >&2
  exit 0
fi

missing=""
for package in $wanted; do
  state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$state" = installed ] || missing="$missing $package"
done
missing=${missing# }
[ -n "$missing" ] || exit 0

as_root=""
if [ "$(id -u)" != 0 ]; then
  if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    as_root="sudo -n"
  else
    echo "install_packages.sh: packages are missing, and only root may install them. Run this, then try again:" >&2
    echo "  apt-get update && apt-get install --no-install-recommends $missing" >&2
    exit 1
  fi
fi

export DEBIAN_FRONTEND=noninteractive
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@" </dev/null
}
install_missing() {
  apt install -y -q --no-install-recommends --no-remove $missing
}
# Prints what apt-get would have to remove; nothing when that is not what stands in the way.
removals() {
  apt install -s --no-install-recommends $missing 2>/dev/null | awk '/^Remv / { printf " %s", $2 }'
}
stop_at_removals() {
  removed=$(removals)
  [ -n "$removed" ] || return 0
  echo "install_packages.sh: to install $missing, apt-get has to remove:$removed" >&2
  echo "Nothing was changed. (libboost1.81-dev and the -dev packages of Boost 1.74 exclude each other.)" >&2
  echo "If you can do without them, run this, then try again:" >&2
  echo "  ${as_root:+sudo }apt-get install --no-install-recommends $missing" >&2
  exit 1
}

echo "Installing: $missing"
# Lists that are old or not there yet are the usual reason for a failure.
stop_at_removals
install_missing && exit 0
apt update -q || true
stop_at_removals
install_missing || {
  echo "install_packages.sh: apt-get could not install $missing; its own lines above say why" >&2
  exit 1
}
