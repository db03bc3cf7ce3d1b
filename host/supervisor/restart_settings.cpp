#include "host/supervisor/restart_settings.h"

namespace longhaul::host::supervisor {

lifecycle::RestartSettings restartSettings(const config::RestartConfig& config) {
  lifecycle::RestartSettings settings;
  settings.mode = lifecycle::restartModeFromName(config.policy).value_or(lifecycle::RestartMode::Always);
  settings.first_delay = config.first_delay;
  settings.delay_max = config.delay_max;
  settings.jitter = config.jitter;
  settings.forgotten_after = config.forgotten_after;
  settings.crash_loop_count = config.crash_loop_count;
  settings.quarantine_count = config.quarantine_count;
  settings.window = config.window;
  settings.trial_interval = config.trial_interval;
  return settings;
}

}  // namespace longhaul::host::supervisor
