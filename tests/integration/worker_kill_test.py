"""kill -9 of workers: under a steady stream of connections the same listener serves on and nobody else notices; and of
random ones, at random moments, while they write: nothing acknowledged is lost, nothing is done twice, the daemon is back
where it was.

    LONGHAUL_KILLS  how many of the random kills (300)
    LONGHAUL_SEED   what decides whom and when; printed when it fails
"""
import os
import random
import signal
import unittest

import harness
from daemon_kill_test import faults_of, given_in


class WorkerKill(harness.DaemonTest):
    def test_no_connection_is_refused_and_siblings_are_untouched(self):
        daemon = self.daemon("syslog", "heartbeat")
        daemon.run_instance("edge", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        daemon.run_instance("sibling", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        daemon.run_instance("pulse", "heartbeat", {"intervalSeconds": 1})
        address = daemon.address("edge")
        siblings = {name: daemon.worker_pid(name) for name in ("sibling", "pulse")}

        with harness.SteadyLogger(address[1]) as steady:
            steady.wait_for_more(10)
            for _ in range(3):
                killed = daemon.worker_pid("edge")
                os.kill(killed, signal.SIGKILL)
                harness.until(lambda: daemon.worker_pid("edge") not in (None, killed), "a new worker is there")
                daemon.wait("edge")
                steady.wait_for_more(20)
        self.assertEqual([], steady.refused)

        # What was sent behind the last restart is there, through the same listener.
        self.assertEqual(address, daemon.address("edge"))
        self.assertEqual(0, harness.logger(address[1], ["<11>the last line"]).returncode)
        incidents = harness.until(
            lambda: [row for row in daemon.incidents(instance="edge") if "the last line" in row["name"]], "the last line")
        self.assertEqual(1, len(incidents))

        # A kill loses at most what had been accepted and not yet stored; a killed worker's batch is never half there.
        arrived = harness.texts_of(daemon.incidents(instance="edge"), r"steady \d+/\d+")
        self.assertEqual(len(arrived), len(set(arrived)), "a line became two incidents")
        self.assertLessEqual(set(arrived), set(steady.sent))
        self.assertGreater(len(arrived), len(steady.sent) // 2)

        edge = daemon.instance("edge")
        self.assertEqual(3, edge["restartsCount"])
        deaths = daemon.api("GET", "/instances/edge/deaths")["deaths"]
        self.assertEqual(["signal"] * 3, [death["exitClass"] for death in deaths])
        for name, pid in siblings.items():
            instance = daemon.instance(name)
            self.assertEqual((pid, 0), (instance["current"]["pid"], instance["restartsCount"]), name)


KILLS = int(os.environ.get("LONGHAUL_KILLS", "300"))
SEED = int(os.environ.get("LONGHAUL_SEED", random.randrange(1 << 32)))
RECORDERS, THREADS, BATCH = 6, 2, 3
# Pages of SQLite's cache (16 MiB) that were not yet in use at the start, log buffers (2 MiB), and what the allocator
# keeps; the sanitizer's quarantine is made small below. A leak of one crash card (8 KiB) a kill would show at 10,000.
RSS_TOLERANCE_BYTES = 48 << 20
# Ends count for no crash-loop: what is tested is not how often a plugin may fail.
RESTART = {"first_delay": "10ms", "delay_max": "10ms", "window": "1s", "crash_loop_count": 1000, "quarantine_count": 1000}


class RandomKills(harness.DaemonTest):
    def size_of_given(self, name):
        return sum(path.stat().st_size for path in (self.host.state / "data" / name).glob("given-*.txt"))

    def test_nothing_acknowledged_is_lost_and_nothing_is_done_twice(self):
        self.host = daemon = self.daemon("test_recorder", "heartbeat", started=False)
        daemon.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":quarantine_size_mb=1"
        daemon.start()
        names = [f"recorder-{i}" for i in range(RECORDERS)]
        parameters = {"threads": THREADS, "batch": BATCH, "pauseMs": 10}
        for name in names:
            daemon.run_instance(name, "test-recorder", parameters, restart=RESTART)
        daemon.run_instance("pulse", "heartbeat", {"intervalSeconds": 1})
        pulse = daemon.worker_pid("pulse")
        for name in names:
            harness.until(lambda: self.size_of_given(name) > 2000, f"{name} makes incidents")
        before = harness.Footprint(daemon.pid)

        draw, killed = random.Random(SEED), {}
        for kill in range(KILLS):
            name = draw.choice(names)
            pid = harness.until(lambda: (now := daemon.worker_pid(name)) != killed.get(name) and now, f"{name} has a worker")
            if draw.random() < 0.5:  # else while it starts, or in whatever it does
                size = self.size_of_given(name)
                harness.until(lambda: self.size_of_given(name) > size + draw.randrange(200), f"{name} goes on ({kill}, {SEED})")
            os.kill(pid, signal.SIGKILL)
            killed[name] = pid

        for name in names:
            harness.until(lambda: daemon.worker_pid(name) not in (None, killed.get(name)), f"{name} has a worker")
            daemon.wait(name)
        harness.until(lambda: not harness.Footprint(daemon.pid).beyond(before, RSS_TOLERANCE_BYTES),
                      lambda: f"back to the start: {harness.Footprint(daemon.pid).beyond(before, RSS_TOLERANCE_BYTES)}")
        restarts = sum(daemon.instance(name)["restartsCount"] for name in names)
        self.assertEqual(KILLS, restarts, SEED)
        self.assertEqual((pulse, 0), (daemon.worker_pid("pulse"), daemon.instance("pulse")["restartsCount"]))
        classes = {death["exitClass"] for name in names for death in daemon.api("GET", f"/instances/{name}/deaths")["deaths"]}
        self.assertEqual({"signal"}, classes)

        daemon.cli("disable", *names)
        for name in names:
            given = given_in(daemon.state / "data" / name, THREADS)
            stored = [(row["id"], row["name"]) for row in daemon.incidents(instance=name)]
            self.assertEqual([], faults_of(given, stored)[:5], f"{name}, seed {SEED}")
            context = daemon.context(name)
            for thread in range(THREADS):
                numbers = [int(row.split("/")[1]) for _, row in stored if row.startswith(f"{thread}/")]
                self.assertEqual(list(range(len(numbers))), sorted(numbers), f"{name}, thread {thread}, seed {SEED}")
                # One transaction: the context names the last batch that is there, never one that is not.
                self.assertEqual(len(numbers) - BATCH, context[str(thread)], f"{name}, thread {thread}, seed {SEED}")


if __name__ == "__main__":
    unittest.main()
