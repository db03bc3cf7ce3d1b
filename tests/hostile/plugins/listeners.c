/* Class 34b: breaks the listeners that it shares with the host: shutdown, connect, modes, filters, options; then dies.
 */
#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include "hostile.h"

static void drop_everything(int fd) {
  struct sock_filter drop[] = {{BPF_RET | BPF_K, 0, 0, 0}};
  const struct sock_fprog program = {1, drop};
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
  setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof on);
}

static void connect_away(int fd) {
  struct sockaddr_in name = {.sin_family = AF_INET, .sin_port = htons(9)};
  inet_pton(AF_INET, "127.0.0.1", &name.sin_addr);
  connect(fd, (struct sockaddr*)&name, sizeof name);
}

/* A good receiver: answers each connection, acknowledges each datagram with an incident. */
static longhaul_status_t serve(int tcp, int udp) {
  char line[512];
  int32_t stop = -1;
  server->stopDescriptor(server, &stop);
  for (;;) {
    struct pollfd polled[3] = {{stop, POLLIN, 0}, {tcp, POLLIN, 0}, {udp, POLLIN, 0}};
    if (poll(polled, 3, -1) < 0) continue;
    if (polled[0].revents) return LONGHAUL_OK;
    if (polled[1].revents) {
      const int peer = accept4(tcp, NULL, NULL, SOCK_CLOEXEC);
      if (peer >= 0) {
        dprintf(peer, "%d\n", getpid());
        close(peer);
      }
    }
    if (polled[2].revents) {
      const ssize_t size = recv(udp, line, sizeof line - 1, MSG_DONTWAIT);
      if (size > 0) {
        line[size] = 0;
        make_incident(line, NULL);
      }
    }
  }
}

static longhaul_status_t loop(void) {
  int32_t tcp = -1, udp = -1;
  server->listener(server, text_of("tcp"), &tcp);
  server->listener(server, text_of("udp"), &udp);
  /* The first worker breaks them and dies, the next one serves. */
  if (access("broken", F_OK) == 0) return serve(tcp, udp);
  if (is("shutdown")) shutdown(tcp, SHUT_RDWR), shutdown(udp, SHUT_RDWR);
  if (is("connect")) connect_away(udp);
  if (is("blocking")) {
    fcntl(tcp, F_SETFL, 0);
    fcntl(udp, F_SETFL, 0);
  }
  if (is("filter")) drop_everything(tcp), drop_everything(udp);
  if (is("options")) {
    const int one = 1;
    const struct linger abort_all = {1, 0};
    const struct timeval short_time = {0, 1};
    setsockopt(udp, SOL_SOCKET, SO_RCVBUF, &one, sizeof one);
    setsockopt(udp, SOL_SOCKET, SO_RCVTIMEO, &short_time, sizeof short_time);
    setsockopt(udp, SOL_SOCKET, SO_RCVLOWAT, &(int){65536}, sizeof one);
    setsockopt(tcp, SOL_SOCKET, SO_LINGER, &abort_all, sizeof abort_all);
    setsockopt(tcp, SOL_SOCKET, SO_RCVLOWAT, &(int){65536}, sizeof one);
    setsockopt(tcp, IPPROTO_IP, IP_TTL, &(int){1}, sizeof one);
    listen(tcp, 0);
  }
  if (is("async")) { /* "with" is the host's pid: each connection would send it the signal */
    const int host = atoi(given);
    if (host <= 1) abort();
    fcntl(tcp, F_SETOWN, host);
    fcntl(tcp, F_SETSIG, SIGKILL);
    fcntl(tcp, F_SETFL, O_ASYNC | O_NONBLOCK);
  }
  write_file("broken", "1");
  prove(1, the_fault);
  kill(getpid(), SIGKILL);
  return LONGHAUL_OK;
}
