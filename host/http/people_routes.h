// Users, tokens and the audit: the handlers of their routes. Loop only.
#pragma once

#include "host/http/routes.h"

namespace longhaul::host::http {

admin::WaitId getUsers(Call& call);
admin::WaitId getUser(Call& call);
admin::WaitId addUser(Call& call);
admin::WaitId changeUser(Call& call);
admin::WaitId removeUser(Call& call);
admin::WaitId getTokens(Call& call);
admin::WaitId addToken(Call& call);
admin::WaitId revokeToken(Call& call);
admin::WaitId getAudit(Call& call);
admin::WaitId whoAmI(Call& call);
admin::WaitId makeLoginLink(Call& call);
admin::WaitId endSession(Call& call);

}  // namespace longhaul::host::http
