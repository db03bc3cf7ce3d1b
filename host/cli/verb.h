// A verb as data: its words, options and what runs. The command line (which parses them), the help and the tests read
// the same table. Values; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/cli/exit_code.h"

namespace longhaul::host::cli {

struct Session;

enum class ValueKind : std::uint8_t {
  Flag,
  Text,
  Count,  // a whole number from 0
  Span,   // "30s", "5min"
};

struct OptionSpec {
  std::string_view flags;  // "-n,--lines"
  ValueKind kind = ValueKind::Flag;
  std::string_view value{};  // its name in the help: "N"
  std::string_view help{};
  bool repeats = false;
  std::vector<std::string> choices{};  // of Text: the words it may be; empty: any

  std::string_view longName() const;  // "lines"
};

struct OperandSpec {
  std::string_view name;
  bool required = true;
  bool many = false;
};

enum class Group : std::uint8_t { Look, Act, Use, Plugins, Keep };

// What stood on the command line. Options by their long name without dashes, operands by theirs in capitals; those that
// are not there are empty. Counts and spans were checked.
struct Arguments {
  std::map<std::string, std::vector<std::string>, std::less<>> values;

  bool has(std::string_view name) const { return values.find(name) != values.end(); }
  const std::vector<std::string>& all(std::string_view name) const;
  std::optional<std::string> text(std::string_view name) const;
  std::optional<std::int64_t> count(std::string_view name) const;
  std::optional<std::chrono::milliseconds> span(std::string_view name) const;
};

struct Verb {
  std::string_view name;  // "ps", "incident create"
  Group group = Group::Look;
  std::string_view summary;
  std::vector<OperandSpec> operands;
  std::vector<OptionSpec> options;
  std::string_view details;  // further lines of its help
  Exit (*run)(Session& session, const Arguments& arguments) = nullptr;

  bool isHidden() const { return summary.empty(); }
};

// The verb of the completion scripts: what stands behind it is not looked at, for it is a line that is being written.
inline constexpr std::string_view kCompleteVerb = "__complete";

// Options that every verb takes.
const std::vector<OptionSpec>& commonOptions();

}  // namespace longhaul::host::cli
