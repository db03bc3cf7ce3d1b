"""Twenty thousand lines by logger over TCP: exactly as many incidents as lines that match."""
import threading
import unittest

import harness

LINES = 20000
SENDERS = 4
ERR_AND_WORSE = 3  # the default minSeverity


class Burst(harness.DaemonTest):
    def test_each_matching_line_becomes_one_incident_and_no_other(self):
        daemon = self.daemon("syslog")
        daemon.run_instance("edge", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        port = daemon.address("edge")[1]

        # Severities 0 to 7 of facility user in turn; each sender has a form of its own.
        lines = [f"<{8 + i % 8}>burst line {i:05}" for i in range(LINES)]
        wanted = sorted(f"line {i:05}" for i in range(LINES) if i % 8 <= ERR_AND_WORSE)
        forms = [(), ("--octet-count",), ("--rfc3164",), ("--rfc3164", "--octet-count")]
        results = [None] * SENDERS

        def send(sender):
            results[sender] = harness.logger(port, lines[sender::SENDERS], *forms[sender])

        threads = [threading.Thread(target=send, args=(sender,)) for sender in range(SENDERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for result in results:
            self.assertEqual((0, ""), (result.returncode, result.stderr))

        # The counters are written in the transaction of the incidents: all lines counted is all incidents there.
        harness.until(lambda: daemon.context("edge").get("counters", {}).get("received", 0) >= LINES, "all lines are counted", 180)
        counters = daemon.context("edge")["counters"]
        self.assertEqual((LINES, len(wanted), 0, 0), tuple(counters[key] for key in ("received", "incidents", "refused", "malformed")))
        self.assertEqual(wanted, sorted(harness.texts_of(daemon.incidents(instance="edge"), r"line \d{5}")))

    def test_a_restart_right_after_a_burst_loses_none_of_it(self):
        daemon = self.daemon("syslog")
        daemon.run_instance("edge", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        port = daemon.address("edge")[1]
        result = harness.logger(port, [f"<11>burst line {i:05}" for i in range(LINES)])
        self.assertEqual((0, ""), (result.returncode, result.stderr))
        # logger has ended: as far as it knows everything is delivered.
        daemon.cli("restart", "edge")
        harness.until(lambda: daemon.context("edge").get("counters", {}).get("received", 0) >= LINES, "all lines are counted", 60)
        wanted = [f"line {i:05}" for i in range(LINES)]
        self.assertEqual(wanted, sorted(harness.texts_of(daemon.incidents(instance="edge"), r"line \d{5}")))


if __name__ == "__main__":
    unittest.main()
