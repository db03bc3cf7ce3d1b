#include "host/symbols/reading.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "host/base/json.h"
#include "host/base/text.h"
#include "host/sandbox/apply.h"
#include "host/symbols/function_names.h"

namespace longhaul::host::symbols {
namespace {

constexpr std::size_t kQuestionBytesMax = 1U << 20;

bool readAll(int fd, std::string& out) {
  char bytes[16384];
  while (out.size() <= kQuestionBytesMax) {
    const ssize_t count = ::read(fd, bytes, sizeof bytes);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return count == 0;
    out.append(bytes, static_cast<std::size_t>(count));
  }
  return false;
}

bool writeAll(std::string_view text) {
  while (!text.empty()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data(), text.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

int fail(const std::string& fault) {
  writeAll(dumpJson({{"fault", fault}}) + "\n");
  return 1;
}

std::string lineFor(int fd, const std::vector<std::uint64_t>& offsets) {
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end <= 0) return dumpJson({{"fault", "the file cannot be read"}});
  const auto size = static_cast<std::size_t>(end);
  // A file that shrinks meanwhile ends this process, and nothing else.
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address == MAP_FAILED)
    return dumpJson({{"fault", std::string{"the file cannot be read: "} + ::strerrordesc_np(errno)}});
  std::string line = answerFor({static_cast<const char*>(address), size}, offsets);
  ::munmap(address, size);
  return line;
}

}  // namespace

Result<std::vector<std::vector<std::uint64_t>>> readQuestion(std::string_view text) {
  const auto json = parseJson(text);
  if (!json) return json.error();
  const Error wrong{Code::Invalid, "wanted {\"modules\": [{\"offsets\": [numbers]}]}"};
  if (!json->is_object() || !json->contains("modules") || !(*json)["modules"].is_array()) return wrong;
  std::vector<std::vector<std::uint64_t>> question;
  for (const Json& module : (*json)["modules"]) {
    if (!module.is_object() || !module.contains("offsets") || !module["offsets"].is_array()) return wrong;
    auto& offsets = question.emplace_back();
    for (const Json& offset : module["offsets"]) {
      if (!offset.is_number_unsigned()) return wrong;
      offsets.push_back(offset.get<std::uint64_t>());
    }
  }
  return question;
}

std::string answerFor(std::string_view file, const std::vector<std::uint64_t>& offsets) {
  const auto found = functionsAt(file, offsets);
  if (!found) return dumpJson({{"fault", found.error().message}});
  Json functions = Json::array();
  for (const std::optional<Function>& each : found->functions) {
    Json function;
    if (each) {
      function = {{"name", each->name}, {"offset", each->offset}};
      if (each->runtime) function["runtime"] = true;
    }
    functions.push_back(std::move(function));
  }
  return dumpJson({{"buildId", found->build_id}, {"table", found->table}, {"functions", std::move(functions)}});
}

int runReader(int argc, char** argv) {
  std::string text;
  if (argc != kArgCount || !readAll(STDIN_FILENO, text)) return fail("it is started by longhauld, for one question");
  std::uint32_t size = 0;
  if (text.size() < sizeof size) return fail("its question is cut short");
  std::memcpy(&size, text.data(), sizeof size);
  const std::string_view rest = std::string_view{text}.substr(sizeof size);
  sandbox::Confinement confinement;
  if (size > rest.size() || !decode(rest.substr(0, size), confinement)) return fail("its confinement cannot be read");
  std::string fault;
  if (!sandbox::apply(confinement, fault)) return fail("it could not be confined: " + fault);
  // It dies with the daemon from here on; of one that ended before it would not have heard.
  if (::getppid() != static_cast<pid_t>(parseInt(argv[kArgHostPid]).value_or(0))) return 1;

  const auto question = readQuestion(rest.substr(size));
  if (!question) return fail(question.error().message);
  for (std::size_t i = 0; i < question->size(); ++i) {
    if (!writeAll(lineFor(kFirstModuleFd + static_cast<int>(i), (*question)[i]) + "\n")) return 1;
  }
  return 0;
}

}  // namespace longhaul::host::symbols
