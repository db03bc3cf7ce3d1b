#include "host/cli/verbs.h"

namespace longhaul::host::cli {

const std::vector<Verb>& longhaulVerbs() {
  static const std::vector<Verb> kVerbs = [] {
    std::vector<Verb> all;
    for (const auto family :
         {listVerbs,   statusVerbs,  explainVerbs,  logVerbs,   eventVerbs,        deathVerbs,
          topVerbs,    doctorVerbs,  versionVerbs,  actVerbs,   execVerbs,         removeVerbs,
          applyVerbs,  contextVerbs, incidentVerbs, entryVerbs, conversationVerbs, userVerbs,
          secretVerbs, configVerbs,  pluginVerbs,   keepVerbs,  completionVerbs,   dashboardVerbs}) {
      for (Verb& verb : family())
        all.push_back(std::move(verb));
    }
    return all;
  }();
  return kVerbs;
}

}  // namespace longhaul::host::cli
