#include "host/admin/log_requests.h"

#include <fmt/format.h>

#include <utility>

namespace longhaul::host::admin {

Result<logs::LogPage> readLogs(const std::filesystem::path& folder, const std::string& instance,
                               const LogsAsked& asked) {
  const logs::LogReader reader(folder, instance);
  logs::LogQuery query{.lines_max = asked.lines.value_or(kPageRowsDefault),
                       .since_us = asked.since_us,
                       .least_level = asked.least_level,
                       .source = asked.source};
  if (asked.before) return reader.last(query, asked.before);
  if (!asked.cursor && (asked.lines || !asked.since_us)) return reader.last(query);
  query.lines_max = asked.lines.value_or(kLogPageLinesMax);
  logs::LogCursor from;
  if (asked.cursor) {
    from = *asked.cursor;
  } else {
    auto place = reader.placeOf(*asked.since_us);
    if (!place) return place.error();
    from = *place;
  }
  auto page = reader.after(from, query);
  if (page) page->before = from;
  return page;
}

std::string logPageText(const logs::LogPage& page) {
  std::string text = R"({"lines":[)";
  const char* between = "";
  for (const std::string& line : page.lines) {
    text += between;
    text += line;
    between = ",";
  }
  text += fmt::format(R"(],"next":"{}","before":"{}","more":{},"gap":{}}})", page.next.text(), page.before.text(),
                      page.more, page.gap);
  return text;
}

LogRequests::LogRequests(TimerQueue& timers, std::filesystem::path folder, RunJob run_job)
    : timers_(timers), folder_(std::move(folder)), run_job_(std::move(run_job)) {}

LogRequests::~LogRequests() {
  for (const auto& [id, request] : requests_) {
    timers_.cancel(request.deadline);
    timers_.cancel(request.next_read);
  }
}

void LogRequests::ask(WaitId id, std::string instance, LogsAsked asked, Reply reply) {
  Request request{.instance = std::move(instance), .asked = asked, .reply = std::move(reply)};
  request.over = asked.wait <= Duration::zero();
  if (!request.over) {
    request.deadline = timers_.after(asked.wait, [this, id] {
      Request& ended = requests_.at(id);
      ended.over = true;
      // One more read gives the answer its cursors.
      if (!ended.reading) read(id);
    });
  }
  requests_.emplace(id, std::move(request));
  read(id);
}

void LogRequests::cancel(WaitId id) {
  const auto node = requests_.extract(id);
  if (!node) return;
  timers_.cancel(node.mapped().deadline);
  timers_.cancel(node.mapped().next_read);
}

void LogRequests::written(const std::string& instance) {
  for (auto& [id, request] : requests_) {
    if (request.instance != instance) continue;
    request.grew = true;
    if (!request.reading) readSoon(id, request);
  }
}

void LogRequests::readSoon(WaitId id, Request& request) {
  if (request.next_read != TimerId::None) return;
  request.next_read = timers_.after(kLogFollowDelay, [this, id] {
    requests_.at(id).next_read = TimerId::None;
    if (!requests_.at(id).reading) read(id);
  });
}

void LogRequests::read(WaitId id) {
  Request& request = requests_.at(id);
  request.reading = true;
  request.grew = false;
  auto page = std::make_shared<Result<logs::LogPage>>(logs::LogPage{});
  run_job_([page, folder = folder_, instance = request.instance,
            asked = request.asked] { *page = readLogs(folder, instance, asked); },
           [this, page, id, alive = std::weak_ptr<bool>(alive_)] {
             if (alive.lock()) wasRead(id, *page);
           });
}

void LogRequests::wasRead(WaitId id, const Result<logs::LogPage>& page) {
  const auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Request& request = found->second;
  request.reading = false;
  if (!page) return answer(id, toFailure(page.error()));
  // Of the last lines `more` says that there are older ones, which nobody waits for.
  const bool forward = request.asked.cursor || (request.asked.since_us && !request.asked.lines);
  const bool something = !page->lines.empty() || page->gap || (forward && page->more) || request.asked.before;
  if (request.over || something) return answer(id, logPageText(*page));
  // Nothing there yet: from now on what comes behind this place counts, also where the last lines were asked for.
  request.asked.cursor = page->next;
  request.asked.before.reset();
  if (request.asked.lines == 0U) request.asked.lines.reset();
  if (request.grew) readSoon(id, request);
}

void LogRequests::answer(WaitId id, Answer answer) {
  const auto node = requests_.extract(id);
  timers_.cancel(node.mapped().deadline);
  timers_.cancel(node.mapped().next_read);
  node.mapped().reply(std::move(answer));
}

}  // namespace longhaul::host::admin
