# Sanitizers are a property of the whole build: a mixed build finds less and reports what is not there.
if(LONGHAUL_SANITIZE)
  add_compile_options(-fsanitize=${LONGHAUL_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${LONGHAUL_SANITIZE})
  if(LONGHAUL_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize-recover=undefined)
    # vptr needs the plugin's typeinfo to be visible to the host, which the version script hides on purpose.
    add_compile_options(-fno-sanitize=vptr)
    # These three put a check on each use of a pointer and double g++'s time to compile. ASan finds what null and
    # object-size would; alignment is looked for in what parses, by the fuzz targets, which clang builds.
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      add_compile_options(-fno-sanitize=null,object-size,alignment)
    endif()
  endif()
  if(LONGHAUL_SANITIZE STREQUAL "thread")
    # Asio and the log ring have fences, which this sanitizer cannot see; what they guard is also guarded by what it sees.
    add_compile_options($<$<CXX_COMPILER_ID:GNU>:-Wno-tsan>)
  endif()
endif()

# libFuzzer needs to see which branches the code under test takes; the targets themselves bring its main.
if(LONGHAUL_BUILD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
