// What goes on around incidents, and indicators: the handlers of their routes. Loop only.
#pragma once

#include "host/http/routes.h"

namespace longhaul::host::http {

admin::WaitId assignIncident(Call& call);
admin::WaitId closeIncident(Call& call);
admin::WaitId reopenIncident(Call& call);
admin::WaitId askQuestion(Call& call);
admin::WaitId getQuestions(Call& call);
admin::WaitId getMirrors(Call& call);
admin::WaitId getIndicators(Call& call);

}  // namespace longhaul::host::http
