// Entity tags (RFC 9110, 8.8.3) of what can be edited: one is made of the very text that a GET answers, so that who
// sends it back changes what they saw, and nothing else. Pure; any thread.
#pragma once

#include <string>
#include <string_view>

#include "host/admin/answer.h"

namespace longhaul::host::admin {

// With its quotes.
std::string etagOf(std::string_view body);
// Whether the list of a field If-Match or If-None-Match has it. "*" has any; a weak tag counts only where `weak`.
bool hasTag(std::string_view list, std::string_view tag, bool weak);
// Of a write with If-Match whose resource is another one by now.
Failure changedMeanwhile(std::string_view what);

inline constexpr std::string_view kChangedMeanwhile = "PRECONDITION_FAILED";  // the failure's code

}  // namespace longhaul::host::admin
