"""Secrets of instances: set, kept, rotated, and in no output. One canary is looked for in everything that anybody can
read: the API, the command line, the logs, the ends, the store's bytes, the processes' arguments and environments."""
import http.client
import json
import subprocess
import threading
import unittest
from pathlib import Path

from harness import BIN, WAIT_S, DaemonTest, until

PLUGIN = "test-unruly"
CANARY = "canary-7f3a9e-secret"


class SecretsTest(DaemonTest):
    def host(self):
        return self.daemon("test_unruly")

    def apply(self, daemon, text):
        file = daemon.folder / "apply.yaml"
        file.write_text(text)
        return json.loads(daemon.cli("apply", "-f", file, "-o", "json"))

    def make(self, daemon, name="edge", **parameters):
        """An instance of the API."""
        row = {"name": name, "plugin": PLUGIN, "parameters": {"mode": "token", **parameters}}
        self.apply(daemon, json.dumps({"instances": [row]}))
        return daemon.wait(name)

    def secret(self, daemon, verb, *words, value=CANARY, code=0):
        done = subprocess.run([BIN / "longhaul", "--address", f"unix:{daemon.socket}", "secret", verb, *words, "-"],
                              input=value + "\n", capture_output=True, text=True, timeout=2 * WAIT_S, check=False)
        self.assertEqual(code, done.returncode, done.stdout + done.stderr)
        self.assertNotIn(value, done.stdout + done.stderr)
        return done.stdout.strip() if code == 0 else done.stderr

    def noted(self, daemon, name="edge"):
        """What the worker was given; it renames its file into place."""
        return daemon.state / "data" / name / "token"

    def until_noted(self, daemon, value, name="edge"):
        path = self.noted(daemon, name)
        until(lambda: path.exists() and path.read_text() == value, "the worker has the secret")

    def everything(self, daemon):
        """name -> bytes of all that can be read of a daemon, but the file in which the plugin itself keeps it."""
        found = {}
        for path in daemon.folder.rglob("*"):
            if path.is_file() and path.name not in ("token", "apply.yaml"):
                found[str(path)] = path.read_bytes()
        for pid in [daemon.pid, *daemon.workers()]:
            for name in ("cmdline", "environ"):
                try:
                    found[f"/proc/{pid}/{name}"] = Path(f"/proc/{pid}/{name}").read_bytes()
                except OSError:
                    pass  # it ended meanwhile
        for target in ("/api/v1/instances", "/api/v1/instances/edge", "/api/v1/instances/edge/logs?n=1000",
                       "/api/v1/instances/edge/deaths", "/api/v1/instances/edge/explain", "/api/v1/secrets",
                       "/api/v1/plugins", "/metrics"):
            answer = daemon.request("GET", target)
            found[target] = (answer.body if isinstance(answer.body, str) else json.dumps(answer.body)).encode()
        for words in (["status", "edge", "-o", "json"], ["logs", "edge"], ["deaths", "edge", "-o", "json"],
                      ["secret", "list"], ["explain", "edge"], ["ps", "-o", "wide"]):
            _, out, err = daemon.cli(*words, code=None)
            found["longhaul " + " ".join(words)] = (out + err).encode()
        return found

    def assert_hidden(self, daemon, *values):
        for place, data in self.everything(daemon).items():
            self.assertEqual([], [value for value in values if value.encode() in data], place)
            if not place.startswith(str(daemon.state / "db")):  # its ciphertext is the store's alone
                self.assertFalse(b"${encrypted:A" in data, place)

    def test_a_secret_that_is_set_reaches_the_worker_and_no_output(self):
        daemon = self.host()
        self.make(daemon)
        self.assertIn("is running", self.secret(daemon, "set", "edge", "token"))
        self.until_noted(daemon, CANARY)
        self.assertEqual({"set": True}, daemon.instance("edge")["config"]["parameters"]["token"])
        row = daemon.api("GET", "/secrets", instance="edge")["secrets"][0]
        self.assertEqual((True, "encrypted"), (row["set"], row["kind"]))
        self.assert_hidden(daemon, CANARY)

        daemon.stop()
        self.noted(daemon).unlink()
        daemon.start()
        self.until_noted(daemon, CANARY)
        self.assert_hidden(daemon, CANARY)

        daemon.cli("secret", "set", "edge", "token", "--unset")
        self.until_noted(daemon, "")
        self.assertFalse(daemon.api("GET", "/secrets", instance="edge")["secrets"][0]["set"])

    def test_a_worker_that_spills_its_secret_is_masked_in_logs_and_in_its_crash_card(self):
        daemon = self.host()
        self.make(daemon, mode="wait")
        self.secret(daemon, "set", "edge", "token")
        self.apply(daemon, json.dumps({"instances": [{
            "name": "edge", "plugin": PLUGIN, "restart": {"policy": "never"},
            "parameters": {"mode": "spill", "token": CANARY}}]}))
        # The worker before it ended too, when it was replaced.
        card = until(lambda: [row["card"] for row in daemon.api("GET", "/instances/edge/deaths")["deaths"]
                              if row["card"]["stderr"]], "a worker died of it")[0]
        self.assertIn("login with *** failed", card["stderr"])
        self.assertEqual("login with *** failed", daemon.instance("edge")["health"]["text"])
        lines = daemon.api("GET", "/instances/edge/logs", n=1000)["lines"]
        self.assertEqual(4, len([row for row in lines
                                 if row["source"] != "host" and row["text"] == "login with *** failed"]))
        self.assert_hidden(daemon, CANARY)

    def test_a_plain_secret_is_encrypted_by_apply_and_the_same_one_again_changes_nothing(self):
        daemon = self.host()
        self.make(daemon, token=CANARY)
        self.until_noted(daemon, CANARY)
        pid = daemon.worker_pid("edge")
        again = self.apply(daemon, json.dumps({"name": "edge", "plugin": PLUGIN,
                                               "parameters": {"mode": "token", "token": CANARY}}))
        self.assertEqual("unchanged", again["plan"]["instances"][0]["action"])
        self.assertEqual(pid, daemon.worker_pid("edge"))
        self.assert_hidden(daemon, CANARY)

    def test_a_parameter_that_is_set_alone_is_encrypted_where_it_is_secret(self):
        daemon = self.host()
        self.make(daemon)
        daemon.api("PATCH", "/instances/edge/parameters", {"token": CANARY, "note": "open"})
        self.until_noted(daemon, CANARY)
        self.assertEqual({"mode": "token", "note": "open", "token": {"set": True}},
                         daemon.instance("edge")["config"]["parameters"])
        self.assertIn("edge/token", daemon.cli("secret", "list", "-o", "name"))
        self.assert_hidden(daemon, CANARY)

    def test_a_rotation_encrypts_anew_and_starts_nothing_anew(self):
        daemon = self.host()
        self.make(daemon, token=CANARY)
        self.until_noted(daemon, CANARY)
        pid = daemon.worker_pid("edge")
        before = daemon.api("GET", "/secrets")["keyIds"]
        rotated = json.loads(daemon.cli("secret", "rotate", "-o", "json"))
        self.assertEqual((1, []), (rotated["instancesCount"], rotated["failed"]))
        self.assertEqual(1, len(rotated["keyIds"]))
        self.assertNotEqual(before, rotated["keyIds"])
        self.assertEqual(rotated["keyIds"][0], daemon.api("GET", "/secrets")["secrets"][0]["keyId"])
        self.assertEqual(pid, daemon.worker_pid("edge"))
        self.assertNotIn(before[0], (daemon.folder / "secrets.key").read_text())

        self.noted(daemon).unlink()
        daemon.cli("restart", "edge")
        self.until_noted(daemon, CANARY)
        daemon.stop()
        self.noted(daemon).unlink()
        daemon.start()
        self.until_noted(daemon, CANARY)

    def test_a_daemon_that_is_killed_in_a_rotation_opens_every_secret_again(self):
        daemon = self.host()
        for name in ("edge", "core", "third"):
            self.make(daemon, name, token=CANARY)
            self.until_noted(daemon, CANARY, name)
        key_file = daemon.folder / "secrets.key"

        def asks():
            try:
                daemon.request("POST", "/api/v1/secrets/rotate")
            except (OSError, http.client.HTTPException):
                pass  # the daemon went

        # Whenever it is: before the key, right behind it, while the store is written, behind all.
        for after_ms in (0, None, 2, 5, 10, 20, 50):
            before = key_file.read_text()
            rotation = threading.Thread(target=asks)
            rotation.start()
            if after_ms is None:
                until(lambda: key_file.read_text() != before, "the new key is there")
            else:
                rotation.join(after_ms / 1000)
            daemon.kill()
            rotation.join()
            for name in ("edge", "core", "third"):
                self.noted(daemon, name).unlink(missing_ok=True)
            daemon.start()
            for name in ("edge", "core", "third"):
                self.until_noted(daemon, CANARY, name)
        rotated = json.loads(daemon.cli("secret", "rotate", "-o", "json"))
        self.assertEqual((3, [], 1), (rotated["instancesCount"], rotated["failed"], len(rotated["keyIds"])))

    def test_a_file_takes_an_encrypted_secret_that_opens_for_its_instance_alone(self):
        daemon = self.host()
        daemon.put_instance("edge", PLUGIN, {"mode": "token", "token": CANARY})
        said = until(lambda: [text for text in [str(daemon.cli("explain", "edge.yaml", code=None))] if "token" in text],
                     "the file is explained")[0]
        self.assertIn("longhaul secret encrypt", said)
        self.assertNotIn(CANARY, said)

        reference = self.secret(daemon, "encrypt", "edge", "token")
        daemon.run_instance("edge", PLUGIN, {"mode": "token", "token": reference})
        self.until_noted(daemon, CANARY)
        self.assertIn("longhaul secret encrypt edge token -", self.secret(daemon, "set", "edge", "token", code=1))
        self.assertEqual([], daemon.api("POST", "/secrets/rotate", {})["failed"])
        self.assertEqual(2, len(daemon.api("GET", "/secrets")["keyIds"]))  # the file's key stays

        daemon.put_instance("thief", PLUGIN, {"mode": "token", "token": reference})
        daemon.wait_known("thief")
        until(lambda: "another instance or parameter" in daemon.instance("thief")["reason"], "it does not open")

    def test_a_printed_reference_outlives_rotations_until_it_is_applied(self):
        daemon = self.host()
        reference = self.secret(daemon, "encrypt", "edge", "token")
        old = daemon.api("GET", "/secrets")["keyIds"][0]
        rotated = daemon.api("POST", "/secrets/rotate", {})
        self.assertEqual([old], [row["keyId"] for row in rotated["printedKeys"]])
        self.assertIn(f"the key {old} stays until", daemon.cli("secret", "rotate", code=None)[2])
        found = [row["found"] for row in json.loads(daemon.cli("doctor", "-o", "json", code=None)[1])
                 if row["what"] == "older key of secrets"]
        self.assertTrue(len(found) == 1 and old in found[0] and "secret encrypt" in found[0], found)
        daemon.stop()
        daemon.start()
        daemon.run_instance("edge", PLUGIN, {"mode": "token", "token": reference})
        self.until_noted(daemon, CANARY)

    def test_a_lost_key_file_is_told_by_its_key_and_the_secret_can_be_set_again(self):
        daemon = self.host()
        self.make(daemon, token=CANARY)
        daemon.stop()
        (daemon.folder / "secrets.key").unlink()
        self.noted(daemon).unlink()
        daemon.start()
        until(lambda: "is not in the key file" in daemon.instance("edge")["reason"], "the reason names the key")
        self.secret(daemon, "set", "edge", "token", value="another-one")
        self.until_noted(daemon, "another-one")

    def test_what_cannot_be_set_is_refused_with_the_remedy(self):
        daemon = self.host()
        self.make(daemon)
        self.assertIn('did you mean "token"', self.secret(daemon, "set", "edge", "tokn", code=4))
        self.assertIn("no instance is named", self.secret(daemon, "set", "nobody", "token", code=4))
        code, out, err = daemon.cli("secret", "set", "edge", "token", "on-the-command-line", code=None)
        self.assertEqual((2, ""), (code, out))
        self.assertIn("takes the secret on stdin", err)


if __name__ == "__main__":
    unittest.main()
