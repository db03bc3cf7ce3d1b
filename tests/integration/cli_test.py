"""The command line against a real daemon: what scripts rely on (exit codes, formats, waits), and what people read."""
import json
import os
import signal
import subprocess
import threading
import unittest

from harness import BIN, DaemonTest, WAIT_S, free_port, logger, until

INSTANCE = """instances:
  - name: {name}
    plugin: {plugin}
"""


class CliTest(DaemonTest):
    def test_looks_and_formats(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        self.assertIn("running", daemon.cli("ps"))
        self.assertEqual("beat\n", daemon.cli("ps", "-o", "name"))
        self.assertEqual("running", json.loads(daemon.cli("ps", "-o", "json"))[0]["state"])
        self.assertEqual("beat", json.loads(daemon.cli("status", "beat", "-o", "json"))["name"])
        self.assertIn("pid", daemon.cli("status", "beat"))
        self.assertIn("config:", daemon.cli("status", "beat", "-o", "yaml"))
        self.assertEqual("running\n", daemon.cli("is-active", "beat"))
        self.assertIn("running", daemon.cli("explain", "beat"))
        self.assertIn("quarantine", daemon.cli("policy", "beat"))
        self.assertIn("active", daemon.cli("plugins"))
        self.assertEqual(daemon.pid, json.loads(daemon.cli("version", "-o", "json"))["daemon"]["pid"])
        self.assertIn("serverApi", daemon.cli("inspect", daemon.plugins / "heartbeat.so"))

    def test_acts_wait_for_their_effect(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat-1", "heartbeat")
        daemon.run_instance("beat-2", "heartbeat")
        before = daemon.worker_pid("beat-1")
        self.assertIn("beat-1 is running", daemon.cli("restart", "beat-*"))
        self.assertNotEqual(before, daemon.worker_pid("beat-1"))
        self.assertEqual("beat-1 is disabled\nbeat-2 is disabled\n", daemon.cli("disable", "--all"))
        self.assertEqual([], daemon.workers())
        daemon.cli("is-active", "beat-1", code=3)
        daemon.cli("restart", "beat-1", code=1)
        self.assertIn("beat-1 is running", daemon.cli("enable", "beat-1"))
        daemon.cli("is-active", "beat-1")

    def test_apply_remove_and_what_they_refuse(self):
        daemon = self.daemon("heartbeat")
        file = daemon.folder / "mine.yaml"
        file.write_text(INSTANCE.format(name="mine", plugin="heartbeat"))
        self.assertIn("approves serverApi: createIncidents", daemon.cli("apply", "-f", file, "--dry-run"))
        self.assertEqual("[]\n", daemon.cli("ps", "-o", "json"))
        self.assertIn("mine is running", daemon.cli("apply", "-f", file))
        code, out, err = daemon.cli("remove", "mine", code=None)
        self.assertEqual((1, ""), (code, out))
        self.assertIn("--yes", err)
        self.assertIn("mine is removed", daemon.cli("remove", "mine", "--yes"))
        self.assertEqual([], daemon.workers())
        file.write_text("instances:\n  - name: mine\n    plugin: heartbeat\n    parameters: {nonsense: 1}\n")
        code, out, err = daemon.cli("apply", "-f", file, code=None)
        self.assertEqual(1, code)
        self.assertIn("mine.yaml:4:", out)
        self.assertTrue(err.startswith("error: "), err)

    def test_wrong_words_get_the_nearest_and_a_code(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        for words, wanted, hint in ((["statsu", "beat"], 2, "longhaul status"), (["status", "baet"], 4, "beat"),
                                    (["logs", "beat", "--folow"], 2, "--follow"), (["incidents", "99"], 4, ""),
                                    (["explain", "baet"], 4, "beat"), (["policy", "baet"], 4, "beat")):
            code, out, err = daemon.cli(*words, code=None)
            self.assertEqual((wanted, ""), (code, out), words)
            self.assertIn(hint, err)
        daemon.stop()
        code, out, err = daemon.cli("ps", code=None)
        self.assertEqual((5, ""), (code, out))
        self.assertIn(str(daemon.socket), err)
        self.assertIn("longhauld", err)

    def test_words_from_outside_make_no_lines_of_their_own(self):
        forged = "x\nerror: the disk burns"
        for program, words in (("longhaul", ["status", forged]), ("longhaul", [forged]), ("longhauld", ["--" + forged]),
                               ("longhauld", [forged]), ("longhauld", ["--config", "/nonexistent/" + forged])):
            done = subprocess.run([BIN / program, *words], capture_output=True, text=True, check=False, timeout=WAIT_S,
                                  env={**os.environ, "LONGHAUL_ADDRESS": "unix:/nonexistent/longhaul.sock"})
            self.assertNotEqual(0, done.returncode)
            self.assertIn("error: " if program == "longhaul" else "longhauld: ", done.stderr)
            lines = [line for line in done.stderr.splitlines() if line.startswith("error: the disk")]
            self.assertEqual([], lines, done.stderr)

    def test_incidents_entries_and_context(self):
        daemon = self.daemon("heartbeat", "syslog")
        port = free_port()
        daemon.run_instance("edge", "syslog", {"listen": f"127.0.0.1:{port}", "protocol": "tcp"})
        logger(port, [f"<35>door {number}" for number in range(5)])
        until(lambda: len(daemon.incidents()) == 5, "5 incidents")
        self.assertEqual(5, len(daemon.cli("incidents", "--instance", "edge", "-o", "name").split()))
        code, out, err = daemon.cli("incidents", "-n", "2", "-o", "name", code=None)
        self.assertEqual(2, len(out.split()))
        cursor = err.split("--cursor ")[1].split()[0]
        rest = daemon.cli("incidents", "--cursor", cursor, "--all", "-o", "name")
        self.assertEqual(5, len(set(out.split()) | set(rest.split())))
        identity = daemon.cli("incident", "create", "by hand", "--severity", "high", "-o", "name").strip()
        self.assertIn("is added", daemon.cli("entry", "add", identity, "what", "I", "saw"))
        self.assertIn("    what I saw\n", daemon.cli("entries", identity))
        self.assertEqual(f"{identity} is closed\n", daemon.cli("incident", "close", identity))
        self.assertIn("closed", daemon.cli("incidents", identity))
        daemon.run_instance("beat", "heartbeat")
        daemon.cli("disable", "beat")
        daemon.cli("context", "set", "beat", "id=12345678901234567890123", "host=edge")
        daemon.cli("context", "patch", "beat", "n=1", "--unset", "host")
        self.assertEqual('{"id":12345678901234567890123,"n":1}\n', daemon.cli("context", "get", "beat", "-o", "json"))
        daemon.cli("context", "get", "beat", "host", code=4)

    def test_a_followed_log_outlives_worker_and_daemon(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        follower = subprocess.Popen([BIN / "longhaul", "--address", f"unix:{daemon.socket}", "logs", "beat", "-f",
                                     "-o", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seen = []

        def read():
            for line in follower.stdout:
                seen.append(json.loads(line))

        reader = threading.Thread(target=read)
        reader.start()
        try:
            def starts(count):
                ready = [row for row in list(seen) if row["text"] == "running: its worker is ready"]
                return len(ready) == count

            until(lambda: starts(1), "the lines before it followed")
            daemon.cli("restart", "beat")
            until(lambda: starts(2), "those of the second worker")
            daemon.stop()
            daemon.start()
            daemon.wait("beat")
            until(lambda: starts(3), "those after the daemon's restart")
        finally:
            follower.terminate()
            reader.join(WAIT_S)
            notes = follower.communicate(timeout=WAIT_S)[1]
        lines = [(row["time"], row["text"]) for row in seen]
        self.assertEqual(len(lines), len(set(lines)), "no line comes twice")
        self.assertEqual(1, notes.count("waiting for it"), notes)

    def test_deaths_are_listed(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        os.kill(daemon.worker_pid("beat"), signal.SIGKILL)
        until(lambda: daemon.api("GET", "/instances/beat/deaths")["deaths"], "the end is kept")
        rows = json.loads(daemon.cli("deaths", "beat", "-o", "json"))
        self.assertEqual("signal", rows[0]["exitClass"])
        self.assertIn("SIGKILL", daemon.cli("deaths", "beat"))
        self.assertIn(", signal: ended by SIGKILL", daemon.cli("deaths", "beat", rows[0]["id"]))


if __name__ == "__main__":
    unittest.main()
