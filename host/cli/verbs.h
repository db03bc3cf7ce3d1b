// All verbs of `longhaul`, in the order of the help. Each function lies in the file of its family, verb_*.cpp.
#pragma once

#include <vector>

#include "host/cli/verb.h"

namespace longhaul::host::cli {

const std::vector<Verb>& longhaulVerbs();

std::vector<Verb> listVerbs();          // ps, is-active
std::vector<Verb> statusVerbs();        // status
std::vector<Verb> explainVerbs();       // explain, policy
std::vector<Verb> logVerbs();           // logs
std::vector<Verb> eventVerbs();         // events
std::vector<Verb> topVerbs();           // top
std::vector<Verb> deathVerbs();         // deaths
std::vector<Verb> doctorVerbs();        // doctor
std::vector<Verb> versionVerbs();       // version
std::vector<Verb> actVerbs();           // enable, disable, restart, release
std::vector<Verb> execVerbs();          // exec, test, approve, set
std::vector<Verb> removeVerbs();        // remove
std::vector<Verb> applyVerbs();         // apply, reload
std::vector<Verb> contextVerbs();       // context get, set, patch
std::vector<Verb> incidentVerbs();      // incidents, incident create, close, assign, reopen
std::vector<Verb> entryVerbs();         // entries, entry add
std::vector<Verb> conversationVerbs();  // ask, questions, mirrors, indicators
std::vector<Verb> userVerbs();          // users, user add, set, remove
std::vector<Verb> configVerbs();        // config validate, config show
std::vector<Verb> secretVerbs();        // secret list, set, encrypt, rotate
std::vector<Verb> pluginVerbs();        // plugins, inspect
std::vector<Verb> dashboardVerbs();     // dashboard
std::vector<Verb> keepVerbs();          // audit, token create, list, revoke, whoami
std::vector<Verb> completionVerbs();    // completion

}  // namespace longhaul::host::cli
