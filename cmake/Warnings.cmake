# The warnings of all our own targets. They are errors in the presets (LONGHAUL_WERROR), not for a packager's compiler.
option(LONGHAUL_WERROR "Treat warnings as errors" OFF)

add_library(longhaul_warnings INTERFACE)
target_compile_options(longhaul_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wformat=2 -Wundef
  # A designated initialiser that names only what differs from the default is how values are made here.
  $<$<COMPILE_LANGUAGE:CXX>:-Wno-missing-field-initializers -Wnon-virtual-dtor -Woverloaded-virtual -Wextra-semi>
  # g++ 12 at -O3 sees both where a std::variant or std::string is moved (GCC bugs 105562 and 105329); clang and
  # the sanitizers look for the real ones.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized -Wno-restrict>
  $<$<BOOL:${LONGHAUL_WERROR}>:-Werror>)
