#include "publisher.h"

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iterator>

#include "longhaul/sdk/json.hpp"
#include "source.h"

namespace edl_plugin {
namespace {

constexpr std::size_t kViewsMax = 16;             // renderings that are kept: one firewall asks for one
constexpr std::size_t kViewBytesMax = 64u << 20;  // of all of them
constexpr std::size_t kGzipBytesMin = 512;        // below, the header eats what is won
constexpr std::size_t kFileBytesMax = 256u << 20;
constexpr std::size_t kEtagDigits = 32;

std::int64_t nowSeconds() {
  using std::chrono::duration_cast;
  return duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string linkToNext(const Asked& asked, const View& view) {
  std::string link = "<?";
  for (const auto& [name, value] : asked.query) {
    const bool is_word = std::all_of(value.begin(), value.end(), [](unsigned char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == ',' || c == '-';
    });
    if ((name == "v" || name == "t" || name == "device") && is_word) link += name + "=" + value + "&";
  }
  return link + "s=" + std::to_string(view.offset + view.limit) + "&n=" + std::to_string(view.limit) +
         ">; rel=\"next\"";
}

std::size_t bytesOf(const Published& published) {
  return published.plain.bytes.size() + published.gzip.size();
}

}  // namespace

Publisher::Publisher(longhaul::Server server, const Settings& settings, std::string file)
    : server_(server), settings_(settings), file_(std::move(file)) {
  load();
}

bool Publisher::refresh() {
  const std::lock_guard one_at_a_time(refreshing_);
  Collected collected = collect(server_, settings_);
  if (!collected.error.empty()) {
    bool has_copy = false;
    {
      const std::lock_guard lock(mutex_);
      error_ = collected.error;
      has_copy = state_ != nullptr;
    }
    tellHealth(std::string("the list could not be read (") + collected.error + "); " +
                   (has_copy ? "the last good copy is served" : "there is no copy to serve"),
               !has_copy);
    return false;
  }
  auto state = std::make_shared<State>();
  state->items = std::move(collected.items);
  state->is_cut = collected.is_cut;
  state->changed_s = nowSeconds();
  bool changed = false;
  {
    const std::lock_guard lock(mutex_);
    changed = !state_ || state_->items != state->items || state_->is_cut != state->is_cut;
    if (changed) {
      state_ = state;
      published_.clear();
    }
    read_s_ = state->changed_s;
    error_.clear();
    first_.notify_all();
  }
  if (changed) save(*state);
  tellHealth(state->is_cut ? "the list has more than " + std::to_string(settings_.items_max) +
                                 " entries (maxItems); the newest are served"
                           : std::string(),
             false);
  return true;
}

// An empty text clears what was said before; the host is asked only where something changes.
void Publisher::tellHealth(const std::string& problem, bool is_error) {
  if (problem.empty() && !told_) return;
  const auto kind = problem.empty() ? longhaul::HealthKind::kNeutral
                    : is_error      ? longhaul::HealthKind::kError
                                    : longhaul::HealthKind::kWarning;
  if (!problem.empty() && !told_) server_.error(problem);
  if (server_.tryUpdateModuleHealth(problem, kind).ok()) told_ = !problem.empty();
}

Answer Publisher::say(int status, std::string text) const {
  Answer answer;
  answer.status = status;
  answer.fields = {{"content-type", "text/plain; charset=utf-8"}, {"cache-control", "no-store"}};
  if (status == 405) answer.fields.emplace_back("allow", "GET, HEAD");
  if (status == 503) answer.fields.emplace_back("retry-after", "5");
  answer.text = std::move(text) + "\n";
  return answer;
}

Answer Publisher::answer(const Asked& asked) {
  if (asked.method != "GET" && asked.method != "HEAD") return say(405, "the method is not GET or HEAD");
  const Wanted wanted = readView(asked.path, asked.query, settings_.view);
  if (!wanted.error.empty()) return say(wanted.found ? 400 : 404, wanted.error);
  std::shared_ptr<const State> state;
  bool is_stale = false;
  {
    std::unique_lock lock(mutex_);
    first_.wait_for(lock, kFirstTimeout, [&] { return state_ != nullptr || !error_.empty(); });
    if (!state_)
      return say(503, "there is no list yet: " + (error_.empty() ? std::string("the host has not given it") : error_));
    state = state_;
    is_stale = !error_.empty() || read_s_ == 0;
  }
  Answer answer;
  answer.published = publishedOf(wanted.view, state);
  answer.is_gzip = asked.takes_gzip && !answer.published->gzip.empty();
  // Two bodies, two tags; either counts as the same list.
  const std::string tag = "\"" + answer.published->etag + (answer.is_gzip ? "-gzip\"" : "\"");
  const std::string other = "\"" + answer.published->etag + (answer.is_gzip ? "\"" : "-gzip\"");
  answer.fields = {{"etag", tag},
                   {"last-modified", httpDate(state->changed_s)},
                   {"cache-control", "max-age=" + std::to_string(settings_.refresh.count())},
                   {"vary", "accept-encoding"}};
  if (is_stale) answer.fields.emplace_back("warning", "110 - \"Response is Stale\"");
  const Rendering& plain = answer.published->plain;
  if (wanted.view.offset + plain.entries < plain.total)
    answer.fields.emplace_back("link", linkToNext(asked, wanted.view));
  answer.fields.emplace_back("x-total-count", std::to_string(plain.total));
  if (isUnchanged(asked.conditions, tag, state->changed_s) ||
      (asked.conditions.if_none_match && isUnchanged(asked.conditions, other, state->changed_s))) {
    answer.status = 304;
    answer.published.reset();
    return answer;
  }
  answer.fields.emplace_back("content-type", contentTypeOf(wanted.view.format));
  answer.fields.emplace_back("x-content-type-options", "nosniff");
  if (answer.is_gzip) answer.fields.emplace_back("content-encoding", "gzip");
  return answer;
}

std::shared_ptr<const Published> Publisher::publishedOf(const View& view, const std::shared_ptr<const State>& state) {
  const std::string key = view.key();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, published] : published_)
      if (name == key && state == state_) return published;
  }
  // Outside of the lock: rendering a long list takes a while, and two that do it at once do no harm.
  auto made = std::make_shared<Published>();
  made->plain = render(state->items, view);
  made->etag = digestOf(made->plain.bytes).substr(0, kEtagDigits);
  if (made->plain.bytes.size() >= kGzipBytesMin) made->gzip = gzipped(made->plain.bytes);
  if (made->gzip.size() >= made->plain.bytes.size()) made->gzip.clear();
  const std::lock_guard lock(mutex_);
  if (state != state_) return made;
  published_.emplace_back(key, made);
  std::size_t bytes = 0;
  for (const auto& [name, published] : published_)
    bytes += bytesOf(*published);
  while (published_.size() > 1 && (published_.size() > kViewsMax || bytes > kViewBytesMax)) {
    bytes -= bytesOf(*published_.front().second);
    published_.pop_front();
  }
  return made;
}

