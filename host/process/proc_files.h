// What this room reads of /proc: whole small files, numbers of folders, fields of a stat line. Private to this room;
// any thread. What is not there reads as empty: a process may end between two looks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace longhaul::host::process {

std::string readProc(const std::string& path);

// "/proc/77/stat"
std::string procPath(pid_t pid, std::string_view file);
// "/proc/77/task/78/stat"
std::string taskPath(pid_t pid, pid_t thread, std::string_view file);

// The names that are numbers.
std::vector<pid_t> numbersIn(const std::string& folder);

// The fields of /proc/PID/stat behind the name, which may hold blanks and brackets: [0] is the state, [1] the parent.
std::vector<std::string_view> statFields(std::string_view text);
// 0: it has no such field.
std::int64_t numberAt(const std::vector<std::string_view>& fields, std::size_t index);

}  // namespace longhaul::host::process
