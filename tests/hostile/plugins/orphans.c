/* Class 14: clears its parent-death signal, keeps the channel open and hides from the end of its host. */
#include "hostile.h"

extern char** environ;
extern char* program_invocation_name;

static longhaul_status_t loop(void) {
  const int control = 3;
  int ends[2];
  prctl(PR_SET_PDEATHSIG, 0);
  /* The copy keeps the channel open; the control thread listens where nobody speaks. */
  if (dup(control) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, ends) != 0) abort();
  if (dup2(ends[0], control) < 0) abort();
  for (int number = 1; number < 32; ++number)
    signal(number, SIG_IGN);
  if (is("wiped")) {
    for (char** each = environ; *each; ++each)
      memset(*each, 0, strlen(*each));
    /* Arguments lie in front of the environment, one behind the other. */
    char* begin = program_invocation_name;
    if (begin && environ[0] && begin < environ[0]) memset(begin, 'x', (size_t)(environ[0] - begin - 1));
  }
  write_file("pids", "%d\n", getpid());
  prove(1, the_fault);
  wait_for_ever();
  return LONGHAUL_OK;
}
