# Run by ctest, a mode each:
#   install     into a prefix of its own, then the projects against that prefix
#   build       the projects against the build tree
#   pkg_config  one plugin by hand, with nothing but a compiler, pkg-config and the manifest macro
# The prefix has a blank in its path: quoting is part of the package.
cmake_minimum_required(VERSION 3.25)

function(run)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "OUTPUT" "COMMAND")
  execute_process(COMMAND ${ARG_COMMAND} RESULT_VARIABLE result OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "failed: ${ARG_COMMAND}\n${output}\n${errors}")
  endif()
  if(ARG_OUTPUT)
    set(${ARG_OUTPUT} "${output}" PARENT_SCOPE)
  endif()
endfunction()

# 4 bytes, little-endian, as hexadecimal digits.
function(little_endian NUMBER OUT)
  set(digits "")
  foreach(shift 0 8 16 24)
    math(EXPR byte "(${NUMBER} >> ${shift}) & 255" OUTPUT_FORMAT HEXADECIMAL)
    string(REPLACE "0x" "0" byte "${byte}")
    string(REGEX REPLACE "^.*(..)$" "\\1" byte "${byte}")
    string(APPEND digits "${byte}")
  endforeach()
  set(${OUT} "${digits}" PARENT_SCOPE)
endfunction()

# The note is the one that sketch and header promise, byte for byte, and the entry is the only symbol.
function(check_plugin FILE MANIFEST)
  run(COMMAND "${OBJCOPY}" --dump-section ".note.longhaul=${WORK}/note.bin" "${FILE}" /dev/null)
  file(READ "${WORK}/note.bin" found HEX)
  file(READ "${MANIFEST}" manifest HEX)
  file(SIZE "${MANIFEST}" bytes)
  math(EXPR content_bytes "${bytes} + 4")
  math(EXPR abi "(${VERSION_MAJOR} << 16) | ${VERSION_MINOR}")
  little_endian(${content_bytes} content_bytes)
  little_endian(${abi} abi)
  set(wanted "09000000${content_bytes}01000000" "4c6f6e676861756c" "00000000" "${abi}" "${manifest}")
  string(JOIN "" wanted ${wanted})
  math(EXPR padding "(4 - ${bytes} % 4) % 4")
  string(REPEAT "00" ${padding} padding)
  if(NOT found STREQUAL "${wanted}${padding}")
    message(FATAL_ERROR "${FILE}: the note is\n${found}\nand not\n${wanted}${padding}")
  endif()

  run(COMMAND "${NM}" -D --defined-only --format=posix "${FILE}" OUTPUT symbols)
  string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
  if(NOT symbols MATCHES "^longhaulPluginEntry T [0-9a-f ]+$")
    message(FATAL_ERROR "${FILE} exports other symbols than longhaulPluginEntry: ${symbols}")
  endif()

  run(COMMAND "${READELF}" -dlW "${FILE}" OUTPUT dynamic)
  if(dynamic MATCHES "libstdc\\+\\+|libgcc_s")
    message(FATAL_ERROR "${FILE} needs the shared C++ run time:\n${dynamic}")
  endif()
  if(NOT dynamic MATCHES "FLAGS_1\\)[^\n]*NOW")
    message(FATAL_ERROR "${FILE} is bound lazily: undefined symbols would load well and fail later\n${dynamic}")
  endif()
  if(NOT dynamic MATCHES "NOTE ")
    message(FATAL_ERROR "${FILE} has no PT_NOTE segment\n${dynamic}")
  endif()
endfunction()

function(build_project SOURCE)
  set(folder "${WORK}/build of ${SOURCE}")
  file(COPY "${HERE}/${SOURCE}" DESTINATION "${WORK}/source")
  run(COMMAND "${CMAKE_COMMAND}" -G "${GENERATOR}" -S "${WORK}/source/${SOURCE}" -B "${folder}"
      -D CMAKE_BUILD_TYPE=Release "-DCMAKE_PREFIX_PATH=${prefix}"
      "-DCMAKE_C_COMPILER=${C}" "-DCMAKE_CXX_COMPILER=${CXX}")
  run(COMMAND "${CMAKE_COMMAND}" --build "${folder}")
  set(folder "${folder}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}")
