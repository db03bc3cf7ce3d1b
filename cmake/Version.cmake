# Reads the one version number of the project out of the public header, so that no second copy can disagree.
file(STRINGS "${CMAKE_CURRENT_LIST_DIR}/../plugin-api/include/longhaul/version.h" _longhaul_version_lines
     REGEX "#define LONGHAUL_VERSION_(MAJOR|MINOR|PATCH) ")
foreach(_part MAJOR MINOR PATCH)
  string(REGEX MATCH "LONGHAUL_VERSION_${_part} ([0-9]+)" _ "${_longhaul_version_lines}")
  set(_longhaul_${_part} "${CMAKE_MATCH_1}")
endforeach()
set(LONGHAUL_VERSION "${_longhaul_MAJOR}.${_longhaul_MINOR}.${_longhaul_PATCH}")
