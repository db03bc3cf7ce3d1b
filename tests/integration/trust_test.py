"""Whose plugins are taken: by the real minisign and sha256sum, through the daemon, its log and its command line."""
import hashlib
import json
import os
import signal
import subprocess
import unittest

import harness

OLD, NEW = "test_unruly", "test_unruly_good"  # one plugin, 1.0.0 and 5.0.0
FILE, PLUGIN = "test_unruly.so", "test-unruly"


def built(name):
    return harness.PLUGINS / f"{name}.so"


class Trust(harness.DaemonTest):
    def signed_daemon(self):
        daemon = self.daemon(started=False)
        self.ours, self.other = self.key(daemon, "ours"), self.key(daemon, "other")
        self.trust(daemon, mode="signed", keys=[f"{daemon.folder}/ours.pub"])
        daemon.start()
        return daemon

    def key(self, daemon, name):
        """Makes a pair; its id."""
        subprocess.run(["minisign", "-G", "-W", "-p", f"{daemon.folder}/{name}.pub", "-s", f"{daemon.folder}/{name}.key"],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=harness.WAIT_S)
        return (daemon.folder / f"{name}.pub").read_text().split("\n")[0].rpartition(" ")[2].zfill(16)

    def trust(self, daemon, **settings):
        daemon.write(daemon.folder / "longhaul.yaml", json.dumps({"trust": settings}).encode())

    def sign(self, daemon, file, key="ours", comment="build 1173", *options):
        """minisign writes the signature where it belongs, as an operator has it."""
        subprocess.run(["minisign", "-S", *options, "-s", daemon.folder / f"{key}.key", "-m", file, "-t", comment],
                       stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=harness.WAIT_S)

    def row(self, daemon, name=FILE):
        rows = [row for row in daemon.api("GET", "/plugins")["plugins"] if os.path.basename(row["path"]) == name]
        return rows[-1] if rows else None

    def wait_row(self, daemon, state, *words, name=FILE):
        def found():
            row = self.row(daemon, name)
            return row and row["state"] == state and all(word in row.get("reason", "") for word in words) and row
        return harness.until(found, lambda: f"{name} is {state} with {words}: {self.row(daemon, name)}")

    def test_a_signature_makes_the_plugin_run_and_is_shown(self):
        daemon = self.signed_daemon()
        daemon.put_instance("edge", PLUGIN, {"mode": "serve"})
        daemon.drop(OLD)
        self.wait_row(daemon, "refused", "it has no signature", f"put {FILE}.minisig beside it")
        daemon.wait_known("edge")
        harness.until(lambda: daemon.instance("edge")["state"] == "held", "the instance is held")
        self.assertIn("it has no signature", daemon.cli("explain", FILE))
        self.assertEqual([], daemon.workers())

        # The signature alone is enough; both formats are taken.
        self.sign(daemon, daemon.plugins / FILE, "ours", "build \x1b[31m 1", "-l")
        row = self.wait_row(daemon, "active")
        self.assertEqual(self.ours, row["signature"]["keyId"])
        daemon.wait("edge")
        for shown in (daemon.cli("explain", FILE), daemon.cli("plugins", "-o", "wide")):
            self.assertIn(self.ours, shown)
            self.assertIn("build \\x1b[31m 1", shown)
            self.assertNotIn("\x1b[31m", shown)
        self.assertRegex(daemon.log_path.read_text(), f"plugin {PLUGIN} 1.0.0 is .*, signed by key {self.ours}")
        self.assertIn(f"signed by 1 key are taken: {self.ours}", daemon.cli("doctor", code=None)[1])
        events = daemon.api("GET", "/events/recent", kind="plugin")["events"]
        self.assertEqual([self.ours], [event["signedBy"] for event in events if event["state"] == "active"])

    def test_what_is_not_signed_by_us_never_runs(self):
        daemon = self.signed_daemon()
        good = built(OLD).read_bytes()
        beside = daemon.folder / "beside.so"
        beside.write_bytes(good)
        self.sign(daemon, beside, "other")
        daemon.write(daemon.plugins / f"{FILE}.minisig", beside.with_suffix(".so.minisig").read_bytes())
        daemon.drop(OLD)
        self.wait_row(daemon, "refused", f"signed by key {self.other}", f"trust.keys has {self.ours}")
        # Ours, but of other bytes.
        self.sign(daemon, beside)
        daemon.write(daemon.plugins / f"{FILE}.minisig", beside.with_suffix(".so.minisig").read_bytes())
        self.wait_row(daemon, "active")
        daemon.write(daemon.plugins / "evil.so", good[:-1] + b"x")
        daemon.write(daemon.plugins / "evil.so.minisig", beside.with_suffix(".so.minisig").read_bytes())
        self.wait_row(daemon, "refused", "its signature does not fit", name="evil.so")
        # A trusted comment that was written into it later.
        bent = beside.with_suffix(".so.minisig").read_text().replace("build 1173", "build 1174")
        daemon.write(daemon.plugins / "bent.so.minisig", bent.encode())
        daemon.write(daemon.plugins / "bent.so", good)
        self.wait_row(daemon, "refused", "its trusted comment is not what key", name="bent.so")
        staged = list((daemon.state / "plugins").glob("*.so"))
        self.assertEqual([hashlib.sha256(good).hexdigest()], [path.stem for path in staged])

    def test_a_key_that_goes_stops_nothing_and_takes_nothing_new(self):
        daemon = self.signed_daemon()
        daemon.drop(OLD)
        self.sign(daemon, daemon.plugins / FILE)
        self.wait_row(daemon, "active")
        worker = daemon.run_instance("edge", PLUGIN, {"mode": "serve"})["current"]
        self.trust(daemon, mode="signed", keys=[f"{daemon.folder}/other.pub"])
        daemon.process.send_signal(signal.SIGHUP)
        harness.until(lambda: "trust.keys: " in daemon.log_path.read_text(), "the settings are read")

        daemon.drop(NEW, "newer.so")
        self.sign(daemon, daemon.plugins / "newer.so")
        self.wait_row(daemon, "refused", f"signed by key {self.ours}", f"trust.keys has {self.other}", name="newer.so")
        self.assertEqual(worker["pid"], daemon.worker_pid("edge"))
        os.kill(worker["pid"], signal.SIGKILL)  # started again it still counts
        harness.until(lambda: daemon.wait("edge")["current"]["pid"] != worker["pid"], "it is started again")

        daemon.stop()
        daemon.start()
        staged = f"{worker['digest']}.so"
        self.wait_row(daemon, "refused", f"signed by key {self.ours}", name=staged)
        self.wait_row(daemon, "refused", f"signed by key {self.ours}")
        edge = daemon.instance("edge")
        self.assertEqual("held", edge["state"])
        self.assertIn(self.ours, daemon.cli("explain", "edge"))
        self.assertEqual([], daemon.workers())
        # Signed by who is trusted now, the same bytes run again.
        self.sign(daemon, daemon.plugins / FILE, "other")
        self.wait_row(daemon, "active")
        self.assertEqual(worker["digest"], daemon.wait("edge")["current"]["digest"])
        daemon.stop()
        daemon.start()
        self.assertEqual(self.other, self.wait_row(daemon, "active")["signature"]["keyId"])

    def test_pinned_takes_what_sha256sum_has_listed(self):
        daemon = self.daemon(started=False)
        listed = daemon.folder / "plugins.sha256"
        text = subprocess.run(["sha256sum", built(NEW)], capture_output=True, check=True, timeout=harness.WAIT_S).stdout
        listed.write_bytes(text)
        self.trust(daemon, mode="pinned", digests=[str(listed)])
        daemon.drop(OLD)
        daemon.start()
        self.wait_row(daemon, "refused", "is not among the 1 that trust.digests has")
        daemon.drop(NEW)
        self.wait_row(daemon, "active", name=f"{NEW}.so")
        # The list is read anew for each file, without a signal.
        daemon.write(listed, text + subprocess.run(["sha256sum", "-b", built(OLD)], capture_output=True, check=True,
                                                   timeout=harness.WAIT_S).stdout)
        daemon.cli("reload")
        self.wait_row(daemon, "shadowed")

    def test_a_daemon_with_faulty_trust_does_not_start(self):
        daemon = self.daemon(started=False)
        self.trust(daemon, mode="signed", keys=["/nonexistent.pub"])
        with self.assertRaises(AssertionError):
            daemon.start()
        self.assertIn("trust.keys: open /nonexistent.pub: No such file", daemon.log_path.read_text())
        _, out, err = daemon.cli("config", "validate", "--config", daemon.folder / "longhaul.yaml", code=None)
        self.assertIn("trust.keys: open /nonexistent.pub", out + err)


if __name__ == "__main__":
    unittest.main()
