#include "host/lifecycle/machine_table.h"

namespace longhaul::host::lifecycle {
namespace {
constexpr std::string_view kLate = "·";
constexpr std::string_view kBug = "!";
}  // namespace

// Columns: Rest, Wait, Spawning, Fencing, Starting, Running, Preparing, Replacing, Stopping.
// clang-format off
const std::array<InstanceMachine::Table::Row, kEventKindCount> InstanceMachine::Table::kRows{{
    /* Enable */ {{
        {"go", enable}, {"go", enable}, {kLate}, {kLate}, {kLate}, {kLate}, {kLate}, {kLate},
        {"wish run", enableNoted}}},
    /* Release */ {{
        {"forget failures, outcome; go", release}, {"forget failures; go", release},
        {"forget failures", releaseNoted}, {"forget failures", releaseNoted}, {"forget failures", releaseNoted},
        {"forget failures", releaseNoted}, {"forget failures", releaseNoted}, {"forget failures", releaseNoted},
        {"forget failures", releaseNoted}}},
    /* Disable */ {{
        {"set reason", endWish}, {"→ Rest", endWish}, {"kill inc → Stopping; none: → Rest", endWish},
        {"kill inc → Stopping", endWish}, {"stop cur → Stopping", endWish}, {"stop cur → Stopping", endWish},
        {"kill inc, stop cur → Stopping", endWish}, {"kill inc → Stopping", endWish}, {"wish rest", endWish}}},
    /* Orphan */ {{
        {"set reason", endWish}, {"→ Rest", endWish}, {"as Disable", endWish}, {"as Disable", endWish},
        {"as Disable", endWish}, {"as Disable", endWish}, {"as Disable", endWish}, {"as Disable", endWish},
        {"wish rest", endWish}}},
    /* Adopt */ {{
        {"set reason", adopt}, {kLate}, {kLate}, {kLate}, {kLate}, {kLate}, {kLate}, {kLate}, {"note", adoptNoted}}},
    /* HostStop */ {{
        {"set reason", endWish}, {"→ Rest", endWish}, {"as Disable", endWish}, {"as Disable", endWish},
        {"as Disable", endWish}, {"as Disable", endWish}, {"as Disable", endWish}, {"as Disable", endWish},
        {"shorten the deadline", endWish}}},
    /* Apply */ {{
        {"new target, lift hold; go", applyIdle}, {"new target: go", applyIdle},
        {"new target: kill inc, spawn anew", applySpawning}, {"keep as next", applyNext},
        {"new target: ask slot → Preparing", applyServing}, {"new target: ask slot → Preparing", applyServing},
        {"new target: kill inc, spawn anew; cur's: back", applyPreparing}, {"keep as next", applyNext},
        {"new target", applyNoted}}},
    /* Restart */ {{
        {"forget outcome; go", restartIdle}, {"go", restartIdle}, {"kill inc, spawn anew", restartSpawning},
        {"keep as next", restartNext}, {"ask slot → Preparing", restartServing},
        {"ask slot → Preparing", restartServing}, {"kill inc, spawn anew", restartPreparing},
        {"keep as next", restartNext}, {kLate}}},
    /* HeldSet */ {{
        {"set reason", heldIdle}, {"→ Rest", heldIdle}, {"note", heldNoted}, {"note", heldNoted}, {"note", heldNoted},
        {"note", heldNoted}, {"kill inc → Running", heldPreparing}, {"note", heldNoted}, {"note", heldNoted}}},
    /* HeldClear */ {{
        {"go", clearIdle}, {kLate}, {"note", clearNoted}, {"note", clearNoted}, {"note", clearNoted},
        {"next: ask slot → Preparing", clearRunning}, {"note", clearNoted}, {"note", clearNoted},
        {"note", clearNoted}}},
    /* SlotFree */ {{
        {"give back", slotSurplus}, {"give back", slotSurplus}, {"spawn", slotSpawn}, {"give back", slotSurplus},
        {"give back", slotSurplus}, {"give back", slotSurplus}, {"spawn", slotSpawn}, {"give back", slotSurplus},
        {"give back", slotSurplus}}},
    /* StartFailed */ {{
        {kLate}, {kLate}, {"decide (not counted)", startFailedSpawning}, {kLate}, {kLate}, {kLate},
        {"report refusal → Running", startFailedPreparing}, {kLate}, {"inc is gone; no cur: go", startFailedStopping}}},
    /* Fenced */ {{
        {kLate}, {kLate}, {"note g", fencedSpawning}, {"promote, send Start(g) → Starting", fencedFencing}, {kLate},
        {kLate}, {kLate}, {kLate}, {kLate}}},
    /* FenceFailed */ {{
        {"store its end", fenceFailedLate}, {"store its end", fenceFailedLate}, {"again in 1 s", fenceFailed},
        {"again in 1 s; after 30 s kill inc → held (store)", fenceFailed}, {"store its end", fenceFailedLate},
        {"store its end", fenceFailedLate}, {"store its end", fenceFailedLate}, {"store its end", fenceFailedLate},
        {"store its end", fenceFailedLate}}},
    /* Loaded */ {{
        {kLate}, {kLate}, {"fence → Fencing; fenced: → Starting", loadedSpawning}, {"kill it", outOfTurn},
        {"kill it", outOfTurn}, {"kill it", outOfTurn}, {"hold calls, stop cur → Replacing", loadedPreparing},
        {"kill it", outOfTurn}, {kLate}}},
    /* Ready */ {{
        {kLate}, {kLate}, {"kill it", outOfTurn}, {"kill it", outOfTurn},
        {"flush calls, last_good → Running; next: Preparing", readyStarting}, {kLate},
        {"cur: is ready, stay; inc: kill it", readyPreparing}, {"inc: kill it", readyReplacing}, {kLate}}},
    /* Extend */ {{
        {kLate}, {kLate}, {kLate}, {kLate}, {"move ReadyDeadline", extend}, {kLate}, {"move ReadyDeadline", extend},
        {kLate}, {kLate}}},
    /* Condemned */ {{
        {kLate}, {kLate}, {"kill it", condemned}, {"kill it", condemned}, {"kill it; hung: abort", condemned},
        {"kill it; hung: abort", condemned}, {"kill it; cur hung: abort", condemned},
        {"kill it; cur hung: abort", condemned}, {"kill it; cur hung: abort", condemned}}},
    /* CurrentEnded */ {{
        {kBug}, {kBug}, {kBug}, {kBug}, {"not last_good: revert → Spawning; else decide", currentEndedServing},
        {"decide", currentEndedServing}, {"fence; inc goes on → Spawning", currentEndedPreparing},
        {"fence → Fencing", currentEndedReplacing}, {"store; no inc: go", currentEndedStopping}}},
    /* IncomingEnded */ {{
        {kBug}, {kBug}, {"next target, or not last_good: → Spawning; else decide", incomingEndedStarting},
        {"next target, or not last_good: → Spawning; else decide", incomingEndedStarting}, {kBug}, {kBug},
        {"report refusal → Running; killed for another: spawn anew", incomingEndedPreparing},
        {"revert → Stopping, wish run", incomingEndedReplacing}, {"store; no cur: go", incomingEndedStopping}}},
    /* LoadDeadline */ {{
        {kBug}, {kBug}, {"kill inc", loadDeadline}, {kBug}, {kBug}, {kBug}, {"kill inc", loadDeadline}, {kBug},
        {kBug}}},
    /* ReadyDeadline */ {{
        {kBug}, {kBug}, {kBug}, {kBug}, {"kill cur", readyDeadline}, {kBug}, {"kill cur", readyDeadline}, {kBug},
        {kBug}}},
    /* StopDeadline */ {{
        {kBug}, {kBug}, {kBug}, {kBug}, {kBug}, {kBug}, {kBug}, {"SIGTERM, then SIGKILL", stopDeadline},
        {"SIGTERM, then SIGKILL", stopDeadline}}},
    /* CurrentReapDeadline */ {{
        {kBug}, {kBug}, {kBug}, {kBug}, {"aborted: kill; else report", currentStuck},
        {"aborted: kill; else report", currentStuck}, {"aborted: kill; else report", currentStuck},
        {"aborted: kill; else report", currentStuck}, {"aborted: kill; else report", currentStuck}}},
    /* IncomingReapDeadline */ {{
        {kBug}, {kBug}, {"report", incomingStuck}, {"report", incomingStuck}, {kBug}, {kBug},
        {"report", incomingStuck}, {"report", incomingStuck}, {"report", incomingStuck}}},
    /* RestartDue */ {{
        {kBug}, {"go", restartDue}, {kBug}, {kBug}, {kBug}, {kBug}, {kBug}, {kBug}, {kBug}}},
    /* FenceRetryDue */ {{
        {"held (store): go", storeAgain}, {kBug}, {"fence again", fenceAgain}, {"fence again", fenceAgain}, {kBug},
        {kBug}, {kBug}, {kBug}, {kBug}}},
}};
// clang-format on

}  // namespace longhaul::host::lifecycle
