// The ends of an instance's workers: each is stored at once with what was known then, and the names of functions are
// written onto its card when they are found. No start waits for them.
#include <fmt/format.h>

#include <utility>

#include "host/supervisor/crash_card.h"
#include "host/supervisor/crash_names.h"
#include "host/supervisor/ends.h"
#include "host/supervisor/instance.h"

namespace longhaul::host::supervisor {

using lifecycle::WorkerId;

namespace {

Json cardOf(const store::Death& death) {
  auto card = parseJson(death.card);
  return card && card->is_object() ? std::move(*card) : Json::object();
}

bool isPending(const Json& card) {
  return card.contains("names") && card["names"].is_object() && card["names"].value("state", "") == "pending";
}

}  // namespace

EndView endViewOf(const store::Death& death) {
  const Json card = cardOf(death);
  return {.at_us = death.at_us,
          .exit_class = death.exit_class,
          .text = card.value("text", std::string{}),
          .where = card.value("where", std::string{})};
}

void Instance::keepEnd(const WorkerProcess& worker, const lifecycle::Exit& exit) {
  const std::int64_t now_us = wallNowUs();
  const store::Death& death =
      deaths_[worker.about().id] = {.id = {},
                                    .instance = record_.id,
                                    .generation = worker.generation(),
                                    .at_us = now_us,
                                    .exit_class = std::string{lifecycle::exitClassName(exit.exit_class)},
                                    .card = crashCard(worker, exit, now_us)};
  // That a worker for commands ended as it should is no news of the instance.
  if (exit.failure || !isOneShot(worker)) last_end_ = endViewOf(death);
  if (exit.failure) nameDeath(death);
}

void Instance::nameDeath(const store::Death& death) {
  const Json card = cardOf(death);
  if (!isPending(card)) return;
  const catalog::PluginFile* file = shared_.around.catalog.find(card.value("digest", std::string{}));
  shared_.names.ask(
      {.question = questionOf(card),
       .plugin = file != nullptr ? file->path : std::filesystem::path{},
       .instance_number = static_cast<std::uint64_t>(record_.id.value),
       .done = [&shared = shared_, id = id(), death](const NameQuestion& question, const NameAnswer& answer) {
         if (Instance* instance = shared.find(id)) instance->deathNamed(death, question, answer);
       }});
}

void Instance::deathNamed(store::Death death, const NameQuestion& question, const NameAnswer& answer) {
  Json card = cardOf(death);
  addNames(card, question, answer);
  death.card = dumpJson(card);
  // It may be on its way to the store, or wait for that: then it is stored with its names, and once more.
  for (auto& [worker, kept] : deaths_) {
    if (kept.at_us == death.at_us && kept.generation == death.generation) kept.card = death.card;
  }
  const EndView view = endViewOf(death);
  if (last_end_ && last_end_->at_us == death.at_us) {
    last_end_ = view;
    shared_.changed(id());
  }
  if (!answer.fault.empty()) {
    log(logs::LogLevel::Warning, fmt::format("the functions of its crash have no names: {}", answer.fault));
  } else if (!view.where.empty()) {
    log(logs::LogLevel::Error, fmt::format("worker {} ended in {}", card.value("pid", 0), view.where));
  }
  shared_.around.store.submit(
      store::CompleteDeath{
          .instance = id(), .generation = death.generation, .at_us = death.at_us, .card = std::move(death.card)},
      [&shared = shared_, id = id()](const auto& result) {
        Instance* instance = shared.find(id);
        if (!result && instance != nullptr) {
          instance->log(logs::LogLevel::Error,
                        fmt::format("the names on a crash card could not be stored: {}", result.error().message));
        }
      });
}

void Instance::storeDeath(WorkerId worker) {
  const auto death = deaths_.find(worker);
  if (death == deaths_.end()) return;
  shared_.around.store.submit(store::AddDeath{death->second}, [&shared = shared_, id = id()](const auto& result) {
    Instance* instance = shared.find(id);
    if (!result && instance != nullptr) {
      instance->log(logs::LogLevel::Error,
                    fmt::format("the end of a worker could not be stored: {}", result.error().message));
    }
  });
  deaths_.erase(death);
}

}  // namespace longhaul::host::supervisor
