// A request and its answer as the plugin's parts see them: values, without the host's stream below. Any thread.
#ifndef WEBHOOK_PLUGIN_EXCHANGE_H
#define WEBHOOK_PLUGIN_EXCHANGE_H

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace webhook_plugin {

using Field = std::pair<std::string, std::string>;  // name in lower case, value

struct Request {
  std::string method;
  std::string path;   // behind the instance's name, "/" at least
  std::string query;  // without "?"
  std::string client;
  std::vector<Field> fields;
  std::string body;

  // The first field of that name (in lower case).
  std::optional<std::string_view> field(std::string_view name) const {
    for (const Field& one : fields)
      if (one.first == name) return one.second;
    return std::nullopt;
  }
};

struct Answer {
  unsigned status = 200;
  std::vector<Field> fields;  // with its content-type
  std::string body;
};

// Why a request is not taken: in the answer and in the log.
struct Refusal {
  unsigned status = 400;
  std::string reason;  // a sentence: what was found, what is wanted
};

}  // namespace webhook_plugin

#endif
