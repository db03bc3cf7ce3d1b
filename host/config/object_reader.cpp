#include "host/config/object_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "host/base/text.h"
#include "host/catalog/manifest.h"

namespace longhaul::host::config {

ObjectReader::ObjectReader(const Document& document, std::string pointer, std::vector<Problem>& problems)
    : document_(document), pointer_(std::move(pointer)), problems_(problems) {
  const Json& value = document.value().at(Json::json_pointer(pointer_));
  if (value.is_object()) {
    object_ = &value;
  } else if (!value.is_null()) {
    problems_.push_back(document_.problemAt(
        pointer_, fmt::format("found {}, wanted a mapping: lines of the form \"key: value\"", describe(value))));
  }
}

bool ObjectReader::has(const char* key) const {
  if (object_ == nullptr) return false;
  const auto found = object_->find(key);
  return found != object_->end() && !found->is_null();
}

const Json* ObjectReader::value(const char* key) {
  if (std::find(known_.begin(), known_.end(), key) == known_.end()) known_.emplace_back(key);
  return has(key) ? &*object_->find(key) : nullptr;
}

void ObjectReader::fail(const char* key, std::string message) {
  problems_.push_back(document_.problemAt(pointer(key), fmt::format("{}: {}", key, message)));
}

void ObjectReader::missing(const char* key, std::string_view remedy) {
  if (object_ == nullptr) return;  // told already
  problems_.push_back(document_.problemAt(pointer_, fmt::format("{} is missing; {}", key, remedy)));
}

const Json* ObjectReader::wanted(const char* key, bool (Json::*is)() const noexcept, std::string_view what) {
  const Json* found = value(key);
  if (found == nullptr || (found->*is)()) return found;
  std::string remedy;
  if (what == "a text" && found->is_primitive()) remedy = fmt::format("; put it in quotes: \"{}\"", dumpJson(*found));
  if (what == "true or false" && found->is_string()) {
    const auto& word = found->get_ref<const std::string&>();
    for (const std::string_view yes : {"yes", "on", "y", "Yes", "On", "YES", "ON"}) {
      if (word == yes) remedy = "; write true";
    }
    for (const std::string_view no : {"no", "off", "n", "No", "Off", "NO", "OFF"}) {
      if (word == no) remedy = "; write false";
    }
    if (word == "true" || word == "false") remedy = "; take the quotes away";
  }
  fail(key, fmt::format("found {}, wanted {}{}", describe(*found), what, remedy));
  return nullptr;
}

void ObjectReader::text(const char* key, std::optional<std::string>& out) {
  if (const Json* found = wanted(key, &Json::is_string, "a text")) out = found->get<std::string>();
}

void ObjectReader::text(const char* key, std::string& out) {
  if (const Json* found = wanted(key, &Json::is_string, "a text")) out = found->get<std::string>();
}

void ObjectReader::name(const char* key, std::string& out, bool required) {
  const bool present = has(key);
  if (const Json* found = wanted(key, &Json::is_string, "a text")) {
    const auto& text = found->get_ref<const std::string&>();
    if (isName(text)) {
      out = text;
    } else {
      fail(key,
           fmt::format("found {}, wanted 1 to 63 of the characters a-z A-Z 0-9 . _ -, the first a letter or a digit",
                       describe(*found)));
    }
  } else if (required && !present) {
    missing(key, fmt::format("add \"{}: …\"", key));
  }
}

void ObjectReader::boolean(const char* key, bool& out) {
  if (const Json* found = wanted(key, &Json::is_boolean, "true or false")) out = found->get<bool>();
}

std::optional<std::int64_t> ObjectReader::integerOf(const char* key, std::int64_t least, std::int64_t most) {
  const Json* found = value(key);
  if (found == nullptr) return std::nullopt;
  const bool fits = found->is_number_integer() &&
                    !(found->is_number_unsigned() && found->get<std::uint64_t>() > std::uint64_t{INT64_MAX});
  if (fits && found->get<std::int64_t>() >= least && found->get<std::int64_t>() <= most) {
    return found->get<std::int64_t>();
  }
  fail(key, fmt::format("found {}, wanted a whole number from {} to {}", describe(*found), least, most));
  return std::nullopt;
}

void ObjectReader::fraction(const char* key, double& out, double least, double most) {
  const Json* found = value(key);
  if (found == nullptr) return;
  if (found->is_number() && found->get<double>() >= least && found->get<double>() <= most) {
    out = found->get<double>();
  } else {
    fail(key, fmt::format("found {}, wanted a number from {} to {}", describe(*found), least, most));
  }
}

namespace {

std::string spanText(std::chrono::milliseconds span) {
  using namespace std::chrono_literals;
  if (span % 1h == 0h && span != 0h) return fmt::format("{}h", span / 1h);
  if (span % 1min == 0min && span != 0min) return fmt::format("{}min", span / 1min);
  if (span % 1s == 0s) return fmt::format("{}s", span / 1s);
  return fmt::format("{}ms", span.count());
}

// "64KiB", or a number of bytes.
std::optional<std::size_t> parseBytes(const Json& value) {
  if (value.is_number_unsigned()) return value.get<std::size_t>();
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{}) return std::nullopt;
  std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  while (unit.starts_with(' '))
    unit.remove_prefix(1);
  const int shift = unit == "KiB" ? 10 : unit == "MiB" ? 20 : unit == "GiB" ? 30 : -1;
  if (shift < 0 || number > (SIZE_MAX >> shift)) return std::nullopt;
  return number << shift;
}

std::string bytesText(std::size_t bytes) {
  if (bytes != 0 && bytes % (1U << 20) == 0) return fmt::format("{}MiB", bytes >> 20);
  if (bytes != 0 && bytes % (1U << 10) == 0) return fmt::format("{}KiB", bytes >> 10);
  return fmt::format("{}", bytes);
}

}  // namespace