set(prefix "${BUILD}")
if(NOT MODE STREQUAL "build")
  set(prefix "${WORK}/prefix with blank")
  run(COMMAND "${CMAKE_COMMAND}" --install "${BUILD}" --component plugin-api --prefix "${prefix}")
endif()

if(MODE STREQUAL "pkg_config")
  set(ENV{PKG_CONFIG_PATH} "${prefix}/share/pkgconfig")
  run(COMMAND "${PKG_CONFIG}" --variable=includedir longhaul-plugin-api OUTPUT include)
  run(COMMAND "${PKG_CONFIG}" --variable=version_script longhaul-plugin-api OUTPUT version_script)
  run(COMMAND "${PKG_CONFIG}" --modversion longhaul-plugin-api OUTPUT version)
  foreach(path include version_script)
    string(STRIP "${${path}}" ${path})
    string(REPLACE "\\ " " " ${path} "${${path}}")  # pkg-config escapes blanks for a shell
  endforeach()
  if(NOT version MATCHES "^${VERSION_MAJOR}\\.${VERSION_MINOR}\\.")
    message(FATAL_ERROR "pkg-config names version ${version}")
  endif()
  run(COMMAND "${C}" -std=c11 -Wall -Wextra -pedantic -Werror -fPIC -shared -static-libgcc "-I${include}"
      "-Wl,--version-script=${version_script},-z,now,-z,defs,--gc-sections" "${HERE}/by_hand.c" -o "${WORK}/by_hand.so")
  file(WRITE "${WORK}/by_hand.json" "{\"id\": \"by-hand\", \"version\": \"1.0.0\", \"name\": \"say \\\"hi\\\"\"}")
  check_plugin("${WORK}/by_hand.so" "${WORK}/by_hand.json")
  return()
endif()

# The plugin and the manifest that the README shows.
file(READ "${README}" readme)
if(NOT readme MATCHES "```c\\+\\+\n(// door.cpp[^`]+)```")
  message(FATAL_ERROR "${README} shows no door.cpp")
endif()
file(WRITE "${WORK}/source/project/door.cpp" "${CMAKE_MATCH_1}")
if(NOT readme MATCHES "```json\n([^`]+)```")
  message(FATAL_ERROR "${README} shows no door.json")
endif()
file(WRITE "${WORK}/source/project/door.json" "${CMAKE_MATCH_1}")
build_project(project)
set(source "${WORK}/source/project")
check_plugin("${folder}/plugins/door.so" "${source}/door.json")
check_plugin("${folder}/plugins/ticker.so" "${source}/ticker.json")
run(COMMAND "${folder}/door_test")

# Only the manifest changes: the plugin is built anew.
file(READ "${source}/door.json" text)
string(REPLACE "1.0.0" "1.0.1-rc.1" text "${text}")
file(WRITE "${source}/door.json" "${text}")
run(COMMAND "${CMAKE_COMMAND}" --build "${folder}")
check_plugin("${folder}/plugins/door.so" "${source}/door.json")

# A manifest that is none stops the configuration with a sentence.
file(WRITE "${source}/door.json" "{\"id\": ")
execute_process(COMMAND "${CMAKE_COMMAND}" "${folder}" RESULT_VARIABLE result ERROR_VARIABLE errors OUTPUT_QUIET)
string(REGEX REPLACE "[ \n]+" " " errors "${errors}")  # CMake breaks lines where the path's length puts them
if(result EQUAL 0 OR NOT errors MATCHES "door.json is not a manifest")
  message(FATAL_ERROR "a broken manifest was taken, or refused without its name:\n${errors}")
endif()

# A project that knows no C++.
file(COPY "${HERE}/project/ticker.c" "${HERE}/project/ticker.json" DESTINATION "${WORK}/source/c_only")
build_project(c_only)
check_plugin("${folder}/plugins/ticker.so" "${WORK}/source/c_only/ticker.json")
