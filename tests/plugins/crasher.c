/* A plugin that ends by one real fault, which its parameter "mode" names: "segv" on the main thread, "segv@thread" on
 * one of its own. What it finds out about itself before goes to the log. */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "longhaul/plugin.h"

static const longhaul_server_t* host;
static char mode[64];

static longhaul_text_t text_of(const char* text) {
  longhaul_text_t view = {text, strlen(text)};
  return view;
}

static void keep(void* self, longhaul_text_t text) {
  snprintf(self, sizeof mode, "%.*s", (int)text.size, text.data);
}

static void say(const char* what, long value) {
  char line[256];
  snprintf(line, sizeof line, "%s %ld", what, value);
  host->info(host, text_of(line));
}

/* ---- faults; each is a function with a name in the stack */

static void segv(void) {
  volatile int* nowhere = (volatile int*)0x10;
  *nowhere = 1;
}

static void bus(void) {
  const int file = memfd_create("empty", MFD_CLOEXEC);
  volatile char* bytes = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (bytes != MAP_FAILED) bytes[0] = 1;
}

static void fpe(void) {
#if defined(__x86_64__)
  __asm__ volatile("xorl %%ecx, %%ecx; movl $1, %%eax; cltd; idivl %%ecx" : : : "eax", "ecx", "edx");
#else
  raise(SIGFPE); /* no trap on a division there */
#endif
}

static void ill(void) {
#if defined(__x86_64__)
  __asm__ volatile("ud2");
#else
  __asm__ volatile(".inst 0");
#endif
}

static volatile int depth;
__attribute__((noinline)) static int small_frames(int level) {
  volatile char frame[200];
  frame[level % 200] = (char)level;
  depth = level;
  if (depth < 0) return 0; /* never, which the compiler must not know */
  return small_frames(level + 1) + frame[(level + 1) % 200];
}

__attribute__((noinline)) static int large_frames(int level) {
  volatile char frame[100000];
  frame[50000] = (char)level;
  depth = level;
  if (depth < 0) return 0;
  return large_frames(level + 1) + frame[level % 100000];
}

static void jump(void) {
  void (*volatile nowhere)(void) = (void (*)(void))0x20;
  nowhere();
}

/* Returns to where no code is. */
__attribute__((noinline)) static void smash(void) {
#if defined(__x86_64__)
  __asm__ volatile("pushq $0; movq $0x30, %%rax; pushq %%rax; ret" : : : "rax", "memory");
#else
  __asm__ volatile("mov x30, #0x30; ret" : : : "x30", "memory");
#endif
}

/* Writes up to and over the top of its stack: a fault near the stack that is no overflow of it. By an instruction,
 * since what a loop works with lies in the way. */
static void overrun(void) {
#if defined(__x86_64__)
  char here;
  char* at = &here;
  size_t count = SIZE_MAX;
  __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(0) : "memory");
#else
  segv();
#endif
}

/* ---- system calls that a filter refuses; data 1: EPERM, 2: EACCES, 3: the end */

static void refuse(void) {
  struct sock_filter program[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_chroot, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 1),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_acct, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_swapoff, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP | 3),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  const struct sock_fprog filter = {sizeof program / sizeof program[0], program};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) != 0) abort();
  for (int i = 0; i < 3; ++i)
    say("chroot", chroot("nowhere") == 0 ? 0 : errno);
  say("acct", acct("nowhere") == 0 ? 0 : errno);
}

/* As many libraries do in their threads. */
static void block_all(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
}

static void forked(void) {
  const pid_t child = fork();
  if (child == 0) segv();
  int status = 0;
  waitpid(child, &status, 0);
  say("child ended by", WIFSIGNALED(status) ? WTERMSIG(status) : -1);
}

static void fault(const char* what) {
  if (strcmp(what, "segv") == 0) segv();
  if (strcmp(what, "bus") == 0) bus();
  if (strcmp(what, "fpe") == 0) fpe();
  if (strcmp(what, "ill") == 0) ill();
  if (strcmp(what, "abrt") == 0) {
    fprintf(stderr, "the queue is damaged\n");
    abort();
  }
  if (strcmp(what, "sent") == 0) kill(getpid(), SIGSEGV);
  if (strcmp(what, "jump") == 0) jump();
  if (strcmp(what, "return") == 0) smash();
  if (strcmp(what, "overflow") == 0) say("never", small_frames(0));
  if (strcmp(what, "overflow-large") == 0) say("never", large_frames(0));
  if (strcmp(what, "overrun") == 0) overrun();
  if (strcmp(what, "replaced") == 0) {
    signal(SIGSEGV, SIG_DFL);
    segv();
  }
  if (strcmp(what, "blocked") == 0) {
    block_all();
    segv();
  }
  if (strcmp(what, "idle") == 0) {
    block_all();
    say("idle", 1);
    for (;;)
      pause();
  }
  if (strcmp(what, "fork") == 0) forked();
  if (strcmp(what, "refused") == 0) refuse();
  if (strcmp(what, "refused-blocked") == 0) {
    block_all();
    refuse();
  }
  if (strcmp(what, "forbidden") == 0) {
    refuse();
    syscall(SYS_swapoff, "nowhere");
  }
}

static void* fault_on_thread(void* what) {
  pthread_setname_np(pthread_self(), "faulty");
  fault(what);
  return NULL;
}

/* ---- callbacks */

static longhaul_status_t create(const longhaul_server_t* server, longhaul_plugin_t** out) {
  host = server;
  longhaul_sink_t sink = {keep, mode};
  *out = NULL;
  return server->parameter(server, text_of("mode"), &sink);
}

static longhaul_status_t run(longhaul_plugin_t* plugin) {
  (void)plugin;
  char* place = strchr(mode, '@');
  if (place) {
    *place = 0;
    pthread_t thread;
    if (pthread_create(&thread, NULL, fault_on_thread, mode) != 0) abort();
    pthread_join(thread, NULL);
  } else {
    fault(mode);
  }
  say("still there", 1);
  host->waitForStop(host, UINT32_MAX);
  return LONGHAUL_OK;
}

static void ignore(longhaul_plugin_t* plugin) {
  (void)plugin;
}

static const longhaul_descriptor_t descriptor = {
    sizeof(longhaul_descriptor_t), LONGHAUL_ABI_VERSION, create, run, ignore, ignore, NULL,
};

LONGHAUL_EXPORT const longhaul_descriptor_t* longhaulPluginEntry(uint32_t host_abi_version) {
  (void)host_abi_version;
  return &descriptor;
}
