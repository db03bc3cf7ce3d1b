#include "host/catalog/symbol_check.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "host/catalog/admission.h"
#include "tests/support/temp_folder.h"

using namespace longhaul::host;
using namespace longhaul::host::catalog;

namespace {

// A program with the same sanitizers as the worker has.
const std::string kProgram = LONGHAUL_FIXTURES "/probe_program";

std::vector<std::string> problems(const std::string& file, const std::filesystem::path& worker = kProgram,
                                  const std::filesystem::path& root = "/") {
  AdmissionPolicy policy;
  policy.worker = worker;
  policy.system_root = root;
  std::vector<std::string> texts;
  for (const FileProblem& problem : examine(test::readText(file), policy).problems)
    texts.push_back(problem.text);
  return texts;
}

}  // namespace

TEST_CASE("a symbol that is nowhere is named as its author wrote it, with the remedy; a weak one is none") {
  const auto found = problems(LONGHAUL_FIXTURES "/probe_unresolved.so");
  REQUIRE(found.size() == 1);
  CHECK_THAT(found.front(), Catch::StartsWith("it uses gone::count(char const*, int) (_ZN4gone5countEPKci) and 1 more, "
                                              "which none of the libraries that it needs has"));
  CHECK_THAT(found.front(), Catch::Contains("-Wl,-z,defs"));
  CHECK_THAT(found.front(), !Catch::Contains("longhaulTestMayBeAbsent"));
}

TEST_CASE("what the libraries, theirs and the worker have is found: real plugins are admitted") {
  for (const auto* name : {"/probe.so", "/probe_2.so", "/probe_symbols.so"})
    CHECK(problems(std::string{LONGHAUL_FIXTURES} + name).empty());
  CHECK(problems(LONGHAUL_CUT).empty());
}

TEST_CASE("where it cannot be told it is the loader's to say") {
  const std::string file = LONGHAUL_FIXTURES "/probe_unresolved.so";
  CHECK(problems(file, "").empty());
  CHECK(problems(file, "/gone/longhaul-worker").empty());
  CHECK(problems(file, "/etc/passwd").empty());
  ::setenv("LD_PRELOAD", "libsomething.so", 1);
  CHECK(problems(file).empty());
  ::unsetenv("LD_PRELOAD");
  CHECK(problems(file).size() == 1);
}

TEST_CASE("a C++ name is written out, unless that could cost much") {
  CHECK(demangled("_ZN4gone5countEPKci") == "gone::count(char const*, int)");
  CHECK(demangled("getenv") == "getenv");
  CHECK(demangled("_Znonsense") == "_Znonsense");
  CHECK(demangled("_ZNSt6vectorIiSaIiEE9push_backERKi") ==
        "std::vector<int, std::allocator<int> >::push_back(int const&)");
  // Each part doubles the one before it: 2^60 characters.
  std::string doubling = "_Z1fI1aE";
  for (int i = 0; i < 60; ++i)
    doubling +=
        "S" + std::string(i == 0 ? "" : std::string(1, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[(i - 1) % 36])) + "_S_";
  CHECK(demangled(doubling) == doubling);
  CHECK(demangled("_Z" + std::string(10'000, 'P')) == "_Z" + std::string(10'000, 'P'));
}
