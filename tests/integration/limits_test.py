"""Workers that take without end, held to their limits: by the kernel where control groups can be had, and by the watch
with `limits.watch`. A sibling beside them notices nothing."""
import os
import signal
import unittest
from pathlib import Path

from harness import DaemonTest, until

LIMITS = {"memory_mib": 256, "pids": 32, "files": 64, "disk_mib": 16, "cpu_percent": 0}
WATCH_CPU_S = 62  # the rule: over for a minute


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class LimitsTest(DaemonTest):
    """What every machine has; the two classes below say how the rest is held."""

    settings = ""

    def setUp(self):
        self.host = self.daemon("test_greedy", "test_recorder", started=False)
        (self.host.folder / "longhaul.yaml").write_text(self.settings)
        self.host.start()

    def greedy(self, name, **limits):
        self.host.put_instance(name, "test-greedy", {"what": name}, limits={**LIMITS, **limits},
                               restart={"policy": "never"})
        self.host.wait_known(name)

    def limit(self, name, key):
        return next(each for each in self.host.instance(name)["limits"] if each["name"] == key)

    def note(self, name, file, seconds=60):
        path = self.host.state / "data" / name / file
        return until(lambda: path.exists() and path.read_text(), f"{name} has written {file}", seconds)

    def end_of(self, name, seconds=60):
        """How its first worker ended."""
        return until(lambda: self.host.instance(name).get("lastEnd"), f"{name} has ended", seconds)

    def has_groups(self):
        return self.limit("steady", "pids")["heldBy"].startswith("cgroup")

    def take_everything(self):
        host = self.host
        host.run_instance("steady", "test-recorder")
        steady = host.worker_pid("steady")
        for name in ("files", "disk", "file", "calls", "lines", "memory", "threads"):
            self.greedy(name, **{"calls": {"calls_per_second": 50}, "lines": {"log_lines_per_second": 20}}.get(name, {}))

        with self.subTest("files"):
            self.assertLess(int(self.note("files", "files")), 64)
            files = self.limit("files", "files")
            self.assertEqual((files["most"], files["heldBy"]), (64, "rlimit"))
            self.assertGreater(files["used"], 55)
        with self.subTest("one large file"):
            end = self.end_of("file")
            self.assertEqual(end["exitClass"], "limit", end)
            self.assertIn("disk_mib: a file over 16 MiB", end["text"])
        with self.subTest("disk"):
            end = self.end_of("disk", 90)
            self.assertEqual(end["exitClass"], "limit", end)
            self.assertRegex(end["text"], r"disk_mib: \d+ MiB, at most 16 MiB")
            instance = host.wait("disk", "stopped")
            self.assertEqual(instance["state"], "held")
            self.assertIn("make room", instance["reason"])
            starts = instance["restartsCount"]
            for path in (host.state / "data" / "disk" / "deep").iterdir():
                path.unlink()
            until(lambda: host.instance("disk")["restartsCount"] > starts, "it is started again once there is room")
        with self.subTest("calls"):
            self.assertGreaterEqual(int(self.note("calls", "calls")), 100)  # the burst
            self.assertIn("calls_per_second: more than 50", self.note("calls", "busy"))
            calls = self.limit("calls", "calls_per_second")
            self.assertEqual((calls["most"], calls["heldBy"]), (50, "host"))
            self.assertGreaterEqual(calls["refusedCount"], 5)
        with self.subTest("log lines"):
            self.note("lines", "lines")
            until(lambda: host.instance("lines")["logDroppedCount"] > 900, "lines are dropped and counted")
            until(lambda: "limits.log_lines_per_second" in host.cli("logs", "lines"), "the log tells of it")
        self.memory_and_threads()
        self.assertEqual(host.worker_pid("steady"), steady)
        self.assertEqual(host.instance("steady")["restartsCount"], 0)
        wide = host.cli("status", "files", "-o", "wide")
        self.assertIn("of 64, held by rlimit", wide)

    def memory_and_threads(self):
        raise NotImplementedError

    def take_unnamed_files(self):
        if os.geteuid() != 0:
            self.skipTest("an ordinary user's daemon cannot look into workers: files without a name are not counted")
        self.greedy("unnamed", disk_mib=8)
        end = self.end_of("unnamed", 90)
        self.assertEqual(end["exitClass"], "limit", end)
        self.assertRegex(end["text"], r"disk_mib: \d+ MiB, at most 8 MiB")


class KernelTest(LimitsTest):
    def setUp(self):
        super().setUp()
        self.host.run_instance("steady", "test-recorder")
        if not self.has_groups():
            reason = next(each.get("reason") for each in self.host.api("GET", "/version")["limits"])
            self.skipTest(f"no control group can be had here: {reason}")

    def test_each_greed_is_held(self):
        self.take_everything()

    def test_files_without_a_name_count(self):
        self.take_unnamed_files()

    def memory_and_threads(self):
        with self.subTest("memory"):
            end = self.end_of("memory")
            self.assertEqual(end["exitClass"], "out-of-memory", end)
            self.assertIn("memory_mib: over 256 MiB", end["text"])
        with self.subTest("threads"):
            self.assertLess(int(self.note("threads", "threads")), 32)
            pids = self.limit("threads", "pids")
            self.assertEqual((pids["most"], pids["used"]), (32, 32))
            self.assertGreaterEqual(pids["refusedCount"], 1)
            self.assertIn("threads", self.host.instance("threads")["config"]["parameters"]["what"])

    def test_a_processor_hog_is_kept_waiting(self):
        self.greedy("processor", cpu_percent=20)
        until(lambda: self.limit("processor", "cpu_percent")["refusedCount"] > 1000, "it waits for its share")
        self.assertNotIn("lastEnd", self.host.instance("processor"))

    def test_nothing_leaves_its_group(self):
        host = self.host
        self.greedy("hide")
        hidden = int(self.note("hide", "hidden"))
        host.process.send_signal(signal.SIGKILL)
        host.process.wait()
        self.assertTrue(alive(hidden), "no parent-death signal and no name of ours")
        host.start()
        self.assertFalse(alive(hidden), "what a killed daemon left is ended at the next start")
        host.wait("hide")
        self.note("hide", "hidden")
        host.cli("disable", "hide")
        groups = (host.state / "cgroups").read_text().split()
        self.assertTrue(groups)
        host.stop()
        until(lambda: not any(Path(group).exists() for group in groups), "no group is left")


class WatchTest(LimitsTest):
    settings = "limits: {watch: true}\n"

    def test_each_greed_is_held(self):
        self.greedy("processor", cpu_percent=5)  # so little that it has more on a machine at its end, too
        self.take_everything()
        end = self.end_of("processor", 3 * WATCH_CPU_S)
        self.assertEqual(end["exitClass"], "limit", end)
        self.assertRegex(end["text"], r"cpu_percent: \d+ % of a processor, at most 5 %.*for 6\d")

    def test_files_without_a_name_count(self):
        self.take_unnamed_files()

    def memory_and_threads(self):
        for name, pattern in (("memory", r"memory_mib: \d+ MiB, at most 256 MiB, for at most [\d.]+ s \(watched\)"),
                              ("threads", r"pids: \d+, at most 32, for at most [\d.]+ s \(watched\)")):
            with self.subTest(name):
                self.assertEqual(self.limit("steady", f"{name}_mib" if name == "memory" else "pids")["heldBy"], "watch")
                end = self.end_of(name)
                self.assertEqual(end["exitClass"], "limit", end)
                self.assertRegex(end["text"], pattern)


del LimitsTest  # has no tests of its own

if __name__ == "__main__":
    unittest.main()
