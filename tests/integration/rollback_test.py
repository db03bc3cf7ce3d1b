"""A bad release takes itself back, over restarts and kills of the daemon; a good one goes through a canary first."""
import json
import os
import random
import re
import time
import unittest

import harness

KILLS = int(os.environ.get("LONGHAUL_SWAP_KILLS", "4"))
# How long a release may take to show that it is bad, and to be gone again. The longest: 3 failures, 5 s after READY each.
BAD_S = 90

# Fault, and whether it is found before any worker of it is started.
FAULTS = {"constructor": False, "create": False, "later": False, "hang": False, "never_ready": False, "missing_symbol": None,
          "newer_abi": False, "leak": False}


def releases(daemon, plugin):
    return daemon.api("GET", f"/plugins/{plugin}/releases")


def state_of(daemon, plugin, version):
    return next((row["state"] for row in releases(daemon, plugin)["releases"] if row["version"] == version), None)


def version_of(daemon, name):
    return daemon.instance(name).get("current", {}).get("version")


def settled(daemon, name, version):
    """It runs this version, and nothing is on its way."""
    row = daemon.instance(name)
    return row["state"] == "running" and row["current"]["version"] == version and "incoming" not in row and row


class BadReleases(harness.DaemonTest):
    def test_each_bad_build_takes_itself_back(self):
        daemon = self.daemon(*(f"test_release_{fault}_before" for fault in FAULTS), started=False)
        for fault in FAULTS:
            (daemon.plugins / f"test_release_{fault}_before.so").rename(daemon.plugins / f"{fault}.so")
            limits = {"limits": {"memory_mib": 256}} if fault == "leak" else {}
            daemon.put_instance(fault.replace("_", "-"), f"test-release-{fault.replace('_', '-')}", **limits)
        daemon.start()
        names = {fault: fault.replace("_", "-") for fault in FAULTS}
        before = {fault: daemon.wait(name)["current"]["digest"] for fault, name in names.items()}
        began = time.monotonic()
        for fault in FAULTS:
            daemon.drop(f"test_release_{fault}", f"{fault}.so")
        took = {}

        def is_over(fault):
            plugin = f"test-release-{names[fault]}"
            refused = any(row["state"] == "refused" and row["path"].endswith(f"/{fault}.so")
                          for row in daemon.api("GET", "/plugins")["plugins"])
            return (refused or state_of(daemon, plugin, "2.0.0") == "bad") and settled(daemon, names[fault], "1.0.0")

        def all_over():
            for fault in FAULTS:
                if fault not in took and is_over(fault):
                    took[fault] = time.monotonic() - began
            return len(took) == len(FAULTS)

        harness.until(all_over, "each old release serves again", BAD_S)
        print("\nback to the old release after the drop, in seconds:", {fault: round(s, 1) for fault, s in took.items()})
        for fault, name in names.items():
            with self.subTest(fault):
                self.assertEqual(before[fault], daemon.instance(name)["current"]["digest"])
                if state_of(daemon, f"test-release-{name}", "2.0.0") == "bad":  # its file counts, and does not run
                    told = json.loads(daemon.cli("explain", f"{fault}.so", "-o", "json"))
                    self.assertEqual("release-bad", told["code"], told)
                    self.assertIn("it is bad: ", told["reason"])
        # It stays so over a restart of the host, in which the bad files are found anew.
        daemon.stop()
        daemon.start()
        for fault, name in names.items():
            with self.subTest(fault + " after a restart"):
                self.assertEqual(before[fault], daemon.wait(name)["current"]["digest"])
                deaths = daemon.api("GET", f"/instances/{name}/deaths")["deaths"]
                self.assertEqual("host-stop", deaths[0]["exitClass"] if "exitClass" in deaths[0] else deaths[0]["card"]["class"])


