/* Class 5: exit, _exit, quick_exit, pthread_exit, from main and from a thread, without BYE; another program in its
 * place. */
#define ON_CREATE \
  if (is("exit-create")) quit()
#define ON_STOP \
  if (is("exit-stop")) quit()
static void quit(void);
#include "hostile.h"

static void quit(void) {
  prove(1, "exit");
  exit(0);
}

static void* quit_thread(void* unused) {
  quit();
  return unused;
}

static longhaul_status_t loop(void) {
  if (is("exit")) quit();
  if (is("exit-thread")) start_thread(quit_thread, NULL);
  if (is("exit-3")) {
    prove(1, "exit(3)");
    exit(3);
  }
  if (is("_exit")) {
    prove(1, "_exit(0)");
    _exit(0);
  }
  if (is("quick")) {
    prove(1, "quick_exit(0)");
    quick_exit(0);
  }
  if (is("pthread")) {
    prove(1, "pthread_exit");
    pthread_exit(NULL);
  }
  if (is("exec") || is("exec-refused")) {
    prove(1, "another program");
    execl("/bin/sleep", "sleep", "600", (char*)NULL);
    prove(1, "another program was refused");
    _exit(0);
  }
  if (is("kill-self")) {
    prove(1, "SIGKILL to itself");
    kill(getpid(), SIGKILL);
  }
  if (is("exit-stop")) wait_for_ever(); /* the loop would be over before stop() came */
  return wait_for_stop();
}
