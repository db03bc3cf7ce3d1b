// A folder to drop plugin files into, and a store beside it. Test thread.
#pragma once

#include <filesystem>
#include <string>
#include <variant>

#include "host/catalog/stager.h"
#include "tests/support/temp_folder.h"

namespace longhaul::host::test {

struct Place {
  TempFolder folder;
  catalog::AdmissionPolicy policy;
  Place() {
    namespace fs = std::filesystem;
    fs::create_directories(folder / "store");
    fs::create_directories(folder / "drop");
    policy.store_folder = folder / "store";
    // mkdtemp made the folder 0700; those below follow the umask.
    for (const auto* name : {"store", "drop"})
      fs::permissions(folder / name, fs::perms{0755});
  }
  std::filesystem::path drop(const std::string& name = "x.so",
                             const std::string& from = LONGHAUL_FIXTURES "/probe.so") {
    namespace fs = std::filesystem;
    const fs::path path = folder / "drop" / name;
    fs::copy_file(from, path, fs::copy_options::overwrite_existing);
    fs::permissions(path, fs::perms{0644});
    return path;
  }
  std::string refusal(const std::filesystem::path& path) {
    const auto outcome = catalog::stageAndAdmit(path, policy);
    const auto* refused = std::get_if<catalog::Refusal>(&outcome);
    return refused != nullptr ? refused->reason : "admitted";
  }
  std::size_t storedCount() {
    std::size_t count = 0;
    for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{policy.store_folder})
      ++count;
    return count;
  }
};

}  // namespace longhaul::host::test
