"""kill -9 of a worker under a steady stream of connections: the same listener serves on, and nobody else notices."""
import os
import signal
import unittest

import harness


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


if __name__ == "__main__":
    unittest.main()
