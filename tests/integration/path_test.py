"""The whole path, once through: plugins of yesterday and today run, what they made is there and outlives the daemon."""
import os
import unittest
from pathlib import Path

import harness

ABI_PLUGINS = Path(os.environ.get("LONGHAUL_ABI_PLUGINS", harness.PLUGINS.parent / "abi-plugins"))
README = Path(__file__).resolve().parents[2] / "README.md"


class WholePath(harness.DaemonTest):
    def test_heartbeat_beats_on_over_a_restart_of_the_host(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("pulse", "heartbeat", {"intervalSeconds": 1, "incidentEvery": 1})
        harness.until(lambda: daemon.context("pulse").get("beats", 0) >= 2, "two beats")
        self.assertRegex(daemon.instance("pulse")["health"]["text"], r"beat \d+")
        daemon.stop()
        daemon.start()
        daemon.wait("pulse")
        harness.until(lambda: daemon.context("pulse").get("beats", 0) >= 4, "it counts on")
        daemon.cli("disable", "pulse")
        names = [row["name"] for row in daemon.incidents(instance="pulse")]
        self.assertEqual([f"Heartbeat {i + 1}" for i in range(len(names))], names)

    def test_the_plugins_of_frozen_minors_run(self):
        for file in sorted(ABI_PLUGINS.glob("abi-*.so")):
            with self.subTest(file.name):
                daemon = self.daemon(file)
                daemon.run_instance("old", file.stem.replace(".", "-"))
                # On its way it tries other texts.
                health = harness.until(lambda: (said := daemon.instance("old").get("health")) and
                                       said["text"].startswith(file.stem.replace("-", " ")) and said, "it says how it went")
                self.assertIn("all calls answered as promised", health["text"])
        self.assertTrue(list(ABI_PLUGINS.glob("abi-*.so")))

    def test_a_worker_that_is_killed_leaves_its_card(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("pulse", "heartbeat", {"intervalSeconds": 1})
        killed = daemon.worker_pid("pulse")
        os.kill(killed, 9)
        harness.until(lambda: daemon.worker_pid("pulse") not in (None, killed), "a new worker is there")
        daemon.wait("pulse")
        self.assertIn("SIGKILL", daemon.cli("deaths", "pulse"))
        self.assertEqual(0, daemon.cli("is-active", "pulse", code=None)[0])

    def test_the_instance_of_the_readme_is_a_good_one(self):
        daemon = self.daemon("syslog")
        block = README.read_text().split("```yaml\n")[1].split("```")[0]
        file = daemon.folder / "edge.yaml"
        file.write_text(block)
        self.assertIn("edge-syslog", daemon.cli("apply", "-f", file, "--dry-run"))

    def test_the_title_of_a_worker_names_its_instance(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("pulse", "heartbeat")
        words = Path(f"/proc/{daemon.worker_pid('pulse')}/cmdline").read_bytes()
        self.assertTrue(words.startswith(b"longhaul-worker: LongRunning pulse\0"), words)


if __name__ == "__main__":
    unittest.main()
