#include "host/protocol/crash_report.h"
#include "host/base/worker_limits.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <cstring>
#include <string_view>

namespace longhaul::host::protocol {
namespace {

constexpr int kSignalMax = 64;

const PageHeader& headerAt(const void* page) {
  return *static_cast<const PageHeader*>(page);
}

std::uint32_t once(const std::uint32_t& word) {
  return std::atomic_ref<std::uint32_t>{const_cast<std::uint32_t&>(word)}.load(std::memory_order_acquire);
}

std::string hex(std::uint64_t value) {
  std::array<char, 16> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return "0x" + std::string{digits.data(), end.ptr};
}

// The bytes as they lie in memory, which is how a build-id is written.
std::string hexBytes(std::uint64_t value) {
  std::array<unsigned char, sizeof value> bytes;
  std::memcpy(bytes.data(), &value, sizeof value);
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4U];
    text += "0123456789abcdef"[byte & 15U];
  }
  return text;
}

// A name that a plugin can choose: shown to people, so nothing of it may act on a terminal.
template <std::size_t Size>
std::string printable(const char (&text)[Size]) {
  std::string out{text, ::strnlen(text, Size)};
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  return out;
}

using Modules = std::array<ModuleRecord, kModulesMax>;

Modules modulesAt(const void* page) {
  Modules copy;
  std::memcpy(copy.data(), headerAt(page).modules, sizeof copy);
  return copy;
}

std::string frameText(const Modules& modules, std::uint64_t address) {
  for (const ModuleRecord& module : modules) {
    if (address < module.begin || address >= module.end) continue;
    return printable(module.name) + "+" + hex(address - module.begin);
  }
  return hex(address);
}

std::vector<std::string> frameTexts(const void* page, const std::uint64_t* frames, std::size_t count) {
  const Modules modules = modulesAt(page);
  std::vector<std::string> texts;
  texts.reserve(count);
  for (std::size_t i = 0; i < count; ++i)
    texts.push_back(frameText(modules, frames[i]));
  return texts;
}

}  // namespace

std::optional<CrashReport> readCrash(const void* page) {
  if (once(headerAt(page).crash.state) != static_cast<std::uint32_t>(RecordState::Written)) return std::nullopt;
  CrashRecord record;
  std::memcpy(&record, &headerAt(page).crash, sizeof record);
  if (record.signal < 1 || record.signal > kSignalMax) return std::nullopt;
  const auto frames_count = std::min<std::size_t>(record.frames_count, kCrashFramesMax);
  return CrashReport{
      .signal = record.signal,
      .code = record.code,
      .thread = record.thread,
      .sender_pid = record.code <= 0 ? record.sender_pid : 0,
      .system_call = record.system_call,
      .address = record.address,
      .stack_overflow = record.stack_overflow != 0,
      .thread_name = printable(record.thread_name),
      .frames = frameTexts(page, record.frames, frames_count),
      .guessed_count = static_cast<std::uint32_t>(std::min<std::size_t>(record.guessed_count, frames_count))};
}

std::vector<Module> readModules(const void* page) {
  std::vector<Module> found;
  for (const ModuleRecord& module : modulesAt(page)) {
    if (module.begin >= module.end) continue;
    found.push_back(
        {printable(module.name), module.build_id_head == 0 ? std::string{} : hexBytes(module.build_id_head)});
  }
  return found;
}

std::vector<std::pair<int, std::uint32_t>> readDenied(const void* page) {
  std::vector<std::pair<int, std::uint32_t>> denied;
  for (std::size_t i = 0; i < kSystemCallsMax; ++i) {
    if (const std::uint32_t count = once(headerAt(page).denied_count[i]))
      denied.emplace_back(static_cast<int>(i), count);
  }
  return denied;
}

std::optional<std::vector<std::string>> readStack(const void* page, std::size_t index, int thread) {
  const auto* stacks = reinterpret_cast<const ThreadStack*>(static_cast<const char*>(page) + kPageStacksOffset);
  if (index >= kStackThreadsMax || once(stacks[index].state) != static_cast<std::uint32_t>(RecordState::Written)) {
    return std::nullopt;
  }
  ThreadStack stack;
  std::memcpy(&stack, &stacks[index], sizeof stack);
  if (stack.thread != thread) return std::nullopt;
  return frameTexts(page, stack.frames, std::min<std::size_t>(stack.frames_count, kStackFramesMax));
}

}  // namespace longhaul::host::protocol
