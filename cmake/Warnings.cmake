# The warnings of all our own targets. They are errors in the presets (LONGHAUL_WERROR), not for a packager's compiler.
option(LONGHAUL_WERROR "Treat warnings as errors" OFF)

add_library(longhaul_warnings INTERFACE)
target_compile_options(longhaul_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef
  # A designated initialiser that names only what differs from the default is how values are made here.
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
  $<$<BOOL:${LONGHAUL_WERROR}>:-Werror>)
