"""A newer syslog.so dropped under load: the instance is swapped, no connection is refused, the context is kept."""
import unittest

import harness


class Swap(harness.DaemonTest):
    def test_a_new_file_takes_over_under_load(self):
        daemon = self.daemon("syslog", "heartbeat")
        daemon.run_instance("edge", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        daemon.run_instance("pulse", "heartbeat", {"intervalSeconds": 1})
        daemon.api("PATCH", "/instances/edge/context", {"changes": {"kept": 17}})
        address, pulse = daemon.address("edge"), daemon.worker_pid("pulse")
        old = daemon.instance("edge")["current"]

        with harness.SteadyLogger(address[1]) as steady:
            steady.wait_for_more(20)
            daemon.drop("test_syslog_newer", "syslog.so")
            new = harness.until(
                lambda: (worker := daemon.wait("edge")["current"])["version"] == "99.0.0" and worker, "the new version runs")
            steady.wait_for_more(20)
        self.assertEqual([], steady.refused)
        self.assertNotEqual(old["digest"], new["digest"])
        self.assertGreater(new["generation"], old["generation"])
        self.assertEqual(address, daemon.address("edge"))

        context = daemon.context("edge")
        self.assertEqual(17, context["kept"])
        # A line can be lost where its connection was accepted and the line not yet sent when the old worker was asked to
        # stop; each sender has one connection at a time.
        harness.until(lambda: daemon.context("edge")["counters"]["received"] >= len(steady.sent) - 2, "the lines are counted")
        arrived = harness.texts_of(daemon.incidents(instance="edge"), r"steady \d+/\d+")
        self.assertEqual(len(arrived), len(set(arrived)))
        self.assertGreaterEqual(len(arrived), len(steady.sent) - 2)
        edge = daemon.instance("edge")
        self.assertEqual([], daemon.api("GET", "/instances/edge/deaths")["deaths"][1:], "a swap is one ordinary end at most")
        self.assertNotIn("refused", edge)
        self.assertEqual(pulse, daemon.worker_pid("pulse"))

    def test_a_broken_file_leaves_the_old_one_running(self):
        daemon = self.daemon("syslog")
        daemon.run_instance("edge", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        worker = daemon.worker_pid("edge")
        whole = (harness.PLUGINS / "test_syslog_newer.so").read_bytes()
        daemon.write(daemon.plugins / "syslog.so", whole[: len(whole) // 2])
        harness.until(lambda: any(row["state"] == "refused" for row in daemon.api("GET", "/plugins")["plugins"]), "it is refused")
        self.assertEqual(worker, daemon.worker_pid("edge"))
        # Whole, it is taken.
        daemon.drop("test_syslog_newer", "syslog.so")
        harness.until(lambda: daemon.wait("edge")["current"]["version"] == "99.0.0", "the new version runs")


if __name__ == "__main__":
    unittest.main()
