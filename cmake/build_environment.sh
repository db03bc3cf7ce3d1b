# shellcheck shell=sh
# Sourced by the scripts beside it, in the root of the tree: what a build wants from its environment.
: "${CMAKE_BUILD_PARALLEL_LEVEL:=$(nproc)}"
: "${CTEST_PARALLEL_LEVEL:=$(nproc)}"
export CMAKE_BUILD_PARALLEL_LEVEL CTEST_PARALLEL_LEVEL

# Objects are shared between trees and clones, whose paths differ. Without a home that can be written they stay here.
: "${CCACHE_BASEDIR:=$PWD}" "${CCACHE_NOHASHDIR:=1}"
export CCACHE_BASEDIR CCACHE_NOHASHDIR
if [ -z "${CCACHE_DIR:-}" ] && [ ! -w "${HOME:-/nonexistent}" ]; then
  CCACHE_DIR="$PWD/build/ccache"
  export CCACHE_DIR
fi
