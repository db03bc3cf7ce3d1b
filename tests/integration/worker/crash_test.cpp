// What a worker leaves behind when it dies, and what it does about refused system calls.
#include <sys/syscall.h>

#include <catch2/catch.hpp>
#include <csignal>

#include "host/base/worker_limits.h"
#include "host/process/worker_threads.h"
#include "host/protocol/crash_report.h"
#include "test_host.h"

using namespace longhaul::host;
using namespace longhaul::host::test;
using protocol::Kind;

namespace {

process::ExitStatus crash(TestHost& host, const std::string& mode) {
  host.start(mode);
  host.expect(Kind::Ready);
  return host.waitEnd();
}

bool anyOf(const std::vector<std::string>& frames, std::string_view text) {
  for (const std::string& each : frames) {
    if (each.starts_with(text)) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("a worker that dies of a fault ends by its signal and leaves signal, address, thread and stack") {
  struct Fault {
    const char* mode;
    int signal;
    bool on_main;
  };
  const Fault fault = GENERATE(
      Fault{"segv", SIGSEGV, true}, Fault{"bus", SIGBUS, true}, Fault{"fpe", SIGFPE, true}, Fault{"ill", SIGILL, true},
      Fault{"abrt", SIGABRT, true}, Fault{"segv@thread", SIGSEGV, false}, Fault{"bus@thread", SIGBUS, false},
      Fault{"fpe@thread", SIGFPE, false}, Fault{"ill@thread", SIGILL, false}, Fault{"abrt@thread", SIGABRT, false});
  CAPTURE(fault.mode);
  TestHost host{"test_crasher"};
  const process::ExitStatus end = crash(host, fault.mode);
  CAPTURE(host.errors);
  CHECK(end.signaled);
  CHECK(end.code == fault.signal);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->signal == fault.signal);
  CHECK_FALSE(report->stack_overflow);
  CHECK((report->thread == host.worker.pid) == fault.on_main);
  CHECK(report->thread_name == (fault.on_main ? "longhaul-worker" : "faulty"));
  if (fault.signal == SIGSEGV) CHECK(report->address == 0x10);
  CAPTURE(report->frames);
  CHECK(anyOf(report->frames, "plugin+0x"));
  // The whole way down: main's begin is in the worker, and so is what the plugin's threads begin with.
  CHECK(anyOf(report->frames, "longhaul-worker+0x"));
}

TEST_CASE("a stack that is used up is told from another fault, on main and on the plugin's own threads") {
  const std::string mode = GENERATE("overflow", "overflow-large", "overflow@thread", "overflow-large@thread");
  CAPTURE(mode);
  TestHost host{"test_crasher"};
  const process::ExitStatus end = crash(host, mode);
  CHECK(end.signaled);
  CHECK(end.code == SIGSEGV);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->stack_overflow);
  CHECK(report->frames.size() == kCrashFramesMax);
}

TEST_CASE("a write over the top of a stack is no stack overflow") {
  TestHost host{"test_crasher"};
  const process::ExitStatus end = crash(host, "overrun");
  CHECK(end.signaled);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->signal == end.code);
  CHECK_FALSE(report->stack_overflow);
}

TEST_CASE("a jump to where no code is leaves the call that led there") {
  TestHost host{"test_crasher"};
  CHECK(crash(host, "jump").code == SIGSEGV);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  REQUIRE(report->frames.size() > 2);
  CHECK(report->frames[0] == "0x20");
  CHECK(report->frames[1].starts_with("plugin+0x"));
  // And its callers, the whole way down.
  CHECK(anyOf(report->frames, "longhaul-worker+0x"));
  CHECK(report->guessed_count == 0);
}

TEST_CASE("a return to where no code is leaves what lies on the stack and looks like a return") {
  TestHost host{"test_crasher"};
  CHECK(crash(host, "return").code == SIGSEGV);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->frames[0] == "0x30");
  CHECK(report->guessed_count > 0);
  CHECK(report->guessed_count < report->frames.size());
  CHECK(report->frames.back().starts_with("plugin+0x"));
}

