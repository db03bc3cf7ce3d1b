// The names of functions on a crash card: which are asked for, how an answer (host/symbols/reading.h) goes onto the
// card, and where the fault was, in words. The answer comes from a process that read files of strangers, so nothing of
// it is taken unchecked. Pure; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"

namespace longhaul::host::supervisor {

// Offsets by the file that they are in.
struct NameQuestion {
  struct Module {
    std::string name;  // "plugin", "longhaul-worker", "libc.so.6"
    std::vector<std::uint64_t> offsets;
  };
  std::vector<Module> modules;
};
NameQuestion questionOf(const Json& card);
// For these of its modules, in this order.
std::string questionText(const NameQuestion& question, const std::vector<std::size_t>& asked);

// What one process said: `asked` are the modules whose files it had.
struct NameAnswer {
  std::vector<std::size_t> asked;
  std::string text;
  std::string fault;  // why there is no answer; empty: there is one
};
// Sets "functions" beside each "frames", "modules", "names", "where", "function" and "fingerprint".
void addNames(Json& card, const NameQuestion& question, const NameAnswer& answer);

// Sets "where" and "function" from what is on the card. Where it was: "parse(char const*)+0x12 (plugin+0x1234), calling
// strlen+0x3 (libc.so.6+0x9d0)". The function is the innermost of the plugin that its author wrote.
void setWhere(Json& card);

// The same for ends that look alike, over restarts and random addresses: class, signal or code, version, and the
// innermost places of the author in the plugin's file; of a stack overflow all places of its circle; without any place
// the last line of stderr without its numbers. 16 hexadecimal digits.
std::string fingerprintOf(const Json& card);

// The text with every run of digits (also hexadecimal, as addresses are) made one '#'.
std::string withoutNumbers(std::string_view text);

}  // namespace longhaul::host::supervisor
