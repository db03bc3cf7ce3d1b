#include "host/cli/paging.h"

#include <fmt/format.h>

#include <algorithm>

namespace longhaul::host::cli {

const std::vector<OptionSpec>& pageOptions() {
  static const std::vector<OptionSpec> kOptions{
      {.flags = "-n,--lines", .kind = ValueKind::Count, .value = "N", .help = "at most so many (100)"},
      {.flags = "--all", .help = "all of them"},
      {.flags = "--cursor", .kind = ValueKind::Text, .value = "TEXT", .help = "goes on where a list before ended"}};
  return kOptions;
}

Exit showPages(Session& session, const Arguments& arguments, const Target& target, std::string_view rows_key,
               const std::function<void(const Json& rows)>& show) {
  const bool all = arguments.has("all");
  std::int64_t left = arguments.count("lines").value_or(kPageRowsDefault);
  std::string cursor = arguments.text("cursor").value_or("");
  bool more = true;
  session.output.beginList();
  while (more && (all || left > 0)) {
    Target page = target;
    const auto most = static_cast<std::int64_t>(kPageRowsMax);
    page.query("limit", all ? most : std::min(left, most));
    if (!cursor.empty()) page.query("cursor", cursor);
    const auto answer = session.api.get(page);
    if (!answer) return session.fail(answer.error());
    const Json& rows = memberAt(*answer, rows_key);
    show(rows);
    left -= static_cast<std::int64_t>(rows.size());
    cursor = textAt(*answer, "next");
    more = flagAt(*answer, "more") && !cursor.empty() && !rows.empty();
  }
  session.output.endList();
  if (more && !cursor.empty()) {
    session.output.flush();
    session.output.note(fmt::format("more are left: --cursor {} goes on, --all shows all", cursor));
  }
  return Exit::Done;
}

}  // namespace longhaul::host::cli
