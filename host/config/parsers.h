// The two parsers behind Document: each turns a text into events of a DocumentBuilder, and throws a Fault with the
// place of what is not well-formed. Private to this room.
#pragma once

#include <string_view>

#include "host/config/document_builder.h"

namespace longhaul::host::config {

// One YAML document in UTF-8, by yaml-cpp.
void parseYaml(std::string_view text, DocumentBuilder& builder);

// Strict JSON, with the place of every value.
void parseJsonText(std::string_view text, DocumentBuilder& builder);

// A plain scalar by YAML 1.2's core schema; throws Fault for what it would be a guess to read.
Json plainScalar(std::string_view text, Place place, const DocumentBuilder& builder);

}  // namespace longhaul::host::config
