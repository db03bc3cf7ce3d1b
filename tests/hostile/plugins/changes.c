/* Class 27: changes signals, folder, mask, locale, limits, group and the standard descriptors under the worker's feet.
 */
#include <locale.h>
#include <sys/resource.h>
#include "frames.h"

static void handler(int number) {
  (void)number;
}

static void limit(int resource, rlim_t value) {
  const struct rlimit both = {value, value};
  setrlimit(resource, &both);
}

static longhaul_status_t loop(void) {
  if (is("signals")) {
    for (int number = 1; number < 65; ++number)
      signal(number, number % 2 == 0 ? SIG_IGN : handler);
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
  }
  if (is("folder")) {
    prove(1, "chdir and umask");
    if (chdir("/") != 0) abort();
    umask(0777);
  }
  if (is("locale")) {
    setenv("LC_ALL", "tr_TR.UTF-8", 1);
    setlocale(LC_ALL, "");
    clearenv();
  }
  if (is("limits")) {
    prove(1, "lower limits");
    limit(RLIMIT_NOFILE, 5);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_STACK, 65536);
  }
  if (is("file-size")) limit(RLIMIT_FSIZE, 0);
  if (is("group")) setsid(), setpgid(0, 0), prctl(PR_SET_NAME, "sshd");
  if (is("stdio")) {
    fclose(stdout);
    fclose(stderr);
    dup2(open("/dev/null", O_RDWR), 1);
    dup2(open("/dev/null", O_RDWR), 2);
  }
  if (is("blocking")) { /* flags of what it shares with the host are the descriptor's, not the file's … but these are
                           not */
    fcntl(CONTROL, F_SETFL, O_NONBLOCK);
    fcntl(CALL, F_SETFL, O_NONBLOCK);
    fcntl(1, F_SETFL, O_NONBLOCK | O_APPEND);
  }
  if (is("dumpable")) prctl(PR_SET_DUMPABLE, 1), prctl(PR_SET_PDEATHSIG, 0), prctl(PR_SET_CHILD_SUBREAPER, 1);
  if (!is("folder") && !is("file-size") && !is("limits")) prove(1, the_fault);
  /* The worker's own work goes on as far as the plugin left it what it needs. */
  longhaul_status_t status = 0;
  for (int i = 0; i < 10 && status >= 0; ++i)
    status = make_incident("after the change", NULL);
  server->info(server, text_of(status >= 0 ? "calls go on" : "calls fail"));
  return wait_for_stop();
}
