// What is wrong with the parameters of an instance, as a sentence for its operator: what was found, what was wanted,
// the remedy. Thrown while settings are read, never afterwards.
#ifndef EDL_PLUGIN_SETTINGS_ERROR_H
#define EDL_PLUGIN_SETTINGS_ERROR_H

#include <stdexcept>

namespace edl_plugin {

class SettingsError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

}  // namespace edl_plugin

#endif
