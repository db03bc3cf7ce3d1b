"""Swap after swap under a constant load: no call fails, no connection is refused, nothing acknowledged is lost or doubled,
and the host is as it was. LONGHAUL_SWAPS=5000 is the longer one."""
import os
import statistics
import sys
import unittest

import harness
from steady_load import Books, Builds, SteadyLoad

SWAPS = int(os.environ.get("LONGHAUL_SWAPS", "100"))
WARM_SWAPS = 5  # before the host's size is taken
RSS_TOLERANCE_BYTES = 64 << 20


class SwapLoad(harness.DaemonTest):
    def ledger(self, **parameters):
        daemon = self.daemon("test_ledger", started=False)
        # What is freed counts as memory for a while under AddressSanitizer: a while of little.
        daemon.environment["ASAN_OPTIONS"] = "quarantine_size_mb=8:thread_local_quarantine_size_kb=64"
        daemon.start()
        daemon.run_instance("books", "test-ledger", {"listen": "127.0.0.1:0", **parameters})
        return daemon, Builds(daemon, "books", "test_ledger.so")

    def faults(self, daemon, load):
        return load.books.faults([row["name"] for row in daemon.incidents(instance="books")])

    def test_nothing_is_lost_doubled_or_refused(self):
        daemon, builds = self.ledger()
        with SteadyLoad(daemon, "books") as load:
            for _ in range(WARM_SWAPS):
                builds.swap()
            before = harness.Footprint(daemon.pid)
            seconds = [builds.swap() for _ in range(SWAPS)]
            load.wait_for_more(20)
        self.assertEqual([], self.faults(daemon, load)[:20])
        kinds = {name.split("/")[0] for name in load.books.answered}
        self.assertEqual({"command", "short", "long"}, kinds)
        print(f"{SWAPS} swaps, median {statistics.median(seconds):.2f} s each, {len(load.books.answered)} answers, "
              f"{load.books.resent} sent again; longest gaps "
              + ", ".join(f"{kind} {gap:.2f} s" for kind, gap in sorted(load.books.gaps.items())), file=sys.stderr)

        books = daemon.instance("books")
        self.assertEqual([], [death["exitClass"] for death in daemon.api("GET", "/instances/books/deaths")["deaths"]
                              if death["exitClass"] != "operator-stop"])
        self.assertNotIn("refused", books)
        self.assertEqual([books["current"]["pid"]], daemon.workers())
        self.assertEqual(1 + WARM_SWAPS + SWAPS, books["current"]["generation"])
        harness.until(lambda: not harness.Footprint(daemon.pid).beyond(before, RSS_TOLERANCE_BYTES),
                      lambda: f"back to the start: {harness.Footprint(daemon.pid).beyond(before, RSS_TOLERANCE_BYTES)}")

    def test_a_plugin_that_acknowledges_too_early_is_found_out(self):
        daemon, builds = self.ledger(acknowledge="first")
        with SteadyLoad(daemon, "books") as load:
            for _ in range(3):
                load.wait_for_more(20)
                builds.swap()
        builds.swap()  # what the last one still owes
        self.assertIn("acknowledged and is lost", " ".join(self.faults(daemon, load)))


class TheBooks(unittest.TestCase):
    """That they find what they are for."""

    def setUp(self):
        self.books = Books()
        for name in ("long/0/0", "command/0/0"):
            self.books.send(name)
            self.books.answer(name.split("/", maxsplit=1)[0], name)
        self.names = ["long/0/0", "command/0/0", "own/1", "own/2", "own/3"]

    def test_what_is_right_is_no_fault(self):
        self.assertEqual([], self.books.faults(self.names))

    def test_a_lost_one(self):
        self.assertEqual(["long/0/0 was acknowledged and is lost"], self.books.faults(self.names[1:]))
        self.assertEqual(["own/2 is lost"], self.books.faults([name for name in self.names if name != "own/2"]))

    def test_a_doubled_one(self):
        self.assertEqual(["long/0/0 is there 2 times"], self.books.faults([*self.names, "long/0/0"]))
        self.books.answer("long", "long/0/0")
        self.assertEqual(["long/0/0 was answered 2 times"], self.books.faults(self.names))

    def test_one_without_an_answer(self):
        self.books.send("short/0/0")
        self.assertEqual(["short/0/0 was never acknowledged"], self.books.faults(self.names))

    def test_a_refused_or_failed_one(self):
        self.books.note(self.books.refused, "short/0/1: ConnectionRefusedError()")
        self.books.note(self.books.failed, "command/0/1: 503")
        self.assertEqual(["failed: command/0/1: 503", "refused: short/0/1: ConnectionRefusedError()"],
                         self.books.faults(self.names))

    def test_one_that_nobody_sent(self):
        self.assertEqual(["short/9/9 was never sent"], self.books.faults([*self.names, "short/9/9"]))


if __name__ == "__main__":
    unittest.main()