class Canary(harness.DaemonTest):
    def pids(self, daemon):
        return {name: daemon.worker_pid(name) for name in "abc"}

    def start_three(self):
        daemon = self.daemon(started=False)
        daemon.drop("test_release_1", "release.so")
        for name in "abc":
            daemon.put_instance(name, "test-release-good")
        daemon.start()
        for name in "abc":
            harness.until(lambda: settled(daemon, name, "1.0.0"), f"{name} runs")
        return daemon

    def test_a_bad_release_runs_in_one_instance_alone(self):
        daemon = self.start_three()
        before = self.pids(daemon)
        daemon.drop("test_release_6", "release.so")
        harness.until(lambda: version_of(daemon, "a") == "6.0.0", "the canary runs it")
        harness.until(lambda: state_of(daemon, "test-release-good", "6.0.0") == "bad", "it is bad", BAD_S)
        harness.until(lambda: settled(daemon, "a", "1.0.0"), "the canary is back")
        after = self.pids(daemon)
        self.assertEqual((before["b"], before["c"]), (after["b"], after["c"]), "the others were left alone")
        history = daemon.cli("plugin", "history", "test-release-good")
        self.assertRegex(history, r"6\.0\.0 +bad +yes +0 ")
        self.assertIn("3 failures in 1 min", history)
        self.assertIn("is bad", daemon.cli("explain", "b"))
        audit = daemon.api("GET", "/audit", target="test-release-good")["acts"]
        self.assertEqual(["plugins.bad", "plugins.canary"], [row["act"] for row in audit])
        # An operator who knows better.
        digest = next(row["digest"] for row in releases(daemon, "test-release-good")["releases"] if row["version"] == "6.0.0")
        code, _, error = daemon.cli("plugin", "allow", "test-release-good", digest[:4], code=None)
        self.assertNotEqual(0, code)
        self.assertIn("at least its first 6 digits", error)
        daemon.cli("plugin", "allow", "test-release-good", digest[:8])
        harness.until(lambda: version_of(daemon, "a") == "6.0.0", "the canary tries it again")

    def test_a_good_one_is_taken_up_by_all_and_can_be_rolled_back(self):
        daemon = self.start_three()
        before = self.pids(daemon)
        daemon.drop("test_release_2", "release.so")
        harness.until(lambda: settled(daemon, "a", "2.0.0"), "the canary runs it")
        self.assertEqual(("1.0.0", "1.0.0"), (version_of(daemon, "b"), version_of(daemon, "c")))
        self.assertEqual("canary", state_of(daemon, "test-release-good", "2.0.0"))
        self.assertIn("tried in another instance first", daemon.cli("explain", "b"))
        harness.until(lambda: all(settled(daemon, name, "2.0.0") for name in "abc"), "all run it", 60)
        self.assertEqual("rolling", state_of(daemon, "test-release-good", "2.0.0"))
        self.assertFalse(set(before.values()) & set(self.pids(daemon).values()))
        daemon.cli("plugin", "rollback", "test-release-good")
        harness.until(lambda: all(settled(daemon, name, "1.0.0") for name in "abc"), "all are back")
        self.assertEqual("bad", state_of(daemon, "test-release-good", "2.0.0"))
        self.assertEqual("stable", state_of(daemon, "test-release-good", "1.0.0"))
        audit = daemon.api("GET", "/audit", target="test-release-good")["acts"]
        self.assertIn("plugins.rollback", [row["act"] for row in audit])
        daemon.stop()
        daemon.start()
        self.assertEqual("1.0.0", daemon.wait("a")["current"]["version"])

    def test_three_digests_are_kept_and_a_downgrade_is_noted(self):
        daemon = self.daemon(started=False)
        daemon.drop("test_release_1", "release.so")
        daemon.put_instance("a", "test-release-good")
        daemon.start()
        harness.until(lambda: settled(daemon, "a", "1.0.0"), "it runs")
        for number in (2, 3, 4, 5):
            daemon.drop(f"test_release_{number}", "release.so")
            harness.until(lambda: settled(daemon, "a", f"{number}.0.0"), "it runs")
        # A moment after its swap: collecting is the last of it.
        harness.until(lambda: len(list((daemon.state / "plugins").glob("*.so"))) == 3, "three digests are kept")
        rows = releases(daemon, "test-release-good")["releases"]
        self.assertEqual(["5.0.0", "4.0.0", "3.0.0", "2.0.0", "1.0.0"], [row["version"] for row in rows])
        self.assertEqual({"5.0.0", "4.0.0", "1.0.0"}, {row["version"] for row in rows if row["staged"]})
        daemon.drop("test_release_3", "release.so")
        harness.until(lambda: settled(daemon, "a", "3.0.0"), "the older one runs")
        acts = [row["act"] for row in daemon.api("GET", "/audit", target="test-release-good")["acts"]]
        self.assertIn("plugins.downgrade", acts)

    def test_a_removed_plugin_runs_on_until_it_is_removed(self):
        daemon = self.start_three()
        (daemon.plugins / "release.so").unlink()
        harness.until(lambda: daemon.api("GET", "/plugins")["plugins"][0]["state"] == "removed", "it is gone")
        self.assertEqual("running", daemon.instance("a")["state"])
        code, _, error = daemon.cli("plugin", "remove", "test-release-good", code=None)
        self.assertNotEqual(0, code)
        self.assertIn("3 instances would be disabled (a, b, c)", error)
        self.assertEqual("running", daemon.instance("a")["state"])
        out = daemon.cli("plugin", "remove", "test-release-good", "--yes")
        self.assertIn("disabled: a, b, c", out)
        self.assertEqual([], daemon.workers())
        self.assertEqual([], list((daemon.state / "plugins").glob("*.so")))
        self.assertEqual(404, daemon.request("GET", "/api/v1/plugins/test-release-good/releases").status)
        self.assertEqual("disabled", daemon.instance("a")["state"])


