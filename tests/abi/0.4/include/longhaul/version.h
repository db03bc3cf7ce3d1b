/* The one version number of Longhaul and of its plugin ABI. CMake reads it from here.
 *
 * A plugin fits a host of the same major version whose minor is at least the plugin's. While the major is 0 the ABI
 * is young: a minor may still change what plugin-api/CHANGELOG.md says, and the host refuses such a plugin with both
 * versions and the remedy. Any thread. */
#ifndef LONGHAUL_VERSION_H
#define LONGHAUL_VERSION_H

#define LONGHAUL_VERSION_MAJOR 0
#define LONGHAUL_VERSION_MINOR 4
#define LONGHAUL_VERSION_PATCH 0

/* The ABI's version in one number: major << 16 | minor. The patch says nothing about the ABI. */
#define LONGHAUL_ABI_VERSION (((uint32_t)LONGHAUL_VERSION_MAJOR << 16) | (uint32_t)LONGHAUL_VERSION_MINOR)

#define LONGHAUL_STRINGIZE_(x) #x
#define LONGHAUL_STRINGIZE(x) LONGHAUL_STRINGIZE_(x)
#define LONGHAUL_VERSION_STRING              \
  LONGHAUL_STRINGIZE(LONGHAUL_VERSION_MAJOR) \
  "." LONGHAUL_STRINGIZE(LONGHAUL_VERSION_MINOR) "." LONGHAUL_STRINGIZE(LONGHAUL_VERSION_PATCH)

#endif
