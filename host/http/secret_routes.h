// The routes of secrets: handlers for the table in routes.cpp. Loop only.
#pragma once

#include "host/http/routes.h"

namespace longhaul::host::http {

admin::WaitId getSecrets(Call& call);
admin::WaitId putSecret(Call& call);
admin::WaitId encryptSecret(Call& call);
admin::WaitId rotateSecrets(Call& call);

}  // namespace longhaul::host::http
