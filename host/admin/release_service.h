// What an operator can ask of a plugin's releases: their history, a step back, a bad one's pardon, the end of a plugin.
// Rules as in admin_service.h.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "host/admin/answer.h"
#include "host/lifecycle/reason.h"
#include "host/supervisor/supervisor.h"

namespace longhaul::host::admin {

class ReleaseService {
 public:
  ReleaseService(supervisor::Supervisor& supervisor, catalog::Catalog& catalog)
      : supervisor_(supervisor), catalog_(catalog) {}
  ReleaseService(const ReleaseService&) = delete;
  ReleaseService& operator=(const ReleaseService&) = delete;

  // What its manifest declares, of the file that instances are checked against.
  Answer manifest(const std::string& plugin) const;
  // Newest arrival first, with what is tried now.
  Answer history(const std::string& plugin) const;
  // What this digest is to its plugin; nothing: no release of it is known.
  struct Standing {
    std::string state;                                    // as in the history: "stable", "bad" …
    std::string reason{};                                 // where instances do not run it: why
    lifecycle::Reason code = lifecycle::Reason::Running;  // likewise
  };
  std::optional<Standing> standing(const std::string& plugin, const Digest& digest) const;
  // `body`: {"digest", "keep"}.
  void allow(const std::string& plugin, std::string_view body, const Reply& reply);
  // `body`: {"digest"}, without one the release before. `who`: a user's name, for the history.
  void rollBack(const std::string& plugin, std::string_view body, const std::string& who, const Reply& reply);
  void remove(const std::string& plugin, bool yes, const Reply& reply);

 private:
  Failure unknownPlugin(const std::string& plugin) const;
  supervisor::Supervisor::Done answerWithHistory(const std::string& plugin, const Reply& reply) const;

  supervisor::Supervisor& supervisor_;
  catalog::Catalog& catalog_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::admin
