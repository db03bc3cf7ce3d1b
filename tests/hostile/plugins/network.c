/* Class 24: talks to the network without a grant: TCP, UDP, Unix by path and abstract, a listener of its own. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include "hostile.h"

/* "with" is "TCP-PORT UDP-PORT UNIX-PATH ABSTRACT-NAME" of peers of the driver, who counts what comes. */
static char reached[1024];
static long tries_count;

static void tried(const char* what, int came_through) {
  ++tries_count;
  if (came_through) snprintf(reached + strlen(reached), sizeof reached - strlen(reached), "%s\n", what);
}

static int to_inet(int type, int port, int flags) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  inet_pton(AF_INET, "127.0.0.1", &name.sin_addr);
  const int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const ssize_t sent = type == SOCK_DGRAM ? sendto(fd, "x", 1, 0, (struct sockaddr*)&name, sizeof name)
                       : flags != 0       ? sendto(fd, "x", 1, flags, (struct sockaddr*)&name, sizeof name)
                       : connect(fd, (struct sockaddr*)&name, sizeof name) == 0 ? send(fd, "x", 1, MSG_NOSIGNAL)
                                                                                : -1;
  close(fd);
  return sent == 1;
}

static int to_unix(const char* path, int abstract) {
  struct sockaddr_un name = {.sun_family = AF_UNIX};
  snprintf(name.sun_path + abstract, sizeof name.sun_path - 1, "%s", path);
  const socklen_t size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)abstract + strlen(path));
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int through = connect(fd, (struct sockaddr*)&name, size) == 0 && send(fd, "x", 1, MSG_NOSIGNAL) == 1;
  close(fd);
  return through;
}

static int listens(void) {
  struct sockaddr_in name = {.sin_family = AF_INET};
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return 0;
  const int through = bind(fd, (struct sockaddr*)&name, sizeof name) == 0 && listen(fd, 1) == 0;
  close(fd);
  return through;
}

static int opens(int family, int type, int protocol) {
  const int fd = socket(family, type | SOCK_CLOEXEC, protocol);
  if (fd >= 0) close(fd);
  return fd >= 0;
}

static longhaul_status_t loop(void) {
  char path[256] = "", abstract[256] = "";
  int tcp = 0, udp = 0;
  if (sscanf(given, "%d %d %255s %255s", &tcp, &udp, path, abstract) != 4) return LONGHAUL_INVALID;
  tried("tcp", to_inet(SOCK_STREAM, tcp, 0));
  tried("tcp fast open", to_inet(SOCK_STREAM, tcp, MSG_FASTOPEN | MSG_NOSIGNAL));
  tried("udp", to_inet(SOCK_DGRAM, udp, 0));
  tried("unix", to_unix(path, 0));
  tried("abstract", to_unix(abstract, 1));
  tried("listen", listens());
  tried("raw", opens(AF_INET, SOCK_RAW, IPPROTO_ICMP));
  tried("packet", opens(AF_PACKET, SOCK_RAW, 0));
  tried("netlink", opens(AF_NETLINK, SOCK_RAW, 0));
  int pair[2];
  write_file("pair", "%d", socketpair(AF_UNIX, SOCK_STREAM, 0, pair)); /* that one stays allowed */
  write_file("reached", "%s", reached);
  prove(tries_count, "ways out were tried");
  return wait_for_stop();
}
