# A short run of one libFuzzer program: RUNS inputs from a copy of the corpus, bounded in time, with a fixed seed. What
# breaks it is kept in WORK, and PROGRAM FILE repeats it.
cmake_minimum_required(VERSION 3.25)
set(time_max_s 15)

file(REMOVE_RECURSE "${WORK}")
file(MAKE_DIRECTORY "${WORK}/corpus")
foreach(path ${CORPUS})
  if(IS_DIRECTORY "${path}")
    file(GLOB files "${path}/*")
  else()
    set(files "${path}")
  endif()
  file(COPY ${files} DESTINATION "${WORK}/corpus")
endforeach()
execute_process(
  COMMAND "${PROGRAM}" -seed=1 -runs=${RUNS} -max_len=${BYTES} -max_total_time=${time_max_s} -timeout=20
          "-artifact_prefix=${WORK}/" "${WORK}/corpus"
  WORKING_DIRECTORY "${WORK}" RESULT_VARIABLE result ERROR_VARIABLE log OUTPUT_VARIABLE log)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "${PROGRAM} ended with ${result}:\n${log}")
endif()
string(REGEX MATCH "Done [0-9]+ runs[^\n]*" done "${log}")
if(NOT done)
  message(FATAL_ERROR "${PROGRAM} ended without its closing line:\n${log}")
endif()
message(STATUS "${done}")
