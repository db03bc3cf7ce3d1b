# One room of host/ is one static library: longhaul_room(store SOURCES a.cpp DEPENDS base PRIVATE SQLite::SQLite3).
# DEPENDS are the arrows of docs/ARCHITECTURE.md; tests/tidy compares them with the real #include lines.
function(longhaul_room NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPENDS;LIBS;PRIVATE" ${ARGN})
  add_library(longhaul_${NAME} STATIC ${ARG_SOURCES})
  target_include_directories(longhaul_${NAME} PUBLIC "${PROJECT_SOURCE_DIR}")
  list(TRANSFORM ARG_DEPENDS PREPEND longhaul_)
  target_link_libraries(longhaul_${NAME} PUBLIC ${ARG_DEPENDS} ${ARG_LIBS} PRIVATE longhaul_warnings ${ARG_PRIVATE})
endfunction()
