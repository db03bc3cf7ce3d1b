"""How workers end by faults of their own, and how those that make no progress are found (tests/plugins/crasher.c, beater.c).
What slows host and worker down must end nobody: a stopped host, a machine that is busy sixteen times over.

    LONGHAUL_STOPPED_S  how long the host is stopped (default 6, twice what a hang takes to be found)
"""
import json
import os
import signal
import subprocess
import sys
import unittest

import harness

STOPPED_S = int(os.environ.get("LONGHAUL_STOPPED_S", "6"))
OVERCOMMIT = 16
NEVER = {"restart": {"policy": "never"}}


def hogs():
    """Processes that want all processors so many times over, each in a session of its own: the kernel shares fairly
    between sessions before it does between processes."""
    count = OVERCOMMIT * len(os.sched_getaffinity(0))
    return [subprocess.Popen([sys.executable, "-c", "while True: pass"], start_new_session=True) for _ in range(count)]


class WatchdogTest(harness.DaemonTest):
    def last_death(self, daemon, name, exit_class):
        death = harness.until(lambda: next((row for row in daemon.api("GET", f"/instances/{name}/deaths")["deaths"]
                                            if row["exitClass"] == exit_class), None), f"{name} ended as {exit_class}")
        return death["card"]

    def run_beater(self, daemon, name, mode, **more):
        return daemon.run_instance(name, "test-beater", {"mode": mode}, **more)

    def assert_undisturbed(self, daemon, name, pid):
        instance = daemon.instance(name)
        self.assertEqual(("running", pid, 0), (instance["state"], instance["current"]["pid"], instance["restartsCount"]),
                         instance)

    def crash(self, daemon, mode):
        name = mode.replace("@", "-")
        daemon.put_instance(name, "test-crasher", {"mode": mode}, **NEVER)
        daemon.wait_known(name)
        return harness.until(lambda: daemon.api("GET", f"/instances/{name}/deaths")["deaths"], f"{name} ended")[0]["card"]

    def test_a_crash_has_its_class_its_words_and_a_stack(self):
        daemon = self.daemon("test_crasher")
        for mode, exit_class, words in (
                ("segv", "signal", "ended by SIGSEGV at address 0x10"),
                ("segv@thread", "signal", "ended by SIGSEGV on its thread faulty ("),
                ("bus", "signal", "ended by SIGBUS at address"),
                ("fpe@thread", "signal", "ended by SIGFPE on its thread faulty ("),
                ("ill", "signal", "ended by SIGILL at address"),
                ("abrt", "signal", "ended by SIGABRT: the queue is damaged"),
                ("sent", "signal", "ended by SIGSEGV sent by itself"),
                ("overflow", "stack-overflow", "stack overflow (SIGSEGV at"),
                ("overflow@thread", "stack-overflow", "stack overflow on its thread faulty ("),
                ("forbidden", "policy-kill", "made a system call that its sandbox forbids: swapoff")):
            with self.subTest(mode):
                card = self.crash(daemon, mode)
                self.assertEqual(exit_class, card["class"], card)
                self.assertTrue(card["text"].startswith(words), card["text"])
                self.assertTrue(any(frame.startswith("plugin+0x") for frame in card["crash"]["frames"]), card)
        # One file and one fault look alike, on whatever thread; another fault does not.
        prints = {mode: self.crash(daemon, mode)["fingerprint"] for mode in ("segv", "bus")}
        self.assertNotEqual(prints["segv"], prints["bus"])
        self.assertIn("its sandbox forbids: swapoff", daemon.cli("deaths", "forbidden", "last"))

    def test_refused_calls_are_counted_told_once_and_kept_in_the_audit(self):
        daemon = self.daemon("test_crasher")
        daemon.run_instance("tries", "test-crasher", {"mode": "refused"})
        wanted = [{"kind": "system-call", "name": "acct", "count": 1}, {"kind": "system-call", "name": "chroot", "count": 3}]
        harness.until(lambda: daemon.instance("tries")["denied"] == wanted, "the refusals are counted")
        self.assertIn("Denied: acct 1, chroot 3", daemon.cli("status", "tries"))
        self.assertIn('longhaul_instance_denied_total{instance="tries",kind="system-call",call="chroot"} 3',
                      daemon.request("GET", "/metrics").body)
        acts = harness.until(lambda: [row for row in json.loads(daemon.cli("audit", "-o", "json"))
                                      if row["act"] == "denied"], "the refusals are in the audit")
        self.assertEqual({"acct", "chroot"}, {row["detail"]["name"] for row in acts})
        self.assertIn("refused: no grant covers the system call acct", daemon.cli("audit"))
        told = [line for line in daemon.cli("logs", "tries").splitlines() if "refuses the system call chroot" in line]
        self.assertEqual(1, len(told), told)

    def test_a_pause_makes_it_unresponsive_and_progress_clears_that(self):
        daemon = self.daemon("test_beater")
        pid = self.run_beater(daemon, "edge", "nap")["current"]["pid"]
        health = harness.until(lambda: daemon.instance("edge").get("health"), "it is unresponsive")
        self.assertEqual("unresponsive", health["state"], health)
        self.assertTrue(health["text"].startswith("no progress() for"), health)
        harness.until(lambda: "health" not in daemon.instance("edge"), "it makes progress again")
        self.assert_undisturbed(daemon, "edge", pid)

    def test_what_hangs_is_found_with_the_stacks_of_its_threads(self):
        daemon = self.daemon("test_beater")
        for mode in ("deadlock", "spin"):
            self.run_beater(daemon, mode, mode, **NEVER)
        self.run_beater(daemon, "well", "beat")
        well = daemon.worker_pid("well")
        cards = {mode: self.last_death(daemon, mode, "hung") for mode in ("deadlock", "spin")}
        for card in cards.values():
            self.assertEqual("no progress() for 3 heartbeats of 1 s", card["text"])
            self.assertEqual("SIGABRT", card["signal"])
            main = card["stacks"][0]
            self.assertEqual(card["pid"], main["thread"])
            self.assertTrue(any(frame.startswith("plugin+0x") for frame in main["frames"]), main)
        receiver = [thread for thread in cards["deadlock"]["stacks"] if thread["name"] == "receiver"]
        self.assertTrue(receiver and any(frame.startswith("plugin+0x") for frame in receiver[0]["frames"]), receiver)
        self.assertIn("(receiver), sleeping", daemon.cli("logs", "deadlock"))
        self.assert_undisturbed(daemon, "well", well)

    def test_what_hangs_and_answers_nothing_is_found_all_the_same(self):
        daemon = self.daemon("test_beater")
        for mode in ("stops-itself", "deaf"):
            self.run_beater(daemon, mode, mode, **NEVER)
        harness.until(lambda: daemon.instance("deaf").get("health"), "it is unresponsive")
        states = set()  # until it has ended, which takes SIGABRT's four seconds

        def is_ended():
            instance = daemon.instance("deaf")
            if "current" in instance:
                states.add(instance.get("health", {}).get("state"))
            return "current" not in instance
        harness.until(is_ended, "it has ended")
        self.assertEqual({"unresponsive"}, states)
        for mode, state in (("stops-itself", "T"), ("deaf", "R")):
            card = self.last_death(daemon, mode, "hung")
            self.assertEqual("SIGKILL", card["signal"])
            self.assertEqual((state, []), (card["stacks"][0]["state"], card["stacks"][0]["frames"]))

    def test_what_hung_is_started_again(self):
        daemon = self.daemon("test_beater")
        pid = self.run_beater(daemon, "edge", "spin")["current"]["pid"]
        self.last_death(daemon, "edge", "hung")
        harness.until(lambda: daemon.worker_pid("edge") not in (None, pid), "it runs again")

    def test_a_host_that_is_stopped_ends_no_worker(self):
        daemon = self.daemon("test_beater")
        pids = {mode: self.run_beater(daemon, mode, mode)["current"]["pid"] for mode in ("beat", "calls")}
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            os.waitid(os.P_PID, daemon.pid, os.WSTOPPED | os.WNOWAIT)
            with self.assertRaises(subprocess.TimeoutExpired):
                daemon.process.wait(STOPPED_S)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        # The counter of calls goes on: the worker that waited for the host was answered.
        calls = daemon.instance("calls")["callsCount"]
        harness.until(lambda: daemon.instance("calls")["callsCount"] > calls + 20, "calls are answered again")
        for mode, pid in pids.items():
            self.assert_undisturbed(daemon, mode, pid)
        # And what hangs is still found.
        self.run_beater(daemon, "spin", "spin", **NEVER)
        self.last_death(daemon, "spin", "hung")

    def test_a_machine_that_is_busy_ends_no_worker_and_hides_no_hang(self):
        daemon = self.daemon("test_beater")
        pid = self.run_beater(daemon, "work", "work")["current"]["pid"]
        busy = hogs()
        try:
            # Longer than three heartbeats without progress: so it would be ended, were it not for the load.
            harness.until(lambda: daemon.cli("logs", "work").count("a long gap between two beats") >= 2,
                          "it works so slowly that it misses heartbeats", 5 * harness.WAIT_S)
            self.run_beater(daemon, "deadlock", "deadlock", **NEVER)
            self.last_death(daemon, "deadlock", "hung")
            self.assert_undisturbed(daemon, "work", pid)
        finally:
            for hog in busy:
                hog.kill()
                hog.wait()


if __name__ == "__main__":
    unittest.main()
