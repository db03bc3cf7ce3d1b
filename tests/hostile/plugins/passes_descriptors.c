/* Class 18: sends descriptors to the host, on both sockets, also the sockets themselves. */
#include "frames.h"

static int send_descriptors(int fd, uint16_t kind, const int* descriptors, int count) {
  frame_t frame = {0};
  frame.kind = kind;
  struct iovec part = {&frame, sizeof frame};
  union {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(int) * 253)];
  } control = {0};
  struct msghdr message = {0};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.bytes;
  message.msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count);
  struct cmsghdr* const header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count);
  memcpy(CMSG_DATA(header), descriptors, sizeof(int) * (size_t)count);
  return sendmsg(fd, &message, MSG_NOSIGNAL) > 0;
}

static longhaul_status_t loop(void) {
  int descriptors[253];
  const int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int i = 0; i < 253; ++i)
    descriptors[i] = is("themselves") ? (i % 2 == 0 ? CONTROL : CALL) : null;
  long sent = 0;
  for (int i = 0; i < 100 && !is("violation"); ++i) /* the kernel bounds what may be under way */
    sent += send_descriptors(CONTROL, DOORBELL, descriptors, 16) * 16;
  if (!is("violation")) prove(sent, "descriptors");
  /* On the call socket with a call that is none. */
  if (is("violation")) {
    prove(1, "a descriptor with what is no call");
    send_descriptors(CALL, CALL_KIND + CREATE_INCIDENTS, descriptors, 1);
  }
  return wait_for_stop();
}
