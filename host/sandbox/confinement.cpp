#include "host/sandbox/confinement.h"

#include "host/protocol/codec.h"

namespace longhaul::host::sandbox {

void encode(const Confinement& confinement, std::string& out) {
  protocol::Writer writer{out};
  writer.number(confinement.uid);
  writer.number(static_cast<std::uint32_t>(confinement.drop_privileges));
  writer.number(static_cast<std::uint32_t>(confinement.groups.size()));
  for (const std::string& each : confinement.groups)
    writer.text(std::string_view{each});
  writer.number(static_cast<std::uint32_t>(confinement.rlimits.size()));
  for (const Rlimit& each : confinement.rlimits)
    writer.number(each.resource).number(each.soft).number(each.hard);
  const Landlock& landlock = confinement.landlock;
  writer.number(landlock.handled_files).number(landlock.handled_network).number(landlock.scoped);
  writer.number(static_cast<std::uint32_t>(landlock.paths.size()));
  for (const PathRule& each : landlock.paths)
    writer.text(std::string_view{each.path}).number(each.access).number(static_cast<std::uint32_t>(each.required));
  writer.number(static_cast<std::uint32_t>(landlock.connect_ports.size()));
  for (const std::uint16_t port : landlock.connect_ports)
    writer.number(port);
  writer.text(std::string_view{confinement.seccomp});
}

bool decode(std::string_view payload, Confinement& confinement) {
  protocol::Reader reader{payload};
  confinement.uid = reader.number<std::uint32_t>();
  confinement.drop_privileges = reader.number<std::uint32_t>() != 0;
  confinement.groups.resize(reader.count(4));
  for (std::string& each : confinement.groups)
    each = reader.text();
  confinement.rlimits.resize(reader.count(20));
  for (Rlimit& each : confinement.rlimits) {
    each.resource = reader.number<std::uint32_t>();
    each.soft = reader.number<std::uint64_t>();
    each.hard = reader.number<std::uint64_t>();
  }
  Landlock& landlock = confinement.landlock;
  landlock.handled_files = reader.number<std::uint64_t>();
  landlock.handled_network = reader.number<std::uint64_t>();
  landlock.scoped = reader.number<std::uint64_t>();
  landlock.paths.resize(reader.count(16));
  for (PathRule& each : landlock.paths) {
    each.path = reader.text();
    each.access = reader.number<std::uint64_t>();
    each.required = reader.number<std::uint32_t>() != 0;
  }
  landlock.connect_ports.resize(reader.count(2));
  for (std::uint16_t& port : landlock.connect_ports)
    port = reader.number<std::uint16_t>();
  confinement.seccomp = reader.text();
  return reader.finished();
}

}  // namespace longhaul::host::sandbox
