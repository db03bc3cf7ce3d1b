// One HTTP request and one answer as values, and who asks. Any thread.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "host/base/role.h"
#include "host/http/body_stream.h"

namespace longhaul::host::http {

struct Request {
  std::string method;
  std::string target;  // origin form, as it came
  std::string body;
  bool keep_alive = true;
  std::string last_event_id{};  // the field Last-Event-ID, of one who reads events on
  std::string authorization{};  // likewise; empty: the socket says who asks
  std::string if_match{};       // lists of entity tags, as they came; empty: the field is not there
  std::string if_none_match{};
  std::string accept_encoding{};
  std::string host{};
  std::string origin{};
  std::string cookie{};
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body{};
  std::string allow{};       // of 405
  bool retry_after = false;  // of 503
  std::string cache_control = "no-store";
  std::vector<std::pair<std::string, std::string>> fields{};  // more of the header: names and values as they are sent
  std::shared_ptr<BodyStream> stream{};                       // instead of `body`: goes on until one of both closes
};

struct Peer {
  uid_t uid = 0;
  Role role = Role::Read;  // by the socket alone; a user that is known may have another one
  pid_t pid = 0;           // when it connected; 0: of another pid namespace

  // Of one that came by TCP: uid, role and pid say nothing then, so that it has to say who it is.
  std::string address{};  // numeric, without a port; empty: it came by the Unix socket
  bool tls = false;
  bool isRemote() const { return !address.empty(); }
};

}  // namespace longhaul::host::http
