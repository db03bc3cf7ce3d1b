// Operands that are a file, "-" for stdin, or the text itself. Blocking; one thread.
#pragma once

#include <cstddef>
#include <string>

#include "host/base/json.h"
#include "host/cli/session.h"

namespace longhaul::host::cli {

// A file's bytes, or all of stdin.
Result<std::string> readInput(Session& session, const std::string& file, std::size_t bytes_max);

// The object that stands in the words: one JSON object, "-" for one on stdin, or KEY=VALUE… A VALUE that is JSON is
// taken as such, any other as text: lastId=17 is a number, host=edge a text. `split` has the values' texts as they
// stood, so that numbers keep their digits.
Result<std::map<std::string, std::string>> readObject(Session& session, const std::vector<std::string>& words);

// {"key":text,…} out of such texts.
std::string objectText(const std::map<std::string, std::string>& members);

}  // namespace longhaul::host::cli
