#include "host/worker/worker.h"

int main(int argc, char** argv) {
  longhaul::host::worker::runWorker(argc, argv);
}
