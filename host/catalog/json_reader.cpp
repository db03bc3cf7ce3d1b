#include "host/catalog/json_reader.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "host/base/text.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::catalog {
namespace {

// RFC 6901.
std::string escapePointer(std::string_view key) {
  std::string escaped;
  for (const char c : key) {
    if (c == '~') {
      escaped += "~0";
    } else if (c == '/') {
      escaped += "~1";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

bool hasControl(std::string_view text, bool lines_allowed) {
  return std::any_of(text.begin(), text.end(), [&](char c) {
    const auto byte = static_cast<unsigned char>(c);
    if (lines_allowed && (c == '\n' || c == '\t')) return false;
    return byte < 0x20 || byte == 0x7f;
  });
}

std::string spanText(std::chrono::milliseconds span) {
  if (span.count() % 60'000 == 0) return fmt::format("{}min", span.count() / 60'000);
  if (span.count() % 1000 == 0) return fmt::format("{}s", span.count() / 1000);
  return fmt::format("{}ms", span.count());
}

}  // namespace

std::string describe(const Json& value) {
  switch (value.type()) {
    case Json::value_t::object:
      return value.empty() ? "an empty object" : fmt::format("an object with {} keys", value.size());
    case Json::value_t::array:
      return value.empty() ? "an empty array" : fmt::format("an array of {}", value.size());
    case Json::value_t::string: {
      const auto& text = value.get_ref<const std::string&>();
      if (text.size() <= 80) return dumpJson(value);
      std::size_t cut = 60;
      while (cut > 0 && (static_cast<unsigned char>(text[cut]) & 0xc0) == 0x80)
        --cut;
      return dumpJson(text.substr(0, cut)) + "…";
    }
    default:
      return dumpJson(value);
  }
}

std::optional<std::uint64_t> wholeNumber(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>();
  if (!value.is_number_integer() || value.get<std::int64_t>() < 0) return std::nullopt;
  return static_cast<std::uint64_t>(value.get<std::int64_t>());
}

std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("; did you mean \"{}\"?", *near) : std::string{};
}

ObjectReader::ObjectReader(const Json& object, std::string pointer) : object_(object), pointer_(std::move(pointer)) {
  if (!object_.is_object()) {
    fail(fmt::format("{}: found {}, wanted an object", pointer_.empty() ? "/" : pointer_, describe(object_)));
  }
}

std::string ObjectReader::pointerTo(std::string_view key) const {
  return fmt::format("{}/{}", pointer_, escapePointer(key));
}

void ObjectReader::fail(std::string message) {
  if (!error_) error_ = std::move(message);
}

void ObjectReader::failAt(const char* key, std::string_view message) {
  fail(fmt::format("{}: {}", pointerTo(key), message));
}

void ObjectReader::check(Result<void> result) {
  if (!result) fail(std::move(result).error().message);
}

const Json* ObjectReader::value(const char* key, Need need) {
  known_.emplace_back(key);
  if (!object_.is_object()) return nullptr;
  const auto at = object_.find(key);
  if (at != object_.end()) return &*at;
  if (need == Need::Required) failAt(key, "found nothing, but it is required: add it");
  return nullptr;
}

const Json* ObjectReader::textual(const char* key, Need need) {
  const Json* found = value(key, need);
  if (found == nullptr) return nullptr;
  if (!found->is_string()) {
    failAt(key, fmt::format("found {}, wanted a string", describe(*found)));
    return nullptr;
  }
  if (need == Need::Required && found->get_ref<const std::string&>().empty()) {
    failAt(key, "found an empty string, wanted some text");
    return nullptr;
  }
  return found;
}

void ObjectReader::line(const char* key, std::string& out, Need need) {
  const Json* found = textual(key, need);
  if (found == nullptr) return;
  out = found->get_ref<const std::string&>();
  if (hasControl(out, false)) failAt(key, "has control characters, wanted one line of plain text");
}

void ObjectReader::text(const char* key, std::string& out, Need need) {
  const Json* found = textual(key, need);
  if (found == nullptr) return;
  out = found->get_ref<const std::string&>();
  if (hasControl(out, true)) failAt(key, "has control characters other than line ends and tabs: take them out");
}

void ObjectReader::name(const char* key, std::string& out, Need need) {
  const Json* found = textual(key, need);
  if (found == nullptr) return;
  out = found->get_ref<const std::string&>();
  if (isName(out)) return;
  failAt(key, fmt::format("found {}, wanted 1 to 63 of a–z A–Z 0–9 . _ - that begin with a letter or digit",
                          describe(*found)));
}

void ObjectReader::boolean(const char* key, bool& out) {
  const Json* found = value(key);
  if (found == nullptr) return;
  if (!found->is_boolean()) return failAt(key, fmt::format("found {}, wanted true or false", describe(*found)));
  out = found->get<bool>();
}

void ObjectReader::integer(const char* key, std::int64_t& out, std::int64_t least, std::int64_t most) {
  const Json* found = value(key);
  if (found == nullptr) return;
  const bool fits = found->is_number_integer() &&
                    (!found->is_number_unsigned() || found->get<std::uint64_t>() <= static_cast<std::uint64_t>(most)) &&
                    found->get<std::int64_t>() >= least && found->get<std::int64_t>() <= most;
  if (!fits)
    return failAt(key, fmt::format("found {}, wanted a whole number from {} to {}", describe(*found), least, most));
  out = found->get<std::int64_t>();
}

void ObjectReader::span(const char* key, std::chrono::milliseconds& out, std::chrono::milliseconds least,
                        std::chrono::milliseconds most) {
  const Json* found = value(key);
  if (found == nullptr) return;
  const auto span = parseSpan(*found);
  if (!span || *span < least || *span > most) {
    return failAt(key, fmt::format("found {}, wanted a span from {} to {}, as in \"30s\", \"500ms\" or \"5min\"",
                                   describe(*found), spanText(least), spanText(most)));
  }
  out = *span;
}

void ObjectReader::lines(const char* key, std::vector<std::string>& out, Need need) {
  const Json* found = value(key, need);
  if (found == nullptr) return;
  if (!found->is_array()) return failAt(key, fmt::format("found {}, wanted an array of strings", describe(*found)));
  if (need == Need::Required && found->empty()) return failAt(key, "found an empty array, wanted at least one string");
  for (std::size_t i = 0; i < found->size(); ++i) {
    const Json& element = (*found)[i];
    const std::string at = fmt::format("{}/{}", pointerTo(key), i);
    if (!element.is_string() || element.get_ref<const std::string&>().empty()) {
      return fail(fmt::format("{}: found {}, wanted a string that is not empty", at, describe(element)));
    }
    const auto& text = element.get_ref<const std::string&>();
    if (hasControl(text, false)) return fail(fmt::format("{}: has control characters: take them out", at));
    if (std::find(out.begin(), out.end(), text) != out.end()) {
      return fail(fmt::format("{}: {} stands twice: take one out", at, describe(element)));
    }
    out.push_back(text);
  }
}

void ObjectReader::choice(const char* key, const std::vector<std::string>& words, std::size_t& out, Need need) {
  const Json* found = value(key, need);
  if (found == nullptr) return;
  const std::string word = found->is_string() ? found->get<std::string>() : std::string{};
  const auto at = std::find(words.begin(), words.end(), word);
  if (!found->is_string() || at == words.end()) {
    return failAt(key, fmt::format("found {}, wanted one of {}{}", describe(*found), fmt::join(words, ", "),
                                   didYouMean(word, words)));
  }
  out = static_cast<std::size_t>(at - words.begin());
}

void ObjectReader::array(const char* key, std::size_t count_max,
                         const std::function<Result<void>(const Json&, const std::string&)>& each) {
  const Json* found = value(key);
  if (found == nullptr) return;
  if (!found->is_array()) return failAt(key, fmt::format("found {}, wanted an array", describe(*found)));
  if (found->size() > count_max) {
    return failAt(key, fmt::format("found {} elements, wanted at most {}", found->size(), count_max));
  }
  for (std::size_t i = 0; i < found->size() && !failed(); ++i) {
    check(each((*found)[i], fmt::format("{}/{}", pointerTo(key), i)));
  }
}

Result<void> ObjectReader::finish() {
  if (object_.is_object()) {
    for (const auto& item : object_.items()) {
      if (std::find(known_.begin(), known_.end(), item.key()) != known_.end()) continue;
      std::string hint = didYouMean(item.key(), known_);
      if (hint.empty()) hint = fmt::format("; known are {}", fmt::join(known_, ", "));
      return Error{Code::Invalid,
                   fmt::format("{}: found a key that is not known, take it out{}", pointerTo(item.key()), hint)};
    }
  }
  if (error_) return Error{Code::Invalid, *error_};
  return {};
}

}  // namespace longhaul::host::catalog
