// The table of the instance machine: one cell for each event in each phase, with what it does in a few words.
// Private to the machine.
#pragma once

#include <array>
#include <string_view>

#include "host/lifecycle/machine_step.h"

namespace longhaul::host::lifecycle {

struct InstanceMachine::Table {
  using Do = void (*)(Step& s);
  struct Cell {
    std::string_view text;  // "·": nothing, late news; "!": a bug
    Do act = nullptr;       // null for these two
  };
  using Row = std::array<Cell, kPhaseCount>;
  static const std::array<Row, kEventKindCount> kRows;
  static const Cell& cell(EventKind event, Phase phase) {
    return kRows[static_cast<std::size_t>(event)][static_cast<std::size_t>(phase)];
  }

  // What the cells do (machine_cells.cpp), named by event; the phase is added where phases differ.
  static void enable(Step& s);
  static void enableNoted(Step& s);
  static void release(Step& s);
  static void releaseNoted(Step& s);
  static void endWish(Step& s);
  static void adopt(Step& s);
  static void adoptNoted(Step& s);
  static void applyIdle(Step& s);
  static void applySpawning(Step& s);
  static void applyNext(Step& s);
  static void applyServing(Step& s);
  static void applyPreparing(Step& s);
  static void applyNoted(Step& s);
  static void restartIdle(Step& s);
  static void restartSpawning(Step& s);
  static void restartNext(Step& s);
  static void restartServing(Step& s);
  static void restartPreparing(Step& s);
  static void heldIdle(Step& s);
  static void heldPreparing(Step& s);
  static void heldNoted(Step& s);
  static void clearIdle(Step& s);
  static void clearRunning(Step& s);
  static void clearNoted(Step& s);
  static void slotSpawn(Step& s);
  static void slotSurplus(Step& s);
  static void startFailedSpawning(Step& s);
  static void startFailedPreparing(Step& s);
  static void startFailedStopping(Step& s);
  static void fencedSpawning(Step& s);
  static void fencedFencing(Step& s);
  static void fenceFailed(Step& s);
  static void fenceFailedLate(Step& s);
  static void loadedSpawning(Step& s);
  static void loadedPreparing(Step& s);
  static void outOfTurn(Step& s);
  static void readyStarting(Step& s);
  static void readyPreparing(Step& s);
  static void readyReplacing(Step& s);
  static void extend(Step& s);
  static void condemned(Step& s);
  static void currentEndedServing(Step& s);
  static void currentEndedPreparing(Step& s);
  static void currentEndedReplacing(Step& s);
  static void currentEndedStopping(Step& s);
  static void incomingEndedStarting(Step& s);
  static void incomingEndedPreparing(Step& s);
  static void incomingEndedReplacing(Step& s);
  static void incomingEndedStopping(Step& s);
  static void loadDeadline(Step& s);
  static void readyDeadline(Step& s);
  static void stopDeadline(Step& s);
  static void currentStuck(Step& s);
  static void incomingStuck(Step& s);
  static void restartDue(Step& s);
  static void fenceAgain(Step& s);
  static void storeAgain(Step& s);
};

}  // namespace longhaul::host::lifecycle
