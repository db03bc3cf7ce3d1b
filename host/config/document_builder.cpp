#include "host/config/document_builder.h"

#include <fmt/format.h>

#include <algorithm>

#include "host/base/limits.h"

namespace longhaul::host::config {

void DocumentBuilder::fail(Place place, std::string message) const {
  throw Fault{place, open_.empty() ? std::string() : open_.back().pointer, std::move(message)};
}

std::string DocumentBuilder::nextPointer() const {
  if (open_.empty()) return {};
  const Open& in = open_.back();
  return in.value.is_array() ? pointerTo(in.pointer, in.value.size()) : pointerTo(in.pointer, in.key);
}

void DocumentBuilder::remember(const std::string& pointer, Place place) {
  pointer_bytes_ += pointer.size();
  if (pointer_bytes_ > kConfigPointerBytesMax) {
    fail(place, "the keys around this are too long for so many values below them; wanted shorter keys");
  }
  const Place key = open_.empty() || open_.back().value.is_array() ? place : open_.back().key_place;
  document_.places_.emplace(pointer, Document::Places{key, place});
}

void DocumentBuilder::charge(Place place, const Weight& weight) {
  nodes_ += weight.nodes;
  bytes_ += weight.bytes;
  if (nodes_ > kConfigNodesMax) {
    fail(place,
         fmt::format("the file has more than {} values, aliases counted as often as they are used; wanted fewer: "
                     "split it, or use fewer aliases",
                     kConfigNodesMax));
  }
  if (bytes_ > kConfigExpandedBytesMax) {
    fail(place, fmt::format("the texts of the file are more than {} bytes, aliases counted as often as they are used; "
                            "wanted fewer: split it, or use fewer aliases",
                            kConfigExpandedBytesMax));
  }
  if (static_cast<int>(open_.size()) + weight.depth > kJsonDepthMax) {
    fail(place, fmt::format("lists and mappings are nested deeper than {}; wanted fewer levels", kJsonDepthMax));
  }
}

void DocumentBuilder::start(Place place, Json value, Anchor anchor) {
  charge(place, {.depth = 1});
  std::string pointer = nextPointer();
  remember(pointer, place);
  open_.push_back({.value = std::move(value), .pointer = std::move(pointer), .anchor = anchor, .place = place});
}

void DocumentBuilder::startObject(Place place, Anchor anchor) {
  start(place, Json::object(), anchor);
}
void DocumentBuilder::startArray(Place place, Anchor anchor) {
  start(place, Json::array(), anchor);
}
void DocumentBuilder::endObject() {
  end();
}
void DocumentBuilder::endArray() {
  end();
}

void DocumentBuilder::end() {
  Open done = std::move(open_.back());
  open_.pop_back();
  done.weight.depth += 1;
  put(done.place, std::move(done.value), done.weight, done.anchor);
}

void DocumentBuilder::key(Place place, std::string text) {
  Open& in = open_.back();
  if (text == "<<") fail(place, "merge keys (<<) are not in YAML 1.2; write the values out");
  const auto [first, is_new] = in.keys.emplace(text, place);
  if (!is_new) {
    fail(place, fmt::format("the key {} stands twice, first in line {}; keep one of them", describe(text),
                            first->second.line));
  }
  const Weight weight{.bytes = text.size()};
  charge(place, weight);
  in.weight.bytes += weight.bytes;
  in.weight.nodes += weight.nodes;
  in.key = std::move(text);
  in.key_place = place;
  in.has_key = true;
}

void DocumentBuilder::scalar(Place place, Json value, Anchor anchor) {
  const Weight weight{.bytes = value.is_string() ? value.get_ref<const std::string&>().size() : 0};
  charge(place, weight);
  remember(nextPointer(), place);
  put(place, std::move(value), weight, anchor);
}

void DocumentBuilder::alias(Place place, Anchor anchor) {
  const auto found = anchors_.find(anchor);
  if (found == anchors_.end()) fail(place, "the alias stands inside of what it names; write the value out");
  charge(place, found->second.weight);
  remember(nextPointer(), place);
  put(place, found->second.value, found->second.weight, 0);
}

// Anchors inside of anchors are copied once for each around them.
void DocumentBuilder::keep(Place place, Anchor anchor, const Json& value, const Weight& weight) {
  kept_.nodes += weight.nodes;
  kept_.bytes += weight.bytes;
  if (kept_.nodes > kConfigNodesMax || kept_.bytes > kConfigExpandedBytesMax) {
    fail(place,
         fmt::format("anchors stand inside of anchors, with more than {} values or {} bytes in all; wanted fewer "
                     "anchors",
                     kConfigNodesMax, kConfigExpandedBytesMax));
  }
  anchors_.insert_or_assign(anchor, Kept{value, weight});
}

void DocumentBuilder::put(Place place, Json value, const Weight& weight, Anchor anchor) {
  if (anchor != 0) keep(place, anchor, value, weight);
  if (open_.empty()) {
    document_.value_ = std::move(value);
    return;
  }
  Open& in = open_.back();
  in.weight.nodes += weight.nodes;
  in.weight.bytes += weight.bytes;
  in.weight.depth = std::max(in.weight.depth, weight.depth);
  if (in.value.is_array()) {
    in.value.push_back(std::move(value));
  } else {
    in.value[in.key] = std::move(value);
    in.has_key = false;
  }
}

}  // namespace longhaul::host::config
