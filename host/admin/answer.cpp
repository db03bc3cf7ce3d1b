#include "host/admin/answer.h"

#include <fmt/format.h>

#include "host/base/text.h"

namespace longhaul::host::admin {

Failure toFailure(const Error& error) {
  return {.code = std::string(codeName(error.code)), .detail = error.message};
}
Failure invalid(std::string detail, std::string field, std::string hint) {
  return {.code = std::string(codeName(Code::Invalid)),
          .detail = std::move(detail),
          .field = std::move(field),
          .hint = std::move(hint)};
}
Failure notFound(std::string detail, std::string hint) {
  return {.code = std::string(codeName(Code::NotFound)), .detail = std::move(detail), .hint = std::move(hint)};
}
Failure conflict(std::string detail, std::string hint) {
  return {.code = std::string(codeName(Code::Conflict)), .detail = std::move(detail), .hint = std::move(hint)};
}
Failure needsYes(std::string detail) {
  return {.code = std::string(kNeedsYes), .detail = std::move(detail), .hint = "ask again with yes=true"};
}

std::string didYouMean(std::string_view word, const std::vector<std::string>& candidates) {
  const auto near = nearest(word, candidates);
  return near ? fmt::format("did you mean \"{}\"?", *near) : std::string{};
}

}  // namespace longhaul::host::admin
