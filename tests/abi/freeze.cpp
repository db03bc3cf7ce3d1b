// abi_freeze INCLUDE FOLDER COMPILER: keeps the headers of this minor and their layout in FOLDER/<major>.<minor>, for
// ever. What is there already is not overwritten: a published minor does not change.
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>

#include "tests/abi/layout.h"

int main(int argc, char** argv) {
  namespace fs = std::filesystem;
  if (argc != 4) return std::fprintf(stderr, "usage: abi_freeze INCLUDE FOLDER COMPILER\n"), 2;
  try {
    const fs::path include = argv[1];
    const fs::path folder = fs::path(argv[2]) / longhaul::abi::readVersion(include);
    if (fs::exists(folder / "layout.txt")) {
      std::fprintf(stderr,
                   "%s is frozen already; raise LONGHAUL_VERSION_MINOR, or, if that minor was never published, "
                   "remove the folder's include/ and layout.txt first\n",
                   folder.c_str());
      return 1;
    }
    const fs::path work = fs::temp_directory_path() / ("abi_freeze." + std::to_string(::getpid()));
    const std::string layout = longhaul::abi::layoutOf(include, argv[3], work);
    fs::remove_all(work);
    for (const char* name : {"version.h", "types.h", "server.h", "plugin.h", "commands.h", "http.h", "migrate.h",
                             "indicators.h", "manifest.h"})
      longhaul::abi::writeText(folder / "include/longhaul" / name,
                               longhaul::abi::readText(include / "longhaul" / name));
    longhaul::abi::writeText(folder / "layout.txt", layout);
    std::printf("frozen: %s; add plugin/ with a source that uses what is new\n", folder.c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "abi_freeze: %s\n", error.what());
    return 1;
  }
}