TEST_CASE("the modules of a worker have their names and build-ids, the plugin first") {
  TestHost host{"test_crasher"};
  crash(host, "segv");
  const auto modules = protocol::readModules(host.worker.page.address());
  REQUIRE(modules.size() > 2);
  CHECK(modules[0].name == "plugin");
  for (const protocol::Module& each : modules) {
    CAPTURE(each.name);
    CHECK(each.build_id_head.size() == 16);
  }
}

TEST_CASE("a signal that was sent says by whom, and has no address") {
  TestHost host{"test_crasher"};
  CHECK(crash(host, "sent").code == SIGSEGV);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->sender_pid == host.worker.pid);
  CHECK(report->address == 0);
}

TEST_CASE("a plugin that takes the handler away dies all the same, and only the record is lost") {
  TestHost host{"test_crasher"};
  const process::ExitStatus end = crash(host, "replaced");
  CHECK(end.signaled);
  CHECK(end.code == SIGSEGV);
  CHECK_FALSE(protocol::readCrash(host.worker.page.address()));
}

TEST_CASE("a thread that blocks all signals still leaves a record") {
  const std::string mode = GENERATE("blocked", "blocked@thread");
  TestHost host{"test_crasher"};
  CHECK(crash(host, mode).code == SIGSEGV);
  CHECK(protocol::readCrash(host.worker.page.address()));
}

// ThreadSanitizer keeps a signal back until the thread calls something that it knows.
#ifndef __SANITIZE_THREAD__
TEST_CASE("each thread that the host asks writes its stack, also the worker's own and one that blocks all signals") {
  TestHost host{"test_crasher"};
  host.start("idle@thread");
  host.expect(Kind::Ready);
  host.expectLine("idle 1");
  const auto threads = process::threadsOf(host.worker.pid);
  REQUIRE(threads.size() >= 3);
  CHECK(threads[0].thread == host.worker.pid);
  for (std::size_t i = 0; i < threads.size(); ++i)
    CHECK(process::askForStack(host.worker.pid, threads[i].thread, static_cast<int>(i)));
  bool in_plugin = false;
  for (std::size_t i = 0; i < threads.size(); ++i) {
    std::optional<std::vector<std::string>> stack;
    host.pumpUntil([&] {
      stack = protocol::readStack(host.worker.page.address(), i, threads[i].thread);
      return stack.has_value();
    });
    CAPTURE(threads[i].name, *stack);
    CHECK(stack->size() >= 2);
    in_plugin = in_plugin || (threads[i].name == "faulty" && anyOf(*stack, "plugin+0x"));
  }
  CHECK(in_plugin);
}
#endif

TEST_CASE("a child that the plugin forks dies of its own fault and leaves the worker's record alone") {
  TestHost host{"test_crasher"};
  host.start("fork");
  host.expect(Kind::Ready);
  host.expectLine("child ended by " + std::to_string(SIGSEGV));
  CHECK_FALSE(protocol::readCrash(host.worker.page.address()));
}

TEST_CASE("a refused system call returns its error, is counted, and rings the host at the first one of its kind") {
  const std::string mode = GENERATE("refused", "refused@thread", "refused-blocked@thread");
  CAPTURE(mode);
  TestHost host{"test_crasher"};
  host.start(mode);
  host.expect(Kind::Ready);
  host.expectLine("chroot " + std::to_string(EPERM));
  host.expectLine("acct " + std::to_string(EACCES));
  host.expectLine("still there 1");
  const auto denied = protocol::readDenied(host.worker.page.address());
  const std::vector<std::pair<int, std::uint32_t>> wanted{{SYS_chroot, 3}, {SYS_acct, 1}};
  CHECK(denied == wanted);
}

TEST_CASE("a system call that nothing but an attack makes ends the worker by SIGSYS, and the record has its number") {
  const std::string mode = GENERATE("forbidden", "forbidden@thread");
  CAPTURE(mode);
  TestHost host{"test_crasher"};
  const process::ExitStatus end = crash(host, mode);
  CHECK(end.signaled);
  CHECK(end.code == SIGSYS);
  const auto report = protocol::readCrash(host.worker.page.address());
  REQUIRE(report);
  CHECK(report->system_call == SYS_swapoff);
  CHECK(anyOf(report->frames, "plugin+0x"));
}
