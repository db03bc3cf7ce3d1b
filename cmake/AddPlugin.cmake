# longhaul_add_plugin(NAME syslog SOURCES a.cpp b.cpp MANIFEST manifest.json [LIBS libs…])
#
# Makes the target NAME: ${CMAKE_BINARY_DIR}/plugins/NAME.so, with the manifest in its ELF note, the entry as its one
# exported symbol, and the C++ run time inside. For C, C++ or both. The same file serves this tree and, installed with
# the package longhaul-plugin-api, everyone else's.
set(_longhaul_add_plugin_dir "${CMAKE_CURRENT_LIST_DIR}")

# Sanitizers bring their own run time, which has to be shared: the flags that would put libstdc++ in are left out then.
function(_longhaul_sanitized OUT)
  get_directory_property(options COMPILE_OPTIONS)
  string(TOUPPER "${CMAKE_BUILD_TYPE}" type)
  set(flags "${options} ${CMAKE_C_FLAGS} ${CMAKE_CXX_FLAGS} ${CMAKE_C_FLAGS_${type}} ${CMAKE_CXX_FLAGS_${type}}")
  if(LONGHAUL_SANITIZE OR flags MATCHES "-fsanitize=")
    set(${OUT} TRUE PARENT_SCOPE)
  else()
    set(${OUT} FALSE PARENT_SCOPE)
  endif()
endfunction()

# What can be said about a manifest before anything is built. The host's reader checks the rest: longhaul-plugin inspect.
function(_longhaul_check_manifest NAME FILE)
  if(NOT EXISTS "${FILE}")
    message(FATAL_ERROR "longhaul_add_plugin(${NAME}): there is no manifest ${FILE}")
  endif()
  file(SIZE "${FILE}" bytes)
  if(bytes GREATER 262144)
    message(FATAL_ERROR "longhaul_add_plugin(${NAME}): ${FILE} has ${bytes} bytes, at most 262144 are read")
  endif()
  file(READ "${FILE}" text)
  string(JSON id ERROR_VARIABLE error GET "${text}" id)
  if(error)
    message(FATAL_ERROR "longhaul_add_plugin(${NAME}): ${FILE} is not a manifest: ${error}\n"
            "It has to be a JSON object with at least \"id\" and \"version\".")
  endif()
  string(JSON version ERROR_VARIABLE error GET "${text}" version)
  if(error)
    message(FATAL_ERROR "longhaul_add_plugin(${NAME}): ${FILE} has no \"version\": ${error}")
  endif()
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${FILE}")
endfunction()

function(longhaul_add_plugin)
  cmake_parse_arguments(PARSE_ARGV 0 ARG "" "NAME;MANIFEST" "SOURCES;LIBS")
  if(ARG_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "longhaul_add_plugin: \"${ARG_UNPARSED_ARGUMENTS}\" belongs to none of NAME, SOURCES, MANIFEST, LIBS")
  endif()
  foreach(wanted NAME SOURCES MANIFEST)
    if(NOT ARG_${wanted})
      message(FATAL_ERROR "longhaul_add_plugin: ${wanted} is missing: "
              "longhaul_add_plugin(NAME name SOURCES files… MANIFEST manifest.json)")
    endif()
  endforeach()
  get_filename_component(manifest "${ARG_MANIFEST}" ABSOLUTE BASE_DIR "${CMAKE_CURRENT_SOURCE_DIR}")
  _longhaul_check_manifest("${ARG_NAME}" "${manifest}")

  # The one file with the note. No depfile names what .incbin reads, hence OBJECT_DEPENDS.
  set(language CXX)
  set(suffix cpp)
  if(CMAKE_C_COMPILER_LOADED)
    set(language C)
    set(suffix c)
  endif()
  set(note "${CMAKE_CURRENT_BINARY_DIR}/${ARG_NAME}_manifest.${suffix}")
  file(CONFIGURE OUTPUT "${note}" @ONLY CONTENT
"/* Written by longhaul_add_plugin. */
#include \"longhaul/manifest.h\"
LONGHAUL_MANIFEST_FILE(\"@manifest@\");
")
  set_source_files_properties("${note}" PROPERTIES OBJECT_DEPENDS "${manifest}" SKIP_LINTING ON)

  add_library(${ARG_NAME} MODULE ${ARG_SOURCES} "${note}")
  set_target_properties(${ARG_NAME} PROPERTIES
    PREFIX "" SUFFIX ".so" OUTPUT_NAME "${ARG_NAME}"
    LIBRARY_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/plugins"
    LINK_DEPENDS "${_longhaul_add_plugin_map}"
    POSITION_INDEPENDENT_CODE ON)
  target_link_libraries(${ARG_NAME} PRIVATE longhaul::plugin-api ${ARG_LIBS})
  target_compile_options(${ARG_NAME} PRIVATE -fvisibility=hidden)
  if(CMAKE_C_COMPILER_LOADED)
    target_compile_features(${ARG_NAME} PRIVATE c_std_11)
  endif()
  if(CMAKE_CXX_COMPILER_LOADED)
    target_compile_features(${ARG_NAME} PRIVATE cxx_std_17)
    target_compile_options(${ARG_NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fvisibility-inlines-hidden>)
  endif()

  target_link_options(${ARG_NAME} PRIVATE
    "LINKER:--version-script=${_longhaul_add_plugin_map}" "LINKER:--exclude-libs,ALL" "LINKER:-z,now")
  _longhaul_sanitized(sanitized)
  if(NOT sanitized)
    target_link_options(${ARG_NAME} PRIVATE "LINKER:-z,defs" $<$<LINK_LANGUAGE:CXX>:-static-libstdc++> -static-libgcc)
  endif()
endfunction()

# In the source tree the script lies with the headers; installed, it lies beside this file.
set(_longhaul_add_plugin_map "${_longhaul_add_plugin_dir}/plugin.map")
if(NOT EXISTS "${_longhaul_add_plugin_map}")
  get_filename_component(_longhaul_add_plugin_map "${_longhaul_add_plugin_dir}/../plugin-api/cmake/plugin.map" ABSOLUTE)
endif()
