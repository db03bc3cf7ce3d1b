// The list as it is published: read by the loop every `refresh`, kept as the last good copy, rendered once for each
// view that is asked for. A request never waits for the host: it gets the last good copy, also while the host is busy,
// and after a restart the one that the worker before wrote to `file`. Any thread.
#ifndef EDL_PLUGIN_PUBLISHER_H
#define EDL_PLUGIN_PUBLISHER_H

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "conditions.h"
#include "longhaul/sdk/server.hpp"
#include "settings.h"
#include "view.h"

namespace edl_plugin {

struct Asked {
  std::string method = "GET";
  std::string path = "/";
  Parameters query;
  Conditions conditions;
  bool takes_gzip = false;
};

// One view of one state of the list, ready to send. Shared by requests that may outlast the state.
struct Published {
  Rendering plain;
  std::string gzip;  // empty: not smaller, or not made
  std::string etag;  // without quotes
};

struct Answer {
  int status = 200;
  std::vector<std::pair<std::string, std::string>> fields;  // with its content-type
  std::shared_ptr<const Published> published;               // the body, where there is one of the list
  bool is_gzip = false;
  std::string text;  // else this is

  std::string_view body() const { return !published ? text : is_gzip ? published->gzip : published->plain.bytes; }
};

class Publisher {
 public:
  // So long the first request waits for a first copy, before 503.
  static constexpr std::chrono::milliseconds kFirstTimeout{5000};

  // `file`: where the last good copy is kept over workers; empty: nowhere. `settings` outlives it.
  Publisher(longhaul::Server server, const Settings& settings, std::string file);

  // Reads the list anew; true: it is the present one. False: the last good copy stays, and the health says why.
  bool refresh();

  Answer answer(const Asked& asked);

  // For a person: entries, when it was read, what went wrong.
  std::string status() const;

 private:
  struct State {
    std::vector<Item> items;
    std::int64_t changed_s = 0;  // seconds since 1970: the items are as they are since then
    bool is_cut = false;
  };

  Answer say(int status, std::string text) const;
  std::shared_ptr<const Published> publishedOf(const View& view, const std::shared_ptr<const State>& state);
  void load();
  void save(const State& state) const;
  void tellHealth(const std::string& problem, bool is_error);

  const longhaul::Server server_;
  const Settings& settings_;
  const std::string file_;

  std::mutex refreshing_;  // one at a time
  bool told_ = false;      // refreshing_: the health holds a text of ours
  mutable std::mutex mutex_;
  std::condition_variable first_;
  // All below: mutex_.
  std::shared_ptr<const State> state_;
  std::int64_t read_s_ = 0;  // when the state was last found to be the present one; 0: not by this worker
  std::string error_;        // why the last reading failed
  std::deque<std::pair<std::string, std::shared_ptr<const Published>>> published_;  // of state_, by view
};

}  // namespace edl_plugin

#endif
