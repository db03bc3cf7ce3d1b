// Has the functions of crash cards named by processes that are thrown away (host/symbols): opens the files, starts the
// process, takes its answer within bounds, ends it. A few at a time, the others wait; nothing else waits for them. Loop
// only; files are opened on the job thread. Owns the processes: its end kills them, and what was asked stays
// unanswered.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include "host/base/event_loop.h"
#include "host/catalog/catalog.h"
#include "host/process/reader_launcher.h"
#include "host/sandbox/plan.h"
#include "host/supervisor/crash_names.h"

namespace longhaul::host::supervisor {

class NameReaders {
 public:
  struct Setup {
    std::filesystem::path worker_binary;  // a module of its own; longhaul-symbols lies beside it
    std::string state_tag;
    sandbox::Surroundings sandbox;
  };
  NameReaders(EventLoop& loop, catalog::Catalog::RunJob run_job, Setup setup);
  ~NameReaders();
  NameReaders(const NameReaders&) = delete;
  NameReaders& operator=(const NameReaders&) = delete;

  struct Asked {
    NameQuestion question;
    std::filesystem::path plugin;       // the staged file; empty: it is gone
    std::uint64_t instance_number = 0;  // whose it is
    std::function<void(const NameQuestion&, const NameAnswer&)> done;
  };
  // `done` runs once, in a later turn, unless this ends before.
  void ask(Asked asked);

  void addPids(std::vector<pid_t>& pids) const;

 private:
  struct Files;
  struct Reading {
    Asked asked;
    NameAnswer answer;
    process::LaunchedReader process;
    std::unique_ptr<FdWatch> output_watch, end_watch;
    TimerId timer = TimerId::None;
  };
  using Place = std::list<Reading>::iterator;
  void startNext();
  void opened(Place place, Files& files);
  Result<void> launch(Reading& reading, const Files& files);
  void readOutput(Place place);
  void ended(Place place);
  void giveUp(Reading& reading, std::string why);
  void finish(Place place);

  EventLoop& loop_;
  catalog::Catalog::RunJob run_job_;
  Setup setup_;
  std::deque<Asked> waiting_;
  std::list<Reading> readings_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // late completions ask it
};

}  // namespace longhaul::host::supervisor
