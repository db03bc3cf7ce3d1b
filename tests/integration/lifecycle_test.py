"""What an instance goes through with a plugin that misbehaves (tests/plugins/unruly.c): releases that are no good, crash
loops, every kind of end, hangs, children that hide, listeners that are broken; and what an operator changes meanwhile."""
import json
import os
import re
import signal
import socket
import threading
import time
import unittest
from datetime import datetime
from pathlib import Path

import harness

PLUGIN = "test-unruly"
FILE = "test_unruly.so"
# After the first failure 10 ms, then doubled to 40 ms; 3 failures are a crash-loop, 6 quarantine.
SHORT = {"first_delay": "10ms", "delay_max": "40ms", "jitter": 0, "crash_loop_count": 3, "quarantine_count": 6,
         "window": "1min", "trial_interval": "1h"}
ANSWER_S = 2  # no answer of the daemon takes longer, whatever its plugins do


def lives(pid):
    """A process that is there and has not ended."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def children_of(parent):
    """Their pids, with those that have ended and were not waited for."""
    found = []
    for entry in os.listdir("/proc"):
        try:
            if entry.isdigit() and int(Path(f"/proc/{entry}/stat").read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(entry))
        except OSError:
            continue  # it is gone
    return found


def seconds_of(time_text):
    """RFC 3339, as the API gives it, in seconds since 1970."""
    return datetime.fromisoformat(time_text.replace("Z", "+00:00")).timestamp()


def ask(address, line="who"):
    """What the plugin's listener answers: the pid of the worker; None when it closed without a word."""
    with socket.create_connection(address, timeout=harness.WAIT_S) as peer:
        peer.sendall(f"{line}\n".encode())
        try:
            text = peer.recv(100)
        except ConnectionResetError:
            return None
        return int(text) if text else None


class Peers:
    """Asks an address without pause until the block is left. answers: the pids in their order; refused: the errors."""

    def __init__(self, address):
        self.address, self.answers, self.refused = address, [], []
        self.stopped, self.thread = threading.Event(), threading.Thread(target=self.run)

    def run(self):
        while not self.stopped.is_set():
            try:
                self.answers.append(ask(self.address))
            except OSError as error:
                self.refused.append(str(error))

    def wait_for(self, pid):
        harness.until(lambda: pid in self.answers, f"worker {pid} answers")

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.thread.join()


