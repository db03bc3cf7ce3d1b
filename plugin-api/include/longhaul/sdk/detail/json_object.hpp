// JSON texts without a JSON library: checks a text, splits an object into key and text of the value, splits an array,
// puts an object together again, quotes and decodes strings.
//
// Strict: RFC 8259 with nothing more, UTF-8 without faults, surrogates in pairs, at most LONGHAUL_JSON_DEPTH_MAX
// levels. It does not look for keys that occur twice: whoever puts members into a map sees them there. Values stay the
// text that they were. Nothing recurses, nothing is thrown but std::bad_alloc, nothing is allocated but results. Any
// thread; pure. The worker's copy of the context and the fake server both stand on it.
#ifndef LONGHAUL_SDK_DETAIL_JSON_OBJECT_HPP
#define LONGHAUL_SDK_DETAIL_JSON_OBJECT_HPP

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "longhaul/types.h"

namespace longhaul::detail {

// One member of an object: the key decoded, the value as it stands in the text that was split (a view into it).
struct JsonMember {
  std::string key;
  std::string_view value;
};

// Where a text stops being JSON, and what was wanted there.
struct JsonFault {
  std::size_t offset = 0;
  const char* what = "";
};

// Bytes of the UTF-8 character at `at`; 0 if there is none: cut, overlong, a surrogate, or above U+10FFFF.
inline std::size_t utf8Size(std::string_view text, std::size_t at) noexcept {
  const auto byte = [&](std::size_t i) -> unsigned {
    return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned first = byte(0);
  if (first < 0x80) return at < text.size() ? 1 : 0;
  if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if ((first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if ((first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

inline void appendUtf8(std::string& out, std::uint32_t code) {
  const auto put = [&](std::uint32_t byte) { out.push_back(static_cast<char>(static_cast<unsigned char>(byte))); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0U | (code >> 6));
    put(0x80U | (code & 0x3FU));
  } else if (code < 0x10000) {
    put(0xE0U | (code >> 12));
    put(0x80U | ((code >> 6) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  } else {
    put(0xF0U | (code >> 18));
    put(0x80U | ((code >> 12) & 0x3FU));
    put(0x80U | ((code >> 6) & 0x3FU));
    put(0x80U | (code & 0x3FU));
  }
}

// A cursor over one text. Each function moves over what it names, or says no and leaves the fault.
class JsonScanner {
 public:
  explicit JsonScanner(std::string_view text) noexcept : text_(text) {}

  std::size_t offset() const noexcept { return at_; }
  const JsonFault& fault() const noexcept { return fault_; }
  std::string_view since(std::size_t start) const noexcept { return text_.substr(start, at_ - start); }

  void blanks() noexcept {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t' || text_[at_] == '\n' || text_[at_] == '\r'))
      ++at_;
  }
  bool eat(char wanted) noexcept {
    if (at_ >= text_.size() || text_[at_] != wanted) return false;
    ++at_;
    return true;
  }
  bool need(char wanted, const char* what) noexcept { return eat(wanted) || fail(what); }
  bool end() noexcept {
    blanks();
    return at_ == text_.size() || fail("nothing more may follow the value");
  }

  // A string with its quotes; its decoded text is added to `out` unless that is null.
  bool string(std::string* out) {
    if (!eat('"')) return fail("a string in double quotes is wanted");
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') return ++at_, true;
      if (static_cast<unsigned char>(c) < 0x20) return fail("a control character in a string has to be escaped");
      if (c == '\\') {
        if (!escape(out)) return false;
        continue;
      }
      const std::size_t size = utf8Size(text_, at_);
      if (size == 0) return fail("the text is not UTF-8");
      if (out != nullptr) out->append(text_.substr(at_, size));
      at_ += size;
    }
    return fail("the string does not end");
  }

  // A key and its colon.
  bool key(std::string* out) {
    blanks();
    if (!string(out)) return false;
    blanks();
    return need(':', "a colon is wanted after the key");
  }

  // One whole value; `level` levels are open around it.
  bool value(int level) {
    std::uint64_t objects = 0;  // the lowest bit: the innermost open level is an object
    for (int open = 0;;) {
      blanks();
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      if (c == '{' || c == '[') {
        if (level + open >= LONGHAUL_JSON_DEPTH_MAX) return fail("more than 64 levels of arrays and objects");
        ++at_;
        ++open;
        objects = (objects << 1) | (c == '{' ? 1U : 0U);
        blanks();
        if (!eat(c == '{' ? '}' : ']')) {
          if (c == '{' && !key(nullptr)) return false;
          continue;
        }
        objects >>= 1;
        --open;
      } else if (!scalar(c)) {
        return false;
      }
      while (open > 0) {
        blanks();
        const bool object = (objects & 1U) != 0;
        if (eat(',')) {
          if (object && !key(nullptr)) return false;
          break;
        }
        if (!need(object ? '}' : ']', object ? "a comma or } is wanted" : "a comma or ] is wanted")) return false;
        objects >>= 1;
        if (--open == 0) return true;
      }
      if (open == 0) return true;
    }
  }

 private:
  bool fail(const char* what) noexcept {
    fault_ = {at_, what};
    return false;
  }

  bool scalar(char first) {
    if (first == '"') return string(nullptr);
    if (first == '-' || (first >= '0' && first <= '9')) return number();
    return word("true") || word("false") || word("null") || fail("a value is wanted");
  }
  bool word(std::string_view wanted) noexcept {
    if (text_.substr(at_, wanted.size()) != wanted) return false;
    at_ += wanted.size();
    return true;
  }
  bool digits() noexcept {
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
      ++at_;
    return at_ > start || fail("a digit is wanted");
  }
  bool number() noexcept {
    eat('-');
    if (!eat('0') && !digits()) return false;
    if (eat('.') && !digits()) return false;
    if (eat('e') || eat('E')) {
      if (!eat('+')) eat('-');
      return digits();
    }
    return true;
  }

  bool hex4(std::uint32_t& code) noexcept {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = at_ < text_.size() ? text_[at_] : '\0';
      const int digit = c >= '0' && c <= '9'   ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (digit < 0) return fail("four hexadecimal digits are wanted");
      code = (code << 4) | static_cast<std::uint32_t>(digit);
    }
    return true;
  }
  bool escape(std::string* out) {
    ++at_;
    const char c = at_ < text_.size() ? text_[at_] : '\0';
    static constexpr std::string_view kNames = "\"\\/bfnrt";
    static constexpr std::string_view kMeant = "\"\\/\b\f\n\r\t";
    if (c != 'u') {
      const std::size_t i = kNames.find(c);
      if (i == std::string_view::npos) return fail("there is no such escape");
      ++at_;
      if (out != nullptr) out->push_back(kMeant[i]);
      return true;
    }
    ++at_;
    std::uint32_t code = 0;
    if (!hex4(code)) return false;
    if (code >= 0xD800 && code <= 0xDFFF) {
      std::uint32_t low = 0;
      if (code >= 0xDC00 || !word("\\u") || !hex4(low) || low < 0xDC00 || low > 0xDFFF)
        return fail("half of a surrogate pair");
      code = 0x10000U + ((code - 0xD800U) << 10) + (low - 0xDC00U);
    }
    if (out != nullptr) appendUtf8(*out, code);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  JsonFault fault_;
};

inline bool refuse(const JsonScanner& scanner, JsonFault* fault) noexcept {
  if (fault != nullptr) *fault = scanner.fault();
  return false;
}

// The whole text is one JSON value.
inline bool checkJson(std::string_view text, JsonFault* fault = nullptr) {
  JsonScanner scanner(text);
  return (scanner.value(0) && scanner.end()) || refuse(scanner, fault);
}

// The members of an object in their order; `out` is emptied first and means nothing after a failure.
inline bool splitJsonObject(std::string_view text, std::vector<JsonMember>& out, JsonFault* fault = nullptr) {
  JsonScanner scanner(text);
  out.clear();
  scanner.blanks();
  if (!scanner.need('{', "an object is wanted")) return refuse(scanner, fault);
  scanner.blanks();
  if (!scanner.eat('}')) {
    do {
      JsonMember& member = out.emplace_back();
      if (!scanner.key(&member.key)) return refuse(scanner, fault);
      scanner.blanks();
      const std::size_t start = scanner.offset();
      if (!scanner.value(1)) return refuse(scanner, fault);
      member.value = scanner.since(start);
      scanner.blanks();
    } while (scanner.eat(','));
    if (!scanner.need('}', "a comma or } is wanted")) return refuse(scanner, fault);
  }
  return scanner.end() || refuse(scanner, fault);
}

// The elements of an array in their order, as splitJsonObject.
inline bool splitJsonArray(std::string_view text, std::vector<std::string_view>& out, JsonFault* fault = nullptr) {
  JsonScanner scanner(text);
  out.clear();
  scanner.blanks();
  if (!scanner.need('[', "an array is wanted")) return refuse(scanner, fault);
  scanner.blanks();
  if (!scanner.eat(']')) {
    do {
      scanner.blanks();
      const std::size_t start = scanner.offset();
      if (!scanner.value(1)) return refuse(scanner, fault);
      out.push_back(scanner.since(start));
      scanner.blanks();
    } while (scanner.eat(','));
    if (!scanner.need(']', "a comma or ] is wanted")) return refuse(scanner, fault);
  }
  return scanner.end() || refuse(scanner, fault);
}

// The text of a JSON string; false and `out` emptied if `json` is not one.
inline bool decodeJsonString(std::string_view json, std::string& out) {
  JsonScanner scanner(json);
  out.clear();
  scanner.blanks();
  if (scanner.string(&out) && scanner.end()) return true;
  out.clear();
  return false;
}

// Adds the text as a JSON string. It takes any bytes: what is not UTF-8 becomes U+FFFD, a byte each.
inline void appendJsonString(std::string& out, std::string_view text) {
  static constexpr char kHex[] = "0123456789abcdef";
  out.push_back('"');
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (c == '\n') {
      out.append("\\n");
    } else if (c == '\r') {
      out.append("\\r");
    } else if (c == '\t') {
      out.append("\\t");
    } else if (byte < 0x20 || byte == 0x7F) {
      out.append("\\u00");
      out.push_back(kHex[byte >> 4]);
      out.push_back(kHex[byte & 0xFU]);
    } else if (const std::size_t size = utf8Size(text, at); size > 0) {
      out.append(text.substr(at, size));
      at += size;
      continue;
    } else {
      out.append("\xEF\xBF\xBD");
    }
    ++at;
  }
  out.push_back('"');
}

inline std::string quoteJson(std::string_view text) {
  std::string out;
  out.reserve(text.size() + 2);
  appendJsonString(out, text);
  return out;
}

// An object of (key, text of the value): a std::map, or what splitJsonObject gave. The values are not checked again.
template <class Members>
std::string joinJsonObject(const Members& members) {
  std::size_t size = 2;
  for (const auto& [key, value] : members)
    size += key.size() + value.size() + 4;
  std::string out;
  out.reserve(size);
  out.push_back('{');
  for (const auto& [key, value] : members) {
    if (out.size() > 1) out.push_back(',');
    appendJsonString(out, key);
    out.push_back(':');
    out.append(value);
  }
  out.push_back('}');
  return out;
}

}  // namespace longhaul::detail

#endif
