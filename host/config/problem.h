// What is wrong with a configuration, as a value: where (file, line, column, JSON pointer) and one sentence that names
// what was found, what was wanted and the remedy. Several are collected, so that a file is mended in one go. Any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/base/json.h"
#include "host/base/result.h"

namespace longhaul::host::config {

struct Place {
  int line = 0;    // from 1; 0: unknown (the value came by the API)
  int column = 0;  // bytes, from 1
  bool operator==(const Place&) const = default;
};

struct Problem {
  std::string file{};  // as it was named by the caller; empty: none
  Place place{};
  std::string pointer{};  // RFC 6901, into the file's or the request's JSON
  std::string message{};
};

// "instances.d/edge.yaml:7:5: …", or the pointer in front where there is no file.
std::string toText(const Problem& problem);
// {"file", "line", "column", "pointer", "message"}; what is unknown is left out.
Json toJson(const Problem& problem);
// INVALID with all of them, a line each.
Error toError(const std::vector<Problem>& problems);

// `"text"`, `the number 5`, `a list of 3`…: how a sentence shows what was found. Long texts are cut.
std::string describe(const Json& value);
// The text itself, or its begin and "…".
std::string shorten(std::string_view text, std::size_t bytes_max = 60);
// `; did you mean "x"?`, or nothing.
std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates);
// `"a", "b" or "c"`.
std::string oneOf(const std::vector<std::string>& words);

// One more step of a JSON pointer, escaped.
std::string pointerTo(std::string_view parent, std::string_view key);
std::string pointerTo(std::string_view parent, std::size_t index);

}  // namespace longhaul::host::config
