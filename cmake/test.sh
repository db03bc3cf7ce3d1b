#!/bin/sh
# Installs what is missing, builds, and runs the whole suite: unit, contract, integration, plugins, consumer, abi, tidy,
# fuzz, and the threaded programs under ThreadSanitizer. Ends with ctest's summary, and with ctest's exit code.
# From any directory, as root or as an ordinary user. CCACHE_DIR and CMAKE_BUILD_PARALLEL_LEVEL are kept if set.
set -eu

root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
. cmake/build_environment.sh

stage() { echo "== $(date +%T) $*"; }

stage "packages"
sh cmake/install_packages.sh build test

# What is built for other compilers or sanitizers is a tree of its own, and only as much as its tests need.
stage "ThreadSanitizer"
cmake --preset tsan --log-level=WARNING
cmake --build --preset tsan
stage "libFuzzer"
cmake --preset fuzz --log-level=WARNING
cmake --build --preset fuzz
stage "AddressSanitizer and UndefinedBehaviorSanitizer"
cmake --preset dev --log-level=WARNING -D LONGHAUL_TSAN_DIR="$root/build/tsan" -D LONGHAUL_FUZZ_DIR="$root/build/fuzz"
cmake --build --preset dev

stage "tests"
exec ctest --test-dir build/dev --output-on-failure --no-tests=error --parallel "$CTEST_PARALLEL_LEVEL"
