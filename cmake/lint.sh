#!/bin/sh
# lint.sh            formatting, then clang-tidy over what build/dev compiles (.clang-tidy is its whitelist)
# lint.sh --format   formatting alone: what the ctest tidy_format runs
# lint.sh --fix      formats in place
set -eu
cd "$(dirname "$0")/.."

# Kept minors of the ABI stay as they were published, byte for byte.
sources() {
  find host plugin-api plugins tests -path tests/abi/0.1 -prune -o \
    \( -name '*.h' -o -name '*.hpp' -o -name '*.c' -o -name '*.cpp' \) -print0
}

case "${1:-}" in
  --fix) sources | xargs -0 clang-format -i; exit 0 ;;
  --format) sources | xargs -0 clang-format --dry-run --Werror || { echo "cmake/lint.sh --fix formats these" >&2; exit 1; }
            exit 0 ;;
  "") ;;
  *) echo "usage: $0 [--format | --fix]" >&2; exit 2 ;;
esac

sh cmake/install_packages.sh lint
sh "$0" --format
[ -f build/dev/compile_commands.json ] || cmake --preset dev --log-level=WARNING
# run-clang-tidy leaves out what it was not asked for: sources that a build wrote by itself.
run-clang-tidy-14 -quiet -p build/dev -j "$(nproc)" "^$PWD/(host|plugins|tests)/"
