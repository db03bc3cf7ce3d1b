"""What operators do among themselves and with their shells: users and roles, the audit, events, completion, doctor."""
import http.client
import json
import subprocess
import threading
import unittest

from harness import BIN, DaemonTest, until


class OperatorsTest(DaemonTest):
    def test_users_tokens_and_the_audit(self):
        daemon = self.daemon("heartbeat")
        self.assertIn("is made, with the role operate",
                      daemon.cli("user", "add", "anna", "--role", "operate", "--identity", "unix:anna"))
        daemon.cli("user", "set", "anna", "--email", "anna@example.org", "--identity", "chat:U1")
        anna = json.loads(daemon.cli("users", "anna", "-o", "json"))
        self.assertEqual([{"provider": "chat", "value": "U1"}, {"provider": "unix", "value": "anna"}], anna["identities"])
        daemon.cli("user", "set", "anna", "--no-identity", "chat:U1")
        self.assertEqual("anna\n", daemon.cli("users", "-o", "name"))
        daemon.cli("users", "nobody", code=4)
        daemon.cli("user", "remove", "anna", code=1)
        daemon.cli("user", "remove", "anna", "--yes")
        secret = daemon.cli("token", "create", "grafana", "-o", "name").strip()
        self.assertNotIn(secret, daemon.cli("token", "list", "-o", "json"))
        daemon.cli("token", "revoke", "grafana")
        acts = [row["act"] for row in json.loads(daemon.cli("audit", "-o", "json", "--oldest"))]
        self.assertEqual(["users.create", "users.change", "users.change", "users.remove", "users.remove",
                          "tokens.create", "tokens.remove"], acts)
        self.assertNotIn(secret, daemon.cli("audit", "-o", "json"))
        rights = [row["detail"] for row in json.loads(daemon.cli("audit", "-o", "json"))
                  if row["act"] in ("users.create", "tokens.create")]
        self.assertTrue(rights and all("role" in detail for detail in rights), rights)
        # It is kept: the next daemon has the same.
        daemon.stop()
        daemon.start()
        self.assertEqual(len(acts), len(json.loads(daemon.cli("audit", "-o", "json"))))

    def test_events_go_on_over_a_restart_of_the_daemon(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        follower = subprocess.Popen([BIN / "longhaul", "--address", f"unix:{daemon.socket}", "events", "-f", "-n", "0",
                                     "-o", "jsonl"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            until(lambda: "longhaul_event_readers 1" in daemon.request("GET", "/metrics").body, "the stream is open")
            daemon.cli("incident", "create", "before")
            self.assertEqual("before", self.next_of(follower, "incident")["name"])
            daemon.stop()
            daemon.start()
            self.assertEqual("running", self.next_of(follower, "state", state="running")["state"])
            daemon.cli("incident", "create", "after")
            self.assertEqual("after", self.next_of(follower, "incident")["name"])
        finally:
            follower.kill()
            _, notes = follower.communicate()
        self.assertIn("some events may be missing", notes)
        recent = json.loads(daemon.cli("events", "--kind", "incident", "-o", "json"))
        self.assertEqual(["after"], [event["name"] for event in recent])

    def test_an_act_is_in_the_audit_before_it_is_done(self):
        daemon = self.daemon("test_commander")
        daemon.run_instance("c", "test-commander")
        held = threading.Thread(target=self.ask_for_nothing, args=(daemon, "c", "hold"))
        held.start()
        until(lambda: daemon.context("c").get("held") == 1, "the command waits")
        row = json.loads(daemon.cli("audit", "-o", "json"))[0]
        self.assertEqual(("instances.execute", "c", "begun"), (row["act"], row["target"], row["outcome"]))
        daemon.kill()
        held.join()
        daemon.start()
        after = next(each for each in json.loads(daemon.cli("audit", "-o", "json")) if each["id"] == row["id"])
        self.assertTrue(after["outcome"].startswith("unknown: "), after)

    @staticmethod
    def ask_for_nothing(daemon, name, command):
        try:
            daemon.request("POST", f"/api/v1/instances/{name}/execute", {"command": command, "arguments": {}})
        except (OSError, http.client.HTTPException):
            pass  # the daemon went

    def test_what_a_file_makes_and_approves_is_in_the_audit(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        row = json.loads(daemon.cli("audit", "-o", "json"))[0]
        self.assertEqual(("longhauld", "instances.apply", "beat", "done"),
                         (row["actor"], row["act"], row["target"], row["outcome"]))
        self.assertEqual("create", row["detail"]["action"])
        self.assertTrue(any("serverApi" in grant for grant in row["detail"]["approves"]), row)

    def test_a_backup_is_a_store_that_a_daemon_starts_from(self):
        daemon = self.daemon("heartbeat")
        daemon.cli("incident", "create", "before the backup")
        copy = daemon.folder / "copy.db"
        done = json.loads(daemon.cli("backup", copy, "-o", "json"))
        self.assertEqual((str(copy), copy.stat().st_size), (done["path"], done["bytes"]))
        daemon.cli("incident", "create", "after it")
        self.assertIn("is there already", daemon.cli("backup", copy, code=None)[2])
        self.assertEqual("backup", json.loads(daemon.cli("audit", "-o", "json"))[0]["act"].split(".")[0])
        daemon.stop()
        database = daemon.state / "db" / "longhaul.db"
        for beside in ("-wal", "-shm"):
            database.with_name(database.name + beside).unlink(missing_ok=True)
        copy.replace(database)
        daemon.start()
        self.assertEqual(["before the backup"], [row["name"] for row in daemon.incidents()])

    def test_incidents_change_hands(self):
        daemon = self.daemon("heartbeat")
        identity = daemon.cli("incident", "create", "by hand", "-o", "name").strip()
        daemon.cli("user", "add", "anna")
        self.assertEqual(f"incident {identity} is anna's\n", daemon.cli("incident", "assign", identity, "anna"))
        self.assertIn("anna", daemon.cli("incidents", identity))
        daemon.cli("incident", "assign", identity, "nobody", code=4)
        daemon.cli("incident", "assign", identity, code=2)
        daemon.cli("incident", "close", identity, "--reason", "noise")
        self.assertEqual(f"{identity} is active again\n", daemon.cli("incident", "reopen", identity))
        for verb in ("questions", "mirrors", "indicators"):
            self.assertEqual("[]\n", daemon.cli(verb, "-o", "json"))
        daemon.cli("ask", identity, "Block it?", "--to", "anna", code=1)  # no chat mirrors it
        daemon.cli("ask", identity, "Block it?", code=2)

    def next_of(self, follower, kind, **wanted):
        for line in follower.stdout:
            event = json.loads(line)
            if event["kind"] == kind and all(event.get(key) == value for key, value in wanted.items()):
                return event
        raise AssertionError("the stream ended")

    def test_shells_complete_live_names_and_top_looks_once(self):
        daemon = self.daemon("heartbeat")
        daemon.run_instance("beat", "heartbeat")
        script = (f'PATH={BIN}:$PATH; export LONGHAUL_ADDRESS=unix:{daemon.socket}; source <(longhaul completion bash);'
                  'complete_it() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _longhaul; echo "${COMPREPLY[@]}"; };')
        for words, wanted in (("longhaul rest", "restart"), ("longhaul restart be", "beat"),
                              ("longhaul user re", "remove"), ("longhaul ps -o js", "json jsonl"),
                              ("longhaul logs beat --fol", "--follow")):
            done = subprocess.run(["bash", "-c", script + "complete_it " + words], capture_output=True, text=True)
            self.assertEqual(wanted + "\n", done.stdout, words + done.stderr)
        # What a command takes, and no files.
        chat = self.daemon("chat")
        chat.run_instance("desk", "chat", {"listen": f"unix:{chat.folder}/chat.sock"})
        script = script.replace(str(daemon.socket), str(chat.socket))
        done = subprocess.run(["bash", "-c", script + "complete_it longhaul exec desk send-notification ''; "
                               "complete_it longhaul exec desk send-notification t; "
                               "complete_it longhaul exec desk nonsense ''"], capture_output=True, text=True,
                              cwd=chat.folder)
        offered, begun, nothing = done.stdout.split("\n")[:3]
        self.assertIn("to=", offered.split(), done.stderr)
        self.assertEqual({"to="}, set(begun.split()))
        self.assertEqual("", nothing)
        for shell in ("zsh", "fish"):
            self.assertIn("__complete", daemon.cli("completion", shell))
        self.assertEqual("beat", json.loads(daemon.cli("top", "-o", "json"))[0]["name"])

    def test_doctor_says_what_is_missing_with_and_without_the_daemon(self):
        daemon = self.daemon("heartbeat")
        config = daemon.folder / "longhaul.yaml"
        config.write_text(f"instances_dir: {daemon.instances}\nplugin_dirs: [{daemon.plugins}]\n"
                          f"state_dir: {daemon.state}\nrun_dir: {daemon.run}\n")
        rows = json.loads(daemon.cli("doctor", "--config", config, "-o", "json", code=None)[1])
        self.assertEqual({"ok"}, {row["grade"] for row in rows if row["what"] in ("daemon", "configuration", "plugins")})
        # Without its file it looks at what the daemon's flags said.
        rows = json.loads(daemon.cli("doctor", "-o", "json", code=None)[1])
        found = {row["what"]: row["found"] for row in rows}
        self.assertEqual((str(daemon.state), str(daemon.instances)), (found["state folder"], found["instances folder"]))
        self.assertIn(str(daemon.plugins), [row["found"] for row in rows if row["what"] == "plugin folder"])
        self.assertIn("of the daemon that runs", found["configuration"])
        daemon.plugins.chmod(0o777)
        layers = {row["what"].removeprefix("sandbox, ") for row in rows if row["what"].startswith("sandbox, ")}
        self.assertEqual({"no-new-privs", "capabilities", "not-dumpable", "rlimits", "seccomp", "landlock", "own-uid", "cgroup"}, layers)
        code, out, _ = daemon.cli("doctor", "--config", config, code=None)
        self.assertEqual(1, code)
        self.assertIn("chmod go-w", out)
        daemon.stop()
        self.assertIn("start longhauld", daemon.cli("doctor", "--config", config, code=None)[1])


if __name__ == "__main__":
    unittest.main()
