// The sockets that instances listen on. The host binds and keeps them, so that a crash or a swap refuses no connection
// and loses no queued datagram; workers get duplicates at their spawn. One table for all instances. Loop only; owns the
// descriptors. Binding is a few system calls and does not block.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/base/ids.h"
#include "host/base/result.h"
#include "host/base/unique_fd.h"
#include "host/config/plan_listeners.h"
#include "host/supervisor/instance_view.h"

namespace longhaul::host::supervisor {

class Listeners {
 public:
  // `udp_receive_buffer_bytes` is asked for; what the kernel gives is in the view.
  explicit Listeners(int udp_receive_buffer_bytes) : udp_receive_buffer_bytes_(udp_receive_buffer_bytes) {}
  Listeners(const Listeners&) = delete;
  Listeners& operator=(const Listeners&) = delete;
  ~Listeners();

  using Wanted = std::vector<config::WantedListener>;

  // Binds those of `wanted` that this instance does not hold yet; closes none. The first that cannot be bound is the
  // error, which names who holds the address if it is one of ours; those bound before it stay.
  Result<void> bind(InstanceId instance, std::string_view instance_name, const Wanted& wanted);
  // Closes what this instance holds and `wanted` does not name.
  void trim(InstanceId instance, const Wanted& wanted);
  void closeAll(InstanceId instance);

  // Undoes what a plugin can do to a socket that it shares with the host: shutdown, connect, blocking mode. Gives a
  // sentence for each one that had to be mended.
  std::vector<std::string> heal(InstanceId instance);

  struct Passed {
    std::string name;
    int fd = -1;  // borrowed until the next change of this instance's listeners
  };
  // In the order of `wanted`; what is not bound is left out.
  std::vector<Passed> passed(InstanceId instance, const Wanted& wanted) const;
  std::vector<ListenerView> views(InstanceId instance) const;
  // Where the listener of this name really is; nothing: it is not bound. Of two the one that was bound last.
  std::optional<config::Address> boundAt(InstanceId instance, std::string_view name) const;

  // The instance's name; empty: nobody. `address` as a view shows it.
  std::string holderOf(std::string_view transport, std::string_view address) const;

 private:
  struct Held {
    InstanceId instance;
    std::string instance_name;
    std::string name;
    catalog::Transport transport{};
    config::Address wanted;
    config::Address bound;  // the real port
    UniqueFd fd;
    int receive_buffer_bytes = 0;
  };
  static bool same(const Held& held, InstanceId instance, const config::WantedListener& wanted);
  // `beside`: this instance's own socket that has the same port until the old worker is gone; null: there is none.
  static Result<UniqueFd> open(const Held& held, const Held* beside);
  Result<void> openInto(Held& held, const Held* beside = nullptr) const;

  void resetOptions(const Held& held) const;

  int udp_receive_buffer_bytes_;
  std::vector<Held> held_;  // few hundred at most are looked through per start; a thousand cost microseconds
};

}  // namespace longhaul::host::supervisor