class Lifecycle(harness.DaemonTest):
    def deaths(self, daemon, name):
        """The newest first."""
        return daemon.api("GET", f"/instances/{name}/deaths", limit=100)["deaths"]

    def only_death(self, daemon, name):
        """Stored a moment after the state tells of it."""
        harness.until(lambda: self.deaths(daemon, name), f"the end of {name} is stored")
        death, = self.deaths(daemon, name)
        return death

    def host_lines(self, daemon, name):
        return [line["text"] for line in daemon.api("GET", f"/instances/{name}/logs", n=1000, source="host")["lines"]]

    def noted(self, daemon, name, file):
        """What the plugin wrote into its folder, once it is there."""
        path = daemon.state / "data" / name / file
        return harness.until(lambda: path.exists() and path.read_text(), f"{name} notes its {file}")

    def children(self, daemon, name):
        """Of a plugin that leaves some: their pids, all alive. They end with the test."""
        pids = [int(word) for word in self.noted(daemon, name, "children").split()]
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in pids if lives(pid)])
        self.assertTrue(all(map(lives, pids)))
        return pids

    def assert_ended(self, death, exit_class, *words):
        self.assertEqual(exit_class, death["exitClass"], death)
        for word in words:
            self.assertIn(word, death["card"]["text"])

    # ---- releases
    def test_a_release_that_fails_gives_way_to_what_ran_last(self):
        daemon = self.daemon("test_unruly")
        daemon.run_instance("edge", PLUGIN, {"mode": "serve"})
        address = daemon.address("edge")
        good = daemon.instance("edge")["current"]
        with Peers(address) as peers:
            for release, version, exit_class, words in [
                    ("test_unruly_fails", "2.0.0", "error", "this release cannot read its rules"),
                    ("test_unruly_crashes", "3.0.0", "signal", "SIGSEGV before it was ready")]:
                daemon.drop(release, FILE)
                harness.until(lambda: version in daemon.instance("edge").get("refused", ""), f"{version} is refused")
                edge = daemon.wait("edge")
                self.assertIn(words, edge["refused"])
                self.assertEqual((good["digest"], "1.0.0"), (edge["current"]["digest"], edge["current"]["version"]))
                self.assertEqual(edge["digest"], good["digest"])
                peers.wait_for(edge["current"]["pid"])
                failed, replaced = self.deaths(daemon, "edge")[:2]
                self.assert_ended(failed, exit_class, words)
                self.assertEqual(version, failed["card"]["version"])
                self.assert_ended(replaced, "operator-stop")
                self.assertIn(edge["refused"], daemon.cli("explain", "edge"))
            daemon.drop("test_unruly_good", FILE)
            new = harness.until(lambda: (edge := daemon.wait("edge"))["current"]["version"] == "5.0.0" and edge,
                                "the mended release is taken")
            peers.wait_for(new["current"]["pid"])
        self.assertNotIn("refused", new)
        self.assertEqual([], peers.refused)
        self.assertNotIn(None, peers.answers)
        self.assertEqual(address, daemon.address("edge"))
        self.assertEqual([], [line for line in self.host_lines(daemon, "edge") if line.startswith("backoff")], "at once")

    def test_a_release_that_cannot_be_loaded_touches_nothing(self):
        daemon = self.daemon("test_unruly")
        worker = daemon.run_instance("edge", PLUGIN, {"mode": "serve"})["current"]
        daemon.drop("test_unruly_missing_symbol", FILE)
        harness.until(lambda: "longhaulTestIsNowhere" in daemon.instance("edge").get("refused", ""), "it is refused")
        edge = daemon.wait("edge")
        self.assertEqual((worker["pid"], worker["generation"], 0),
                         (edge["current"]["pid"], edge["current"]["generation"], edge["restartsCount"]))
        death = self.only_death(daemon, "edge")
        self.assert_ended(death, "load-failed", "longhaulTestIsNowhere")
        self.assertEqual(("4.0.0", 0), (death["card"]["version"], death["generation"]))
        self.assertEqual(worker["pid"], ask(daemon.address("edge")))

    # ---- restarts
    def test_a_crash_loop_goes_the_way_that_its_policy_says(self):
        daemon = self.daemon("test_unruly")
        daemon.put_instance("edge", PLUGIN, {"mode": "crash"}, restart=SHORT)
        daemon.wait_known("edge")
        quarantined = harness.until(lambda: (edge := daemon.instance("edge"))["state"] == "quarantined" and edge, "quarantine")
        self.assertEqual(5, quarantined["restartsCount"])
        self.assertEqual([], quarantined["listeners"])
        self.assertIn("nextStartAt", quarantined)

        policy = daemon.api("GET", "/instances/edge/policy")
        went = [word for line in self.host_lines(daemon, "edge")
                if (word := line.partition(":")[0]) in ("backoff", "crash-loop", "quarantined")]
        alerts = {"crash-loop": 1, "quarantined": 1}  # each level is also told as it begins
        said = [step["level"] for step in policy["steps"] if step["what"] == "wait"]
        self.assertEqual(["backoff", "crash-loop", "crash-loop", "crash-loop", "quarantined"], said)
        for level in said:
            self.assertEqual(said.count(level) + alerts.get(level, 0), went.count(level), (level, went))
        self.assertEqual(sorted(went, key=["backoff", "crash-loop", "quarantined"].index), went, "in their order")
        self.assertEqual(policy["text"], daemon.cli("policy", "edge"))
        self.assertIn("quarantined", policy["text"])
        harness.until(lambda: len(self.deaths(daemon, "edge")) == 6, "six ends are stored")
        self.assertEqual(3, daemon.cli("is-active", "edge", code=None)[0])

        # The next trial would be in an hour.
        daemon.api("POST", "/instances/edge/release")
        harness.until(lambda: len(self.deaths(daemon, "edge")) == 12, "released, it is tried as often again")
        harness.until(lambda: daemon.instance("edge")["state"] == "quarantined", "quarantine again")
        daemon.put_instance("edge", PLUGIN, {"mode": "serve"}, restart=SHORT)
        harness.until(lambda: daemon.instance("edge")["state"] == "running", "a new configuration lifts it")
        self.assertEqual(daemon.worker_pid("edge"), ask(daemon.address("edge")))
        self.assertEqual(12, len(self.deaths(daemon, "edge")))

    def test_quarantine_tries_now_and_then(self):
        daemon = self.daemon("test_unruly")
        daemon.put_instance("edge", PLUGIN, {"mode": "crash"},
                            restart={**SHORT, "crash_loop_count": 1, "quarantine_count": 2, "trial_interval": "1s"})
        daemon.wait_known("edge")
        harness.until(lambda: len(self.deaths(daemon, "edge")) >= 3, "a trial")
        trial, before = self.deaths(daemon, "edge")[-3], self.deaths(daemon, "edge")[-2]
        self.assertGreaterEqual(seconds_of(trial["card"]["startedAt"]) - seconds_of(before["card"]["endedAt"]), 0.9)

    def test_ends_are_told_apart(self):
        daemon = self.daemon("test_unruly")
        never = {"policy": "never"}
        rows = {"ok-once": ("ok", {"policy": "on-failure"}), "ok-always": ("ok", {**SHORT, "policy": "always"}),
                "error": ("error", never), "exit": ("exit", never), "code": ("_exit", never), "crash": ("crash", never),
                "abort": ("abort", never)}
        daemon.instance_file("all", json.dumps({"instances": [
            {"name": name, "plugin": PLUGIN, "parameters": {"mode": mode}, "restart": restart}
            for name, (mode, restart) in rows.items()]}))
        daemon.wait_known("abort")
        for name, exit_class, *words in [
                ("ok-once", "completed", "longRunningExecution returned"), ("error", "error", "the sender hung up"),
                ("exit", "exit-without-bye", "exited with code 0", "without BYE"), ("code", "exit-code", "code 3"),
                ("crash", "signal", "SIGSEGV"), ("abort", "signal", "SIGABRT", "the queue is damaged")]:
            with self.subTest(name):
                instance = daemon.wait(name, "stopped")
                self.assertEqual("completed", instance["state"])
                death = self.only_death(daemon, name)
                self.assert_ended(death, exit_class, *words)
                self.assertEqual((exit_class, death["card"]["text"]),
                                 (instance["lastEnd"]["exitClass"], instance["lastEnd"]["text"]))
                shown = daemon.cli("deaths", name)
                self.assertIn(exit_class, shown)
        abort, = self.deaths(daemon, "abort")
        self.assertIn("the queue is damaged", abort["card"]["stderr"])
        self.assertEqual("SIGABRT", abort["card"]["signal"])
        # One that completes is started again by "always", and that is no failure.
        harness.until(lambda: len(self.deaths(daemon, "ok-always")) > 10, "it is started again")
        self.assertEqual({"completed"}, {death["exitClass"] for death in self.deaths(daemon, "ok-always")})
        self.assertNotIn(daemon.instance("ok-always")["state"], ("crash-loop", "quarantined"))

    # ---- what will not go
    def test_what_ignores_its_stop_is_ended_and_nothing_is_left(self):
        daemon = self.daemon("test_unruly")
        for name in ("hang", "stubborn", "parent"):
            daemon.run_instance(name, PLUGIN, {"mode": name})
        left = {name: self.children(daemon, name) for name in ("stubborn", "parent")}
        begun = time.time()
        for name in ("hang", "stubborn", "parent"):
            daemon.api("POST", f"/instances/{name}/disable")
        slowest = 0
        while daemon.instance("stubborn")["state"] != "disabled":
            asked = time.monotonic()
            self.assertEqual(200, daemon.request("GET", "/readyz").status)
            slowest = max(slowest, time.monotonic() - asked)
            self.assertLess(time.time() - begun, harness.WAIT_S)
        self.assertLess(slowest, ANSWER_S)
        # The manifest gives 0.5 s, SIGTERM has 4 s.
        for name, least, most, words in [("parent", 0, 10, "stopped when asked"), ("hang", 0.5, 10, "ended by SIGTERM"),
                                         ("stubborn", 4.5, 10, "ended by SIGKILL")]:
            with self.subTest(name):
                self.assertEqual("disabled", daemon.wait(name, "stopped")["state"])
                death = self.only_death(daemon, name)
                self.assert_ended(death, "operator-stop", words)
                took = seconds_of(death["card"]["endedAt"]) - begun
                self.assertTrue(least <= took < most, f"it took {took} s")
        self.assertGreaterEqual(self.only_death(daemon, "parent")["card"]["leftBehind"], 2)
        for name, pids in left.items():
            harness.until(lambda: not any(map(lives, pids)), f"no child of {name} is left")

    def test_what_a_living_plugin_lets_go_is_reaped(self):
        daemon = self.daemon("test_unruly")
        daemon.run_instance("edge", PLUGIN, {"mode": "daemonize"})
        self.noted(daemon, "edge", "daemonized")
        worker = daemon.worker_pid("edge")
        harness.until(lambda: children_of(daemon.pid) == [worker], "only the worker is a child of the daemon")

    def test_what_outlives_a_killed_daemon_is_swept(self):
        for groups, said in (("", "in the control groups of a former daemon"), ("sandbox: {off: [cgroup]}", "workers of a former daemon")):
            with self.subTest(groups or "as the machine has them"):
                self.outlive(groups, said)

    def outlive(self, settings, said):
        daemon = self.daemon("test_unruly", started=False)
        (daemon.folder / "longhaul.yaml").write_text(settings)
        daemon.start()
        daemon.run_instance("ghost", PLUGIN, {"mode": "hide"})
        hidden = [int(self.noted(daemon, "ghost", "hidden"))]
        self.addCleanup(lambda: [os.kill(pid, signal.SIGKILL) for pid in hidden if lives(pid)])
        hidden += self.children(daemon, "ghost")
        in_groups = any("cgroup" == each["layer"] and each["status"] == "on" for each in daemon.instance("ghost")["current"]["sandbox"])
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait(harness.WAIT_S)
        daemon.put_instance("ghost", PLUGIN, {"mode": "serve"})
        daemon.start()
        # The worker itself cannot hide from the signal of its parent's death; what it started can.
        self.assertRegex(daemon.log_path.read_text(), r"ended [23] .*" + (said if in_groups else "workers of a former daemon"))
        self.assertEqual([], [pid for pid in hidden if lives(pid)])
        self.assertEqual(daemon.wait("ghost")["current"]["pid"], ask(daemon.address("ghost")))

    # ---- configuration
    def test_a_changed_file_swaps_its_instance_alone(self):
        daemon = self.daemon("test_unruly")
        first, second = (("127.0.0.1", harness.free_port()) for _ in range(2))
        daemon.run_instance("sibling", PLUGIN, {"mode": "serve"})
        before = daemon.run_instance("edge", PLUGIN, {"mode": "serve", "listen": "%s:%d" % first})["current"]
        sibling = daemon.worker_pid("sibling")

        def change(parameters):
            pid = daemon.worker_pid("edge")
            daemon.put_instance("edge", PLUGIN, {"mode": "serve", **parameters})
            harness.until(lambda: daemon.worker_pid("edge") not in (None, pid), "a new worker is there")
            return daemon.wait("edge")

        with Peers(first) as peers:
            peers.wait_for(before["pid"])
            edge = change({"listen": "%s:%d" % first, "note": "the port is kept"})
            peers.wait_for(edge["current"]["pid"])
        self.assertEqual([], peers.refused)
        self.assertNotIn(None, peers.answers)

        edge = change({"listen": "%s:%d" % second})
        self.assertEqual(["%s:%d" % second], [listener["address"] for listener in edge["listeners"]])
        self.assertEqual(edge["current"]["pid"], ask(second))
        with self.assertRaises(ConnectionRefusedError):
            ask(first)

        # An address that somebody else has: what runs goes on.
        with socket.create_server(first):
            daemon.put_instance("edge", PLUGIN, {"mode": "serve", "listen": "%s:%d" % first})
            harness.until(lambda: "%s:%d" % first in daemon.instance("edge").get("refused", ""), "the address is refused")
            self.assertEqual(edge["current"]["pid"], ask(second))
        self.assertEqual(["%s:%d" % second], [listener["address"] for listener in daemon.wait("edge")["listeners"]])
        self.assertEqual(2, len(self.deaths(daemon, "edge")))
        self.assertEqual((sibling, 0), (daemon.worker_pid("sibling"), daemon.instance("sibling")["restartsCount"]))

    def test_a_listener_that_the_plugin_shut_down_works_again(self):
        daemon = self.daemon("test_unruly")
        listens = {"given": f"127.0.0.1:{harness.free_port()}", "chosen": "127.0.0.1:0"}
        for name, listen in listens.items():
            with self.subTest(name):
                worker = daemon.run_instance(name, PLUGIN, {"mode": "serve", "listen": listen})["current"]
                address = daemon.address(name)
                self.assertIsNone(ask(address, "shutdown"))
                harness.until(lambda: daemon.worker_pid(name) not in (None, worker["pid"]), "a new worker is there")
                self.assertEqual(daemon.wait(name)["current"]["pid"], ask(address))
                self.assertEqual(address, daemon.address(name))
                self.assert_ended(self.deaths(daemon, name)[0], "signal", "SIGSEGV")
                self.assertTrue(any("was shut down by the plugin and works again" in line
                                    for line in self.host_lines(daemon, name)))

    def test_a_plugin_may_end_its_accept_by_a_shutdown(self):
        # While it is replaced: its next worker has the same socket already.
        daemon = self.daemon("test_unruly")
        for name, listen in {"given": f"127.0.0.1:{harness.free_port()}", "chosen": "127.0.0.1:0"}.items():
            with self.subTest(name):
                worker = daemon.run_instance(name, PLUGIN, {"mode": "deaf", "listen": listen})["current"]
                address = daemon.address(name)
                self.assertEqual(worker["pid"], ask(address))
                daemon.cli("restart", name)
                new = daemon.wait(name)["current"]
                self.assertNotEqual(worker["pid"], new["pid"])
                self.assertEqual(new["pid"], ask(address))
                self.assertEqual(address, daemon.address(name))

    # ---- what a plugin is given, and what it says
    def test_an_operators_change_of_the_context_reaches_the_worker(self):
        daemon = self.daemon("test_unruly")
        daemon.run_instance("edge", PLUGIN, {"mode": "context"})
        worker = daemon.worker_pid("edge")
        seen = daemon.state / "data" / "edge" / "context"
        for method, body, wanted in [("PATCH", {"changes": {"a": 1, "b": "two"}}, {"a": 1, "b": "two"}),
                                     ("PATCH", {"changes": {"a": None, "c": [3]}}, {"b": "two", "c": [3]}),
                                     ("PUT", {"values": {"d": 4}}, {"d": 4})]:
            answer = daemon.api(method, "/instances/edge/context", body)
            self.assertTrue(answer["applied"])
            harness.until(lambda: seen.exists() and json.loads(seen.read_text()) == wanted, f"the worker has {wanted}")
        self.assertEqual(worker, daemon.worker_pid("edge"))
        self.assertIn("its worker has it", daemon.cli("context", "patch", "edge", "d=5"))

        daemon.cli("disable", "edge")
        self.assertFalse(daemon.api("PATCH", "/instances/edge/context", {"changes": {"e": 6}})["applied"], "there is none")
        daemon.cli("enable", "edge")
        harness.until(lambda: json.loads(seen.read_text()) == {"d": 5, "e": 6}, "the next worker has it")

    def test_a_secret_reaches_the_plugin_and_nobody_else(self):
        daemon = self.daemon("test_unruly")
        secret, file = "tr0ub4dor-" + os.urandom(8).hex(), daemon.folder / "secret"
        file.touch(0o600)
        file.write_text(secret + "\n")
        daemon.run_instance("edge", PLUGIN, {"mode": "token", "token": f"${{file:{file}}}"})
        self.assertEqual(secret, self.noted(daemon, "edge", "token"))
        os.kill(daemon.worker_pid("edge"), signal.SIGKILL)  # so that there is a crash card
        harness.until(lambda: self.deaths(daemon, "edge"), "its end")
        worker = daemon.wait("edge")["current"]["pid"]

        # What cannot be read does not end what runs.
        file.unlink()
        daemon.api("POST", "/instances/edge/restart")
        harness.until(lambda: str(file) in daemon.instance("edge").get("refused", ""), "the missing file is named")
        self.assertEqual(worker, daemon.wait("edge")["current"]["pid"])

        said = [daemon.log_path.read_bytes(), Path(f"/proc/{daemon.pid}/environ").read_bytes()]
        said += [Path(f"/proc/{worker}/{name}").read_bytes() for name in ("cmdline", "environ")]
        for words in [("ps", "-o", "wide"), ("status", "edge"), ("explain", "edge"), ("deaths", "edge"), ("logs", "edge"),
                      ("policy", "edge"), ("context", "get", "edge"), ("plugins",)]:
            said.append("".join(map(str, daemon.cli(*words, code=None))).encode())
        for path in ["/instances", "/instances/edge", "/instances/edge/explain", "/instances/edge/deaths",
                     "/instances/edge/logs", "/instances/edge/policy", "/instances/edge/context", "/plugins"]:
            said.append(json.dumps(daemon.api("GET", path)).encode())
        said.append(daemon.request("GET", "/metrics").body.encode())
        said += [path.read_bytes() for path in daemon.state.rglob("*") if path.is_file() and path.name != "token"]
        self.assertGreater(len(said), 20)
        self.assertEqual([], [text for text in said if secret.encode() in text])

    def test_what_a_plugin_says_comes_to_its_log(self):
        daemon = self.daemon("test_unruly")
        daemon.run_instance("edge", PLUGIN, {"mode": "talk"})
        daemon.put_instance("last", PLUGIN, {"mode": "last-words"}, restart={"policy": "never"})
        daemon.wait_known("last")
        daemon.wait("last", "stopped")

        def lines(name):
            return [json.loads(line) for line in daemon.cli("logs", name, "-o", "jsonl").splitlines()]

        wanted = {("said on stdout", "stdout", "info"), ("said on stderr", "stderr", "warning"),
                  ("said as debug", "plugin", "debug"), ("said as info", "plugin", "info"),
                  ("said as error", "plugin", "error")}
        harness.until(lambda: wanted <= {(line["text"], line["source"], line["level"]) for line in lines("edge")},
                      "all lines are in the log")
        worker = daemon.instance("edge")["current"]
        for line in lines("edge"):
            if line["source"] != "host":
                self.assertEqual((worker["pid"], worker["generation"]), (line["pid"], line["generation"]))
        self.assertEqual({"said on stderr", "said as error"},
                         set(re.findall("said .*", daemon.cli("logs", "edge", "--level", "warning"))))

        # Written a moment before kill -9.
        self.assert_ended(self.only_death(daemon, "last"), "signal", "SIGKILL")
        self.assertLessEqual({("the last line on stdout", "stdout"), ("the last line on stderr", "stderr"),
                              ("the last line of the log", "plugin")},
                             {(line["text"], line["source"]) for line in lines("last")})


if __name__ == "__main__":
    unittest.main()
