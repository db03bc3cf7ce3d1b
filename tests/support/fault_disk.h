// A disk under SQLite: a file layer (VFS) that passes everything on to the system's and can fail writes and syncs,
// count syncs, and lose its power. It remembers of each file what the last sync made durable; after powerCut() the
// files are put back to that, with a random part of the later writes on top, as a real disk may do. Thread-safe: one
// disk serves the connections of several threads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <string_view>

namespace longhaul::host::test {

class FaultDisk {
 public:
  FaultDisk();
  ~FaultDisk();
  FaultDisk(const FaultDisk&) = delete;
  FaultDisk& operator=(const FaultDisk&) = delete;

  // The name to open SQLite with.
  const std::string& vfs() const;

  enum class Call : std::uint8_t { Write, Sync };
  // Asked before each write and sync; returns SQLite's code to fail with, or 0. `file` ends in ".db" or "-wal".
  using Fault = std::function<int(Call call, std::string_view file)>;
  void setFault(Fault fault);

  // Syncs of files whose name ends so.
  std::uint64_t syncs(std::string_view suffix) const;
  // Writes, syncs, truncations and deletions so far.
  std::uint64_t operations() const;

  // From operation `number` on (counted from 1) nothing reaches the disk: everything fails, as for a process that dies.
  void cutPowerAt(std::uint64_t number);
  bool powerIsCut() const;
  // The files as the disk has them once the power is back. All connections must be closed.
  void restorePower(std::mt19937_64& random);

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace longhaul::host::test
