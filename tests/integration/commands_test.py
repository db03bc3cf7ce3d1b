"""The host calls plugins: test and commands beside the loop of the worker that serves, in a worker of their own where
none does; deadlines, ends, approval of what a newer file asks for, parameters set one by one."""
import http.client
import json
import threading
import unittest

import harness

PLUGIN = "test-commander"
ANSWER_S = 240


class Asked(threading.Thread):
    """One request under way; its answer by result()."""

    def __init__(self, daemon, name, command, arguments=None, **more):
        super().__init__()
        self.daemon_under_test, self.answer = daemon, None
        self.target = f"/api/v1/instances/{name}/execute"
        self.body = {"command": command, "arguments": arguments or {}, **more}
        self.start()

    def run(self):
        try:
            self.answer = self.daemon_under_test.request("POST", self.target, self.body, timeout=ANSWER_S)
        except (OSError, http.client.HTTPException):
            pass  # the daemon went

    def result(self):
        self.join(ANSWER_S)
        return self.answer


class Commands(harness.DaemonTest):
    def held(self, daemon, name, count=1):
        harness.until(lambda: daemon.context(name).get("held") == count, f"{count} commands of {name} wait")

    def test_commands_run_beside_the_loop(self):
        daemon = self.daemon("test_commander")
        daemon.run_instance("c", PLUGIN)
        pid = daemon.worker_pid("c")
        # What it was given: checked, with defaults, lists as lists, and who asks.
        said = json.loads(daemon.cli("exec", "c", "echo", "text=hello", "list=a, b", "-o", "json"))
        self.assertEqual({"text": "hello", "list": ["a", "b"], "color": "red"}, said["arguments"])
        self.assertTrue(said["inLoop"])
        self.assertIn("username", said["context"]["user"])
        self.assertLessEqual(said["deadlineMs"], 180000)
        # Two at once, the second lets the first go on.
        first = Asked(daemon, "c", "hold")
        self.held(daemon, "c")
        self.assertEqual("released 1", Asked(daemon, "c", "release").result()["result"])
        self.assertEqual("released", first.result()["result"])
        for command, said in (("say-nothing", False), ("say-empty", True)):
            self.assertEqual({"said": said, "result": ""}, Asked(daemon, "c", command).result().body)
        # What is wrong is said before the plugin hears of it, every fault at once.
        code, _, text = daemon.cli("exec", "c", "ecko", code=None)
        self.assertNotEqual(0, code)
        self.assertIn('did you mean "echo"', text)
        code, _, text = daemon.cli("exec", "c", "echo", "color=rad", "lost=1", code=None)
        for part in ('did you mean "red"', "lost", "text is missing"):
            self.assertIn(part, text)
        code, _, text = daemon.cli("exec", "c", "throw", "text=of its own", code=None)
        self.assertNotEqual(0, code)
        self.assertIn("of its own", text)
        self.assertEqual(pid, daemon.worker_pid("c"), "none of it disturbed the loop")

    def test_a_deadline_answers_and_a_dead_worker_fails_its_commands(self):
        daemon = self.daemon("test_commander")
        daemon.run_instance("c", PLUGIN)
        late = Asked(daemon, "c", "hold", timeoutMs=200)
        self.assertEqual(504, late.result().status)
        self.assertIn("may still run", late.result()["detail"])
        self.held(daemon, "c")
        Asked(daemon, "c", "release").result()
        harness.until(lambda: "after its time was over" in daemon.cli("logs", "c"), "the late answer is logged")
        # Its worker ends: the command that ended it and the one beside it hear so, and the instance goes on.
        daemon.cli("restart", "c")
        daemon.wait("c")
        harness.until(lambda: Asked(daemon, "c", "echo", {"text": "x"}).result().status == 200, "the next one serves")
        daemon.api("PATCH", "/instances/c/context", {"changes": {"held": None}})
        beside = Asked(daemon, "c", "hold")
        self.held(daemon, "c")
        crash = Asked(daemon, "c", "crash")
        for asked in (crash, beside):
            self.assertGreaterEqual(asked.result().status, 400)
            self.assertIn("whether it took effect is not known", asked.result()["detail"])
        daemon.wait("c")
        self.assertEqual(200, Asked(daemon, "c", "echo", {"text": "again"}).result().status)

    def test_an_instance_without_a_worker_gets_one_for_the_command(self):
        daemon = self.daemon("test_commander")
        daemon.put_instance("c", PLUGIN, enabled=False)
        daemon.wait_known("c")
        before = daemon.instance("c")["state"]
        said = json.loads(daemon.cli("exec", "c", "echo", "text=x", "-o", "json"))
        self.assertFalse(said["inLoop"], "its loop is not entered")
        self.assertEqual("remembered", Asked(daemon, "c", "remember", {"key": "k", "value": "v"}).result()["result"])
        self.assertEqual("v", daemon.context("c")["k"])
        harness.until(lambda: not daemon.workers(), "the worker goes when nothing is left to do")
        self.assertEqual(before, daemon.instance("c")["state"])
        self.assertEqual([], daemon.api("GET", "/instances/c/deaths")["deaths"])
        # What there is only for commands is seen as such while it is there.
        held = Asked(daemon, "c", "hold")
        self.held(daemon, "c")
        seen = daemon.instance("c")
        self.assertEqual(("disabled", 1), (seen["state"], seen["commandsRunning"]))
        self.assertIn(f"One-shot: pid {seen['oneShot']['pid']}", daemon.cli("status", "c"))
        Asked(daemon, "c", "release").result()
        self.assertEqual("released", held.result()["result"])
        # Enabled meanwhile: the one-shot worker goes first, then the loop runs with what it wrote.
        Asked(daemon, "c", "remember", {"key": "k", "value": "w"})
        daemon.cli("enable", "c")
        daemon.wait("c")
        self.assertTrue(json.loads(daemon.cli("exec", "c", "echo", "text=x", "-o", "json"))["inLoop"])
        harness.until(lambda: len(daemon.workers()) == 1, "one worker")
        # A crash in a one-shot worker is told, and keeps its card.
        daemon.cli("disable", "c")
        harness.until(lambda: daemon.instance("c")["state"] == "disabled", "it rests")
        crash = Asked(daemon, "c", "crash").result()
        self.assertIn("whether it took effect is not known", crash["detail"])
        self.assertEqual(1, daemon.cli("exec", "c", "crash", code=None)[0])  # not 5: the daemon answered
        harness.until(lambda: daemon.api("GET", "/instances/c/deaths")["deaths"], "its card is kept")
        self.assertEqual("disabled", daemon.instance("c")["state"])

    def test_commands_come_through_back_off_and_replacement(self):
        daemon = self.daemon("test_commander")
        # Between two starts of a loop that crashes there is no worker: commands get one, and the restarts go on. The
        # time between is long, for a command that comes as the loop starts once more would die with it.
        daemon.put_instance("sick", PLUGIN, {"loop": "crashes"}, restart={"first_delay": "20s"})
        daemon.wait_known("sick")
        harness.until(lambda: daemon.instance("sick")["state"] == "backoff", "it waits for its restart")
        said = Asked(daemon, "sick", "echo", {"text": "x"}).result()
        self.assertEqual(200, said.status, said.body)
        starts = daemon.instance("sick")["restartsCount"]
        daemon.cli("release", "sick", "--no-wait")
        harness.until(lambda: daemon.instance("sick")["restartsCount"] > starts, "it is started again")
        daemon.cli("disable", "sick")
        # One command keeps the old worker until its stop deadline; those that come meanwhile are the next worker's.
        token = daemon.folder / "token"
        token.write_text("a secret of the instance")
        token.chmod(0o600)
        daemon.run_instance("c", PLUGIN, {"token": f"${{file:{token}}}"})
        generation = daemon.instance("c")["current"]["generation"]
        kept = Asked(daemon, "c", "hold")
        self.held(daemon, "c")
        daemon.cli("restart", "c", "--no-wait")

        def next_is_on_its_way():
            seen = daemon.instance("c")  # one look: between two it may be the one, then the other
            return seen.get("incoming") or seen.get("current", {}).get("generation", 0) > generation
        harness.until(next_is_on_its_way, "the next worker is on its way")
        after = Asked(daemon, "c", "echo", {"text": "x"})
        self.assertEqual(200, after.result().status, after.result().body)
        self.assertIn("whether it took effect is not known", kept.result()["detail"])
        self.assertGreater(daemon.wait("c")["current"]["generation"], generation)
        # What a plugin says of its secrets does not come out.
        text = Asked(daemon, "c", "throw", {"text": "it is a secret of the instance!"}).result()["detail"]
        self.assertNotIn("a secret of the instance", text)
        # Removed with a command under way: it hears of it, and nothing is left.
        daemon.run_instance("gone", PLUGIN, {"says": "ok"})
        under_way = Asked(daemon, "gone", "hold")
        self.held(daemon, "gone")
        (daemon.instances / "gone.yaml").unlink()
        harness.until(lambda: daemon.instance("gone")["state"] == "orphaned", "its file is gone")
        daemon.cli("remove", "gone", "--yes")
        self.assertGreaterEqual(under_way.result().status, 400)

    def test_an_idle_instance_only_answers(self):
        daemon = self.daemon("test_commander")
        daemon.put_instance("c", PLUGIN, longRunning=False)
        daemon.wait_known("c")
        daemon.wait("c", "settled")
        self.assertEqual("idle", daemon.instance("c")["state"])
        self.assertFalse(json.loads(daemon.cli("exec", "c", "echo", "text=x", "-o", "json"))["inLoop"])
        self.assertEqual("idle", daemon.instance("c")["state"])

    def test_the_test_of_an_instance(self):
        daemon = self.daemon("test_commander")
        daemon.run_instance("good", PLUGIN)
        daemon.put_instance("bad", PLUGIN, {"says": "fault"}, enabled=False)
        daemon.put_instance("mute", PLUGIN, {"says": "nothing"}, enabled=False)
        for name in ("bad", "mute"):
            daemon.wait_known(name)
        self.assertIn("passed", daemon.cli("test", "good"))
        code, _, text = daemon.cli("test", "bad", code=None)
        self.assertEqual(1, code)
        self.assertIn("the peer does not take", text)
        code, _, text = daemon.cli("test", "mute", code=None)
        self.assertEqual(0, code)
        self.assertIn("said nothing", text)
        # Nothing is tested without the plugin: no test failed, so there is no result.
        daemon.put_instance("gone", "absent")
        daemon.wait_known("gone")
        answer = daemon.request("POST", "/api/v1/instances/gone/test", {})
        self.assertEqual((503, "CLOSED"), (answer.status, answer["code"]))
        self.assertIn("the plugin absent of gone is not there", answer["detail"])
        code, out, text = daemon.cli("test", "gone", "-o", "json", code=None)
        self.assertEqual((1, False), (code, json.loads(out)[0]["ok"]))
        self.assertNotIn("passed", json.loads(out)[0])
        self.assertIn("drop its .so", text)

    def test_the_daemon_stops_with_commands_under_way(self):
        daemon = self.daemon("test_commander")
        daemon.put_instance("c", PLUGIN, enabled=False)
        daemon.wait_known("c")
        # More than run at once: those that wait must not keep the daemon, nor start another worker.
        asked = [Asked(daemon, "c", "hold") for _ in range(20)]
        self.held(daemon, "c", 16)
        daemon.process.terminate()
        harness.until(lambda: daemon.process.poll() is not None, "the daemon ends", 15)
        self.assertEqual(0, daemon.process.returncode)
        del asked

    def test_a_newer_file_that_asks_for_more_waits_for_approval(self):
        daemon = self.daemon("test_commander")
        daemon.run_instance("c", PLUGIN)
        refused = Asked(daemon, "c", "make-incident").result()
        self.assertEqual(403, refused.status)
        self.assertIn("createIncidents is not granted to c", refused["detail"])
        daemon.drop("test_commander_greedy", "test_commander.so")
        asks = "also asks for serverApi: createIncidents; `longhaul approve c`"
        harness.until(lambda: asks in json.dumps(daemon.instance("c")), "it says what is asked for")
        self.assertEqual("1.0.0", daemon.wait("c")["current"]["version"], "the old one runs on")
        self.assertIn("createIncidents", daemon.cli("approve", "c"))
        harness.until(lambda: daemon.wait("c")["current"]["version"] == "2.0.0", "the new one runs")
        self.assertEqual("made", Asked(daemon, "c", "make-incident").result()["result"])
        self.assertEqual(["made by a command"], [row["name"] for row in daemon.incidents()])

    def test_parameters_are_set_one_by_one(self):
        daemon = self.daemon("test_commander")
        row = {"name": "c", "plugin": PLUGIN, "parameters": {"loop": "waits"}}
        file = daemon.folder / "c.json"
        file.write_text(json.dumps({"instances": [row]}))
        daemon.cli("apply", "-f", file)
        daemon.wait("c")
        generation = daemon.instance("c")["current"]["generation"]
        plan = daemon.cli("set", "c", "says=fault")
        self.assertEqual(["change", "changes", "1"], [line.split()[0] for line in plan.splitlines()], plan)
        harness.until(lambda: daemon.wait("c")["current"]["generation"] > generation, "a new worker has it")
        self.assertEqual(1, daemon.cli("test", "c", code=None)[0])
        code, _, text = daemon.cli("set", "c", "says=okay", code=None)
        self.assertNotEqual(0, code)
        self.assertIn('"ok"', text)
        daemon.cli("set", "c", "--unset", "says")
        harness.until(lambda: daemon.cli("test", "c", code=None)[0] == 0, "its default is back")

    def test_no_update_of_a_context_is_lost(self):
        """8 threads of the plugin and 4 commands write one context by patch and merge, 10,000 rounds in all."""
        daemon = self.daemon("test_commander")
        daemon.run_instance("c", PLUGIN)
        rounds = 834
        asked = [Asked(daemon, "c", "storm", {"threads": 8, "rounds": rounds})]
        asked += [Asked(daemon, "c", "write", {"writer": f"command{i}", "rounds": rounds}) for i in range(4)]
        for each in asked:
            self.assertEqual("nothing was lost", each.result().body.get("result"), each.result().body)
        context = daemon.context("c")
        writers = [f"thread{i}" for i in range(8)] + [f"command{i}" for i in range(4)]
        self.assertEqual({writer: rounds for writer in writers}, {key: context[key] for key in context if key != "all"})
        self.assertEqual({writer: rounds for writer in writers}, {row["id"]: row["round"] for row in context["all"]})


if __name__ == "__main__":
    unittest.main()