class KilledInASwap(harness.DaemonTest):
    """The daemon is killed as soon as its log says that a step of a swap was taken; after its restart exactly one digest is
    current, and it is a good one."""
    STEPS = {
        "found": r"plugin test-release-\S+ \d\.0\.0 is ",
        "decided": r"is tried in",
        "incoming": r"a: running: .*(a new target|the next target)",
        "loaded": r"its next worker is loaded",
        "old-ended": r"its next worker waits for its generation",
        "started": r"its worker is started",
    }
    GOOD_STEPS = {**STEPS, "ready": r"a: running: its worker is ready"}
    BAD_STEPS = {**STEPS, "ended": r"a: worker \d+ ended: signal", "going-back": r"back to what ran last", "bad": r"is bad and taken back"}

    def log_of(self, daemon, offset):
        with open(daemon.log_path, "rb") as log:
            log.seek(offset)
            return log.read().decode(errors="replace")

    def killed_at(self, daemon, pattern, release):
        """Drops the release and kills the daemon when its log has the line."""
        offset = daemon.log_path.stat().st_size
        daemon.drop(release, "release.so")
        deadline = time.monotonic() + BAD_S
        while not re.search(pattern, self.log_of(daemon, offset)):
            if time.monotonic() > deadline:
                raise AssertionError(f"the log never said {pattern}: {self.log_of(daemon, offset)}")
        daemon.kill()
        daemon.start()

    def one_worker(self, daemon, versions):
        harness.until(lambda: (row := daemon.instance("a"))["state"] == "running" and "incoming" not in row, "it runs", BAD_S)
        row = daemon.instance("a")
        self.assertIn(row["current"]["version"], versions)
        self.assertEqual([row["current"]["pid"]], daemon.workers())
        return row["current"]["version"]

    def fresh(self, release="test_release_1", plugin="test-release-good"):
        daemon = self.daemon(started=False)
        daemon.drop(release, "release.so")
        daemon.put_instance("a", plugin)
        daemon.start()
        harness.until(lambda: settled(daemon, "a", "1.0.0"), "it runs")
        return daemon

    def test_at_each_named_step_of_a_good_release(self):
        daemon = self.fresh()
        number = 1
        for step, pattern in self.GOOD_STEPS.items():
            with self.subTest(step):
                number = number % 5 + 1
                self.killed_at(daemon, pattern, f"test_release_{number}")
                harness.until(lambda: self.one_worker(daemon, {f"{each}.0.0" for each in range(1, 6)}) == f"{number}.0.0",
                              "the new one runs in the end")

    def test_at_each_named_step_of_a_bad_release(self):
        for step, pattern in self.BAD_STEPS.items():
            with self.subTest(step):
                daemon = self.fresh("test_release_create_before", "test-release-create")
                self.killed_at(daemon, pattern, "test_release_create")
                harness.until(lambda: state_of(daemon, "test-release-create", "2.0.0") == "bad", "it is bad", BAD_S)
                harness.until(lambda: settled(daemon, "a", "1.0.0"), "the good one serves")
                self.one_worker(daemon, {"1.0.0"})
                daemon.end()

    def test_at_any_moment(self):
        daemon = self.fresh()
        seed = int(os.environ.get("LONGHAUL_SEED", "5"))
        dice = random.Random(seed)
        number = 1
        for kill in range(KILLS):
            number = number % 5 + 1
            with self.subTest(seed=seed, kill=kill):
                daemon.drop(f"test_release_{number}", "release.so")
                moment = time.monotonic() + dice.uniform(0, 1.5)
                while time.monotonic() < moment:  # a random moment is what this is about
                    daemon.is_ready()
                daemon.kill()
                daemon.start()
                harness.until(lambda: self.one_worker(daemon, {f"{each}.0.0" for each in range(1, 6)}) == f"{number}.0.0",
                              "the new one runs in the end")


if __name__ == "__main__":
    unittest.main()
