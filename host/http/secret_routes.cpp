#include "host/http/secret_routes.h"

namespace longhaul::host::http {

using admin::WaitId;

WaitId getSecrets(Call& call) {
  call.reply(call.service.secrets().list(call.query.text("instance")));
  return WaitId::None;
}

// /api/v1/instances/{name}/secrets/{parameter}
WaitId putSecret(Call& call) {
  call.service.secrets().set(call.segments[3], call.segments[5], call.body, call.reply);
  return WaitId::None;
}

WaitId encryptSecret(Call& call) {
  call.service.secrets().encrypt(call.body, call.reply);
  return WaitId::None;
}

WaitId rotateSecrets(Call& call) {
  call.service.secrets().rotate(call.reply);
  return WaitId::None;
}

}  // namespace longhaul::host::http
