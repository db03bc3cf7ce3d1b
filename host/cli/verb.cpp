#include "host/cli/verb.h"

#include "host/base/text.h"
#include "host/cli/times.h"

namespace longhaul::host::cli {

std::string_view OptionSpec::longName() const {
  const std::size_t at = flags.find("--");
  return at == std::string_view::npos ? flags.substr(1) : flags.substr(at + 2);
}

const std::vector<std::string>& Arguments::all(std::string_view name) const {
  static const std::vector<std::string> kNone;
  const auto found = values.find(name);
  return found == values.end() ? kNone : found->second;
}

std::optional<std::string> Arguments::text(std::string_view name) const {
  const auto& given = all(name);
  return given.empty() ? std::nullopt : std::optional(given.back());
}

std::optional<std::int64_t> Arguments::count(std::string_view name) const {
  const auto given = text(name);
  return given ? parseInt(*given) : std::nullopt;
}

std::optional<std::chrono::milliseconds> Arguments::span(std::string_view name) const {
  const auto given = text(name);
  return given ? parseSpanText(*given) : std::nullopt;
}

const std::vector<OptionSpec>& commonOptions() {
  static const std::vector<OptionSpec> kOptions{
      {"-o,--output", ValueKind::Text, "FORMAT", "table, wide, json, jsonl, yaml or name"},
      {"--address", ValueKind::Text, "ADDRESS", "unix:PATH or https://HOST:PORT (or LONGHAUL_ADDRESS)"},
      {"-h,--help", ValueKind::Flag, "", "shows this"},
  };
  return kOptions;
}

}  // namespace longhaul::host::cli
