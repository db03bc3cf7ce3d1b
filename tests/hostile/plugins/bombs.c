/* Class 10: a thread bomb and a fork bomb. */
#include "hostile.h"

static void* rest(void* unused) {
  wait_for_ever();
  return unused;
}

static void thread_bomb(int count) {
  pthread_attr_t small;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 65536);
  int made = 0;
  pthread_t thread;
  while (made < count && pthread_create(&thread, &small, rest, NULL) == 0)
    ++made;
  prove(made, "threads");
  write_file("refused", "%d", made < count);
}

/* Each child forks on; together at most `count` tries, so that a mode that does not hold it survives its test. */
static void fork_bomb(int count, int raw) {
  atomic_int* tries = malloc(sizeof *tries);
  int told[2];
  if (pipe2(told, O_CLOEXEC | O_NONBLOCK) != 0) abort();
  atomic_init(tries, 0);
  long made = 0, refused = 0;
  for (int i = 0; i < count; ++i) {
    const pid_t child = raw ? raw_fork() : fork();
    if (child == 0) {
      setsid();
      for (int deeper = 0; deeper < 3; ++deeper)
        if (raw_fork() > 0) continue;
      if (write(told[1], "", 1) < 0) _exit(1);
      wait_for_ever();
    }
    if (child > 0) ++made;
    if (child < 0) ++refused;
  }
  prove(made + refused, "forks tried");
  write_file("forks", "%ld %ld", made, refused);
}

static longhaul_status_t loop(void) {
  const int count = atoi(given);
  prove(1, "the bomb goes off"); /* its end may come before it has counted */
  if (is("threads")) thread_bomb(count);
  if (is("forks")) fork_bomb(count, 0);
  if (is("raw-forks")) fork_bomb(count, 1);
  return wait_for_stop();
}
