"""The daemon's settings and the instances folder, as an operator changes them under a daemon that runs."""
import json
import signal
import unittest

from harness import DaemonTest, until

PLUGIN = "test-unruly"


class ConfigTest(DaemonTest):
    def log(self, daemon):
        return daemon.log_path.read_text()

    def hang_up(self, daemon):
        daemon.process.send_signal(signal.SIGHUP)

    def flags(self, daemon):
        return ["--config", daemon.folder / "longhaul.yaml", "--instances-dir", daemon.instances,
                "--plugin-dir", daemon.plugins]

    def test_sighup_reads_the_settings_again_says_what_changed_and_prints_the_plan(self):
        daemon = self.daemon("test_unruly")
        (daemon.folder / "conf.d").mkdir()
        (daemon.folder / "conf.d" / "10.yaml").write_text("log_level: debug\nlog: {files: 7}\n")
        daemon.put_instance("edge", PLUGIN, {"mode": "wait"})
        daemon.wait_known("edge")
        self.hang_up(daemon)
        until(lambda: "log_level: \"info\" → \"debug\"" in self.log(daemon), "the level is told")
        until(lambda: "log.files: the number 4 → the number 7" in self.log(daemon), "the number of files is told")
        self.assertIn("it takes effect when the daemon is started anew", self.log(daemon))
        until(lambda: "1 unchanged" in self.log(daemon), "the plan is printed")

        (daemon.folder / "conf.d" / "10.yaml").write_text("log: {fils: 7}\n")
        self.hang_up(daemon)
        until(lambda: "10.yaml:1:7: the key \"fils\" is not known" in self.log(daemon), "the fault is told")
        self.assertIn("the settings stay as they are", self.log(daemon))
        self.assertEqual("running", daemon.wait("edge")["state"])

    def test_more_than_half_of_all_is_orphaned_by_a_yes_alone(self):
        daemon = self.daemon("test_unruly")
        for name in ("a", "b", "c"):
            daemon.run_instance(name, PLUGIN, {"mode": "wait"})
        for name in ("a", "b"):
            (daemon.instances / f"{name}.yaml").unlink()
        until(lambda: "2 of 3 instances would be disabled" in self.log(daemon), "the watcher refuses it")
        self.assertEqual(["running"] * 3, [daemon.instance(name)["state"] for name in "abc"])
        code, out, err = daemon.cli("reload", "--dry-run", "-o", "json", code=None)
        self.assertEqual((1, True), (code, json.loads(out)["plan"]["needsYes"]))
        self.assertIn("nothing of it would be done without --yes", err)
        code, _, err = daemon.cli("reload", code=None)
        self.assertEqual(1, code)
        self.assertIn("--yes", err)
        daemon.cli("reload", "--yes")
        self.assertEqual(["orphaned", "orphaned", "running"], [daemon.instance(name)["state"] for name in "abc"])
        daemon.put_instance("a", PLUGIN, {"mode": "wait"})
        daemon.wait_known("a")
        until(lambda: daemon.instance("a")["state"] == "running", "its file brought it back")

    def test_a_dry_run_prints_the_plan_and_changes_nothing(self):
        daemon = self.daemon("test_unruly")
        file = daemon.folder / "apply.yaml"
        file.write_text("instances:\n  - {name: edge, plugin: test-unruly, parameters: {mode: wait}}\n")
        said = daemon.cli("apply", "-f", file, "--dry-run")
        self.assertIn("create    edge (test-unruly)", said)
        self.assertEqual([], daemon.api("GET", "/instances")["instances"])
        daemon.cli("apply", "-f", file)
        pid = daemon.wait("edge")["current"]["pid"]
        file.write_text(file.read_text().replace("wait", "other"))
        self.assertIn('parameters.mode: "wait" → "other"', daemon.cli("apply", "-f", file, "--dry-run"))
        self.assertEqual(pid, daemon.worker_pid("edge"))

    def test_validate_and_show_say_without_a_daemon_what_the_daemon_says(self):
        daemon = self.daemon("test_unruly", started=False)
        daemon.put_instance("edge", PLUGIN, {"mode": "wait", "tokn": "x"})
        code, out, _ = daemon.cli("config", "validate", *self.flags(daemon), code=None)
        self.assertEqual(1, code)
        self.assertIn('test-unruly has no parameter "tokn"; did you mean "token"?', out)
        (daemon.folder / "longhaul.yaml").write_text("log:\n  files: 9\n")
        shown = json.loads(daemon.cli("config", "show", "--origin", "-o", "json", *self.flags(daemon)))
        self.assertEqual(9, shown["config"]["log"]["files"])
        self.assertTrue(shown["origins"]["log.files"].endswith("longhaul.yaml:2:3"))
        daemon.start()
        until(lambda: 'test-unruly has no parameter "tokn"; did you mean "token"?' in self.log(daemon), "the same fault")

        daemon.put_instance("edge", PLUGIN, {"mode": "wait"})
        self.assertEqual("", daemon.cli("config", "validate", *self.flags(daemon)))
        daemon.wait_known("edge")


if __name__ == "__main__":
    unittest.main()
