// Builds a Document out of the events of a parser, YAML's or JSON's, and holds the bounds for both: depth, number of
// values, bytes of text, keys once, aliases finished before they are used. A fault is thrown as Fault and caught by
// Document::parse: third-party parsers are left only so. Private to this room; one parse.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "host/config/document.h"

namespace longhaul::host::config {

struct Fault {
  Place place;
  std::string pointer;
  std::string message;
};

class DocumentBuilder {
 public:
  using Anchor = std::size_t;  // 0: none

  explicit DocumentBuilder(Document& document) : document_(document) {}

  void startObject(Place place, Anchor anchor = 0);
  void endObject();
  void startArray(Place place, Anchor anchor = 0);
  void endArray();
  // A key, where the next event is one: `text` as it stands.
  bool wantsKey() const { return !open_.empty() && open_.back().value.is_object() && !open_.back().has_key; }
  void key(Place place, std::string text);
  void scalar(Place place, Json value, Anchor anchor = 0);
  // The value of the anchor once more.
  void alias(Place place, Anchor anchor);

  [[noreturn]] void fail(Place place, std::string message) const;

 private:
  struct Weight {
    std::size_t nodes = 1;
    std::size_t bytes = 0;
    int depth = 0;  // levels of arrays and objects within
  };
  struct Open {
    Json value;
    std::string pointer;
    Anchor anchor = 0;
    Weight weight{};
    std::map<std::string, Place> keys{};
    std::string key{};
    Place key_place{};
    bool has_key = false;
    Place place{};
  };
  struct Kept {
    Json value;
    Weight weight;
  };

  void start(Place place, Json value, Anchor anchor);
  void end();
  std::string nextPointer() const;
  void remember(const std::string& pointer, Place place);
  void charge(Place place, const Weight& weight);
  void keep(Place place, Anchor anchor, const Json& value, const Weight& weight);
  void put(Place place, Json value, const Weight& weight, Anchor anchor);

  Document& document_;
  std::vector<Open> open_;
  std::map<Anchor, Kept> anchors_;
  std::size_t nodes_ = 0;
  std::size_t bytes_ = 0;
  std::size_t pointer_bytes_ = 0;
  Weight kept_{.nodes = 0};
};

}  // namespace longhaul::host::config
