# Each public header compiles alone: the C headers as C11 and as C++17, the SDK as C++17; the two that include all of the
# SDK as C++20 as well. Every warning is an error.
cmake_minimum_required(VERSION 3.25)
set(flags -fsyntax-only -Wall -Wextra -pedantic -Werror "-I${INCLUDE}")

function(compile COMPILER STANDARD SUFFIX HEADER)
  string(MAKE_C_IDENTIFIER "${HEADER}" name)
  set(source "${WORK}/${name}.${SUFFIX}")
  # A type of its own: ISO C does not allow an empty file, and version.h has macros only.
  file(WRITE "${source}" "#include \"${HEADER}\"\n#include \"${HEADER}\"\ntypedef int longhaul_headers_test;\n")
  execute_process(COMMAND "${COMPILER}" -std=${STANDARD} ${flags} "${source}" RESULT_VARIABLE result
                  OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT result EQUAL 0)
    message(SEND_ERROR "${HEADER} does not compile alone as ${STANDARD} with ${COMPILER}:\n${output}")
  endif()
endfunction()

file(GLOB_RECURSE c_headers RELATIVE "${INCLUDE}" "${INCLUDE}/*.h")
file(GLOB_RECURSE cxx_headers RELATIVE "${INCLUDE}" "${INCLUDE}/*.hpp")
list(LENGTH c_headers c_count)
list(LENGTH cxx_headers cxx_count)
if(c_count LESS 5 OR cxx_count LESS 5)
  message(FATAL_ERROR "only ${c_count} C and ${cxx_count} C++ headers were found under ${INCLUDE}")
endif()
foreach(header ${c_headers})
  compile("${C}" c11 c ${header})
  compile("${CXX}" c++17 cpp ${header})
endforeach()
foreach(header ${cxx_headers})
  compile("${CXX}" c++17 cpp ${header})
endforeach()
foreach(header longhaul/sdk.hpp longhaul/sdk/testing.hpp)
  compile("${CXX}" c++20 cpp ${header})
endforeach()
