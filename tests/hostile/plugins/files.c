/* Class 23: writes the host's files, follows its own links into them, fills the disk. */
#include "hostile.h"

/* "with" is a list of paths, one a blank: each is written, removed, renamed over; or the bytes of a disk to fill. */
static char reached[8192];
static long tries_count;

static void tried(const char* what, const char* path, int came_through) {
  ++tries_count;
  if (came_through) snprintf(reached + strlen(reached), sizeof reached - strlen(reached), "%s %s\n", what, path);
}

static void attack(const char* path) {
  char inside[4200];
  struct stat entry;
  if (stat(path, &entry) == 0 && S_ISDIR(entry.st_mode)) {
    snprintf(inside, sizeof inside, "%s/planted", path);
    const int fd = open(inside, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    tried("create in", path, fd >= 0);
    if (fd >= 0) close(fd);
    unlink(inside);
    tried("change the mode of", path, chmod(path, entry.st_mode & 07777) == 0);
    return;
  }
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  tried("open for writing", path, fd >= 0);
  if (fd >= 0) close(fd);
}

static void fill(long mebibytes) {
  static char block[1 << 20];
  const int file = open("filler", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  long written = 0;
  signal(SIGXFSZ, SIG_IGN);
  memset(block, 0xa5, sizeof block);
  while (written < mebibytes && write(file, block, sizeof block) == (ssize_t)sizeof block) {
    ++written;
    if (written % 16 == 0) prove(written, "MiB written");
  }
  close(file);
  write_file("filled", "%ld", written);
  prove(written, "MiB written");
}

static void many_files(long count) {
  char name[64];
  long made = 0;
  for (; made < count; ++made) {
    snprintf(name, sizeof name, "file-%ld", made);
    const int file = open(name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) break;
    close(file);
  }
  prove(made, "files");
}

static longhaul_status_t loop(void) {
  if (is("write")) {
    for (char* path = strtok(given, " "); path; path = strtok(NULL, " "))
      attack(path);
    write_file("reached", "%s", reached);
    prove(tries_count, "writes were tried");
  }
  if (is("fill")) fill(atol(given));
  if (is("many")) many_files(atol(given));
  return wait_for_stop();
}