void ObjectReader::span(const char* key, std::chrono::milliseconds& out, std::chrono::milliseconds least,
                        std::chrono::milliseconds most) {
  const Json* found = value(key);
  if (found == nullptr) return;
  const auto span = catalog::parseSpan(*found);
  if (span && *span >= least && *span <= most) {
    out = *span;
  } else {
    fail(key, fmt::format("found {}, wanted a span from {} to {}, as in \"30s\", \"500ms\" or \"5min\"",
                          describe(*found), spanText(least), spanText(most)));
  }
}

void ObjectReader::bytes(const char* key, std::size_t& out, std::size_t least, std::size_t most) {
  const Json* found = value(key);
  if (found == nullptr) return;
  const auto bytes = parseBytes(*found);
  if (bytes && *bytes >= least && *bytes <= most) {
    out = *bytes;
  } else {
    fail(key, fmt::format("found {}, wanted a size from {} to {}, as in \"64KiB\" or \"16MiB\"", describe(*found),
                          bytesText(least), bytesText(most)));
  }
}

void ObjectReader::texts(const char* key, std::vector<std::string>& out) {
  const Json* found = wanted(key, &Json::is_array, "a list of texts");
  if (found == nullptr) return;
  std::vector<std::string> all;
  for (std::size_t i = 0; i < found->size(); ++i) {
    if (!(*found)[i].is_string()) {
      problems_.push_back(document_.problemAt(pointerTo(pointer(key), i),
                                              fmt::format("{}: found {}, wanted a text", key, describe((*found)[i]))));
      return;
    }
    all.push_back((*found)[i].get<std::string>());
  }
  out = std::move(all);
}

std::optional<std::size_t> ObjectReader::choice(const char* key, const std::vector<std::string>& words) {
  const Json* found = value(key);
  if (found == nullptr) return std::nullopt;
  if (found->is_string()) {
    const auto at = std::find(words.begin(), words.end(), found->get_ref<const std::string&>());
    if (at != words.end()) return static_cast<std::size_t>(at - words.begin());
  }
  fail(key, fmt::format("found {}, wanted {}{}", describe(*found), oneOf(words),
                        found->is_string() ? didYouMean(found->get_ref<const std::string&>(), words) : std::string()));
  return std::nullopt;
}

std::optional<std::string> ObjectReader::object(const char* key) {
  if (wanted(key, &Json::is_object, "a mapping: lines of the form \"key: value\"") == nullptr) return std::nullopt;
  return pointer(key);
}

std::optional<std::string> ObjectReader::list(const char* key) {
  if (wanted(key, &Json::is_array, "a list: lines that begin with \"- \"") == nullptr) return std::nullopt;
  return pointer(key);
}

void ObjectReader::finish() {
  if (object_ == nullptr) return;
  std::vector<std::string> free;  // known keys that the mapping does not have yet: what a misspelt one can mean
  for (const std::string& key : known_) {
    if (!object_->contains(key)) free.push_back(key);
  }
  for (const auto& [key, found] : object_->items()) {
    if (std::find(known_.begin(), known_.end(), key) != known_.end()) continue;
    std::vector<std::string> sorted = known_;
    std::sort(sorted.begin(), sorted.end());
    std::string remedy = didYouMean(key, free);
    if (remedy.empty()) remedy = fmt::format("; known are {}", fmt::join(sorted, ", "));
    problems_.push_back(
        document_.problemAtKey(pointer(key), fmt::format("the key {} is not known{}", describe(key), remedy)));
  }
}

}  // namespace longhaul::host::config
