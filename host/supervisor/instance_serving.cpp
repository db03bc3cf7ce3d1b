// Which worker answers an instance's HTTP requests now, if any, and what a worker is given for it.
#include <fmt/format.h>

#include <utility>

#include "host/base/http_limits.h"
#include "host/process/worker_launcher.h"
#include "host/supervisor/instance.h"
#include "host/supervisor/instance_http.h"

namespace longhaul::host::supervisor {

using lifecycle::Phase;
using lifecycle::PublicState;

namespace {

constexpr std::string_view kCapability = "longhaul.http/1";

InstanceRequests::Serving refused(int status, std::string detail, int retry_after_s = 0) {
  return {.refusal = services::HttpFailure{status, std::move(detail), retry_after_s}};
}

}  // namespace

std::unique_ptr<InstanceRequests> Instance::makeRequests() {
  return std::make_unique<InstanceRequests>(InstanceRequests::Surroundings{
      .loop = shared_.around.loop,
      .serving = [this] { return servingRequests(); },
      .violated =
          [this](lifecycle::WorkerId worker, std::string text) {
            if (WorkerProcess* found = process(worker)) onViolation(*found, std::move(text));
          },
      .warn =
          [this](lifecycle::WorkerId worker, std::string_view text) {
            const WorkerProcess* found = process(worker);
            log(logs::LogLevel::Warning, found == nullptr ? std::string{text} : found->about().scrubber.scrubbed(text));
          }});
}

std::unique_ptr<services::HttpExchange> Instance::openRequest(services::HttpAsked asked, services::HttpEvents& events) {
  return requests_->open(std::move(asked), events);
}

// A client may be anybody: it is told the state, not why, which may name files, peers and faults.
InstanceRequests::Serving Instance::servingRequests() const {
  const std::string_view state = lifecycle::publicStateName(machine_->publicState());
  const catalog::PluginFile* file = fileForCommands();
  if (file != nullptr && !file->manifest.offers(kCapability)) {
    return refused(404, fmt::format("{} answers no HTTP: the plugin {} does not offer {}", record_.name, record_.plugin,
                                    kCapability));
  }
  if (ending_) return refused(503, fmt::format("{} is being stopped", record_.name), kHttpRetryLaterS);
  switch (machine_->phase()) {
    case Phase::Running:
    case Phase::Preparing:
      if (current_->has_http) return {.worker = current_->id};
      return refused(503, fmt::format("{} has no channel for HTTP", record_.name), kHttpRetryLaterS);
    case Phase::Spawning:
    case Phase::Fencing:
    case Phase::Starting:
    case Phase::Replacing:
      return {};
    case Phase::Wait:
      if (machine_->publicState() == PublicState::Backoff) return {};
      return refused(503, fmt::format("{} fails again and again ({})", record_.name, state), kHttpRetryLaterS);
    case Phase::Stopping:
      if (record_.enabled && !record_.orphaned) return {};
      break;
    case Phase::Rest:
      break;
  }
  return refused(503, fmt::format("{} is {}", record_.name, state));
}

// One-shot workers answer none.
void Instance::giveHttpChannel(Slot& slot, const catalog::PluginFile& file) {
  if (!file.manifest.offers(kCapability) || isOneShot(*slot.process)) return;
  auto pair = process::makeSocketPair();
  if (!pair || !slot.process->giveHttpChannel(pair->worker.get())) {
    return log(logs::LogLevel::Error,
               fmt::format("worker {} gets no channel for HTTP: {}", slot.process->pid(),
                           pair ? "its control socket takes no descriptor" : pair.error().message));
  }
  slot.has_http = true;
  requests_->attach(slot.id, std::move(pair->host));
}

}  // namespace longhaul::host::supervisor