std::string Publisher::status() const {
  const std::lock_guard lock(mutex_);
  std::string json = "{\"entries\":" + std::to_string(state_ ? state_->items.size() : 0);
  json += ",\"isCut\":" + std::string(state_ && state_->is_cut ? "true" : "false");
  json += ",\"changed\":" + (state_ ? longhaul::quoteJson(httpDate(state_->changed_s)) : std::string("null"));
  json += ",\"read\":" + (read_s_ != 0 ? longhaul::quoteJson(httpDate(read_s_)) : std::string("null"));
  return json + ",\"error\":" + (error_.empty() ? std::string("null") : longhaul::quoteJson(error_)) + "}";
}

// The copy of the worker before: served until the host has answered. A file that is not whole is none.
void Publisher::load() {
  if (file_.empty()) return;
  std::ifstream in(file_, std::ios::binary | std::ios::ate);
  if (!in || static_cast<std::size_t>(in.tellg()) > kFileBytesMax) return;
  in.seekg(0);
  const std::string text((std::istreambuf_iterator<char>(in)), {});
  const auto list = longhaul::jsonMember(text, "list");
  const auto changed = longhaul::jsonMember(text, "changed");
  auto state = std::make_shared<State>();
  if (!list || !changed || !longhaul::detail::readNumber(*changed, state->changed_s)) return;
  state->items = ownList(text);
  state->is_cut = longhaul::jsonMember(text, "isCut") == "true";
  state_ = std::move(state);
}

void Publisher::save(const State& state) const {
  if (file_.empty()) return;
  const std::string beside = file_ + ".new";
  bool written = false;
  {
    std::ofstream out(beside, std::ios::binary | std::ios::trunc);
    out << "{\"changed\":" << state.changed_s << ",\"isCut\":" << (state.is_cut ? "true" : "false")
        << ",\"list\":" << listJson(state.items) << "}";
    out.flush();
    written = out.good();
  }
  if (!written || std::rename(beside.c_str(), file_.c_str()) != 0) {
    std::remove(beside.c_str());
    server_.debug("the copy for the next worker could not be written to " + file_);
  }
}

}  // namespace edl_plugin
