// longhaul-symbols: names the functions of a crash, in a process of its own (reading.h). Not for people.
#include <unistd.h>

#include "host/symbols/reading.h"

int main(int argc, char** argv) {
  // Without exit handlers: what a sanitizer does there is refused to it.
  ::_exit(longhaul::host::symbols::runReader(argc, argv));
}
