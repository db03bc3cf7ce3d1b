"""Crash cards: whoever looks in the morning sees what happened without a debugger. The faults that plugins really have
(tests/plugins/seeded.cpp), stacks that are used up, names by a process that is thrown away, and no secret in any of it."""
import base64
import json
import os
import signal
import sqlite3
import subprocess
import unittest
import urllib.parse
from datetime import datetime, timedelta, timezone

from harness import BIN, DaemonTest, until

PLUGIN = "test-seeded"
NEVER = {"restart": {"policy": "never"}}
CALLS = ["createIncidents", "patchIntegrationContext", "mergeIntegrationContext", "setLastRun", "updateModuleHealth"]
# fault -> (class, signal or code, the functions that a reader may be sent to)
FAULTS = {
    "null-loop": ("signal", "SIGSEGV", ["nullInLoop"]),
    "null-thread": ("signal", "SIGSEGV", ["nullInThread"]),
    "null-command": ("signal", "SIGSEGV", ["nullInCommand"]),
    "abort": ("signal", "SIGABRT", ["giveUp"]),
    "assert": ("signal", "SIGABRT", ["assertSomething"]),
    "throw": ("signal", "SIGABRT", ["throwInThread"]),
    "pure-virtual": ("signal", "SIGABRT", ["Shape::measure", "callPureVirtual"]),
    "double-free": ("signal", "SIGABRT", ["freeTwice"]),
    "overflow-main": ("stack-overflow", "SIGSEGV", ["recurse"]),
    "overflow-thread": ("stack-overflow", "SIGSEGV", ["recurse"]),
    "divide": ("signal", "SIGFPE", ["divideByZero"]),
    "illegal": ("signal", "SIGILL", ["illegalInstruction"]),
    "bus": ("signal", "SIGBUS", ["readPastTheFile"]),
    "wild-call": ("signal", "SIGSEGV", ["callWildPointer"]),
    "null-call": ("signal", "SIGSEGV", ["callNull"]),
    "smashed": ("signal", "SIGSEGV", ["returnToGarbage"]),
    "deep": ("signal", "SIGSEGV", ["deepest"]),
    "lambda": ("signal", "SIGSEGV", ["inLambda()::{lambda"]),
    "signal-handler": ("signal", "SIGSEGV", ["onSignal"]),
    "memcpy": ("signal", "SIGSEGV", ["copyFromNowhere"]),
    "strlen": ("signal", "SIGSEGV", ["measureNowhere"]),
    "raise": ("signal", "SIGSEGV", ["raiseIt"]),
}
OVERFLOWS = {"overflow-circle": ["ping", "pong"], "overflow-tiny": ["recurse"],
             "overflow-own-stack": ["recurse"], "overflow-c11": ["recurse"]}
CANARY = "canary-41c7-secret\"quoted"


class CardsTest(DaemonTest):
    def host(self, *plugins):
        daemon = self.daemon(*(plugins or ("test_seeded",)), started=False)
        # A sanitizer that finds a fault ends the worker as the C library would.
        daemon.environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":abort_on_error=1:detect_leaks=0"
        daemon.start()
        return daemon

    def deaths(self, daemon, name, **query):
        return daemon.api("GET", f"/instances/{name}/deaths", **query)["deaths"]

    def card(self, daemon, name, count=1):
        """Of its newest end, once it has COUNT ends and the names were found, or could not be."""
        def found():
            rows = self.deaths(daemon, name, limit=100)
            return len(rows) >= count and rows[0]["card"].get("names", {}).get("state") != "pending" and rows[0]["card"]
        return until(found, f"{name} ended, and its card is complete")

    def crash(self, daemon, fault, last="setLastRun", plugin=PLUGIN, **more):
        if fault != "null-command":
            daemon.put_instance(fault, plugin, {"fault": fault, "last": last, **more}, **NEVER)
            daemon.wait_known(fault)
            return
        daemon.run_instance(fault, plugin, {"last": last, **more}, **NEVER)
        daemon.cli("exec", fault, "fault", code=None)

    def test_of_twenty_faults_nineteen_have_their_function_and_the_last_server_call(self):
        daemon = self.host()
        self.assertGreaterEqual(len(FAULTS), 20)
        last = {fault: CALLS[number % len(CALLS)] for number, fault in enumerate(FAULTS)}
        for fault in FAULTS:
            self.crash(daemon, fault, last[fault])
        missed = []
        for fault, (exit_class, signal_name, functions) in FAULTS.items():
            card = self.card(daemon, fault)
            self.assertEqual((exit_class, signal_name), (card["class"], card.get("signal")), card)
            function = card.get("function", "").replace("(anonymous namespace)::", "")
            call = card["lastCalls"][-1]["call"] if card["lastCalls"] else "none"
            if call != last[fault] or not function.startswith(tuple(functions)):
                missed.append(f"{fault}: in {function or card.get('where')}, wanted {functions}; after {call}, wanted "
                              f"{last[fault]}\n    {card.get('crash', card)}")
        print(f"{len(FAULTS) - len(missed)} of {len(FAULTS)} have both; missed:", *(missed or ["none"]), sep="\n  ")
        self.assertLessEqual(20 * len(missed), len(FAULTS))

        # The same in words: a list, a card, a line in status and in explain.
        self.assertIn("SIGSEGV", daemon.cli("deaths", "deep"))
        text = daemon.cli("deaths", "deep", "last")
        for words in ("deep ended", "in (anonymous namespace)::deepest(int const*)+0x", "Stack of the main thread",
                      "deeper(int const*)+0x", "readDeepDown()+0x", "longRunningExecution", "Last server calls", "OK in",
                      "addr2line -Cfipe PLUGIN.so 0x", "seen for the first time"):
            self.assertIn(words, text)
        self.assertIn("in (anonymous namespace)::deepest(int const*)+0x", daemon.cli("status", "deep"))
        self.assertIn("in:        (anonymous namespace)::deepest(int const*)+0x", daemon.cli("explain", "deep"))
        self.assertIn("deepest(int const*)", daemon.instance("deep")["lastEnd"]["where"])
        card = self.card(daemon, "deep")
        self.assertEqual(len(card["crash"]["frames"]), len(card["crash"]["functions"]))
        self.assertRegex(card["modules"]["plugin"], "^[0-9a-f]{40}$")
        self.assertRegex(card["configHash"], "^[0-9a-f]{16}$")
        # What was called with a bad pointer is named too, and so is who called to where no code is.
        self.assertRegex(self.card(daemon, "strlen")["where"], r"measureNowhere\(\).*, calling \S*strlen")
        self.assertIn(", calling 0x10020, where no code is", self.card(daemon, "wild-call")["where"])
        self.assertRegex("\n".join(self.card(daemon, "wild-call")["crash"]["functions"]), "longRunningExecution")

    def test_a_stack_that_is_used_up_is_told_from_a_bad_address_on_any_thread(self):
        daemon = self.host()
        for fault in [*OVERFLOWS, "null-near-end"]:
            self.crash(daemon, fault)
        for fault, functions in OVERFLOWS.items():
            card = self.card(daemon, fault)
            self.assertEqual("stack-overflow", card["class"], card)
            self.assertIn(card["function"].split("::")[-1].split("(")[0], functions, card["where"])
        card = self.card(daemon, "null-near-end")
        self.assertEqual(("signal", "SIGSEGV"), (card["class"], card["signal"]), card["text"])

    def test_ends_that_look_alike_are_counted_over_restarts_of_worker_and_daemon(self):
        daemon = self.host()
        prints = {}
        for fault in ("deep", "throw", "overflow-circle"):
            daemon.put_instance(fault, PLUGIN, {"fault": fault}, **NEVER)
            daemon.wait_known(fault)
            prints[fault] = self.card(daemon, fault)["fingerprint"]
        daemon.stop()
        daemon.start()
        for fault in prints:
            # A start of the daemon starts it again.
            self.assertEqual(prints[fault], self.card(daemon, fault, 2)["fingerprint"])
            rows = self.deaths(daemon, fault, limit=1)
            self.assertEqual(2, rows[0]["seenCount"])
            self.assertEqual(self.deaths(daemon, fault)[1]["at"], rows[0]["firstSeenAt"])
            self.assertIn("seen 2 times among the ends that are kept", daemon.cli("deaths", fault, "last"))
        self.assertEqual(3, len(set(prints.values())))

    def test_a_stripped_plugin_keeps_its_offsets_and_says_why_it_has_no_names(self):
        daemon = self.host("test_seeded_stripped")
        self.crash(daemon, "deep", plugin="test-seeded-stripped")
        card = self.card(daemon, "deep")
        self.assertRegex(card["where"], r"^plugin\+0x[0-9a-f]+$")
        self.assertNotIn("function", card)
        # The system's libraries and the worker still have theirs.
        self.assertIn("longhaul::host::worker::runWorker", "\n".join(card["crash"]["functions"]))
        self.assertEqual("found", card["names"]["state"])
        self.assertIn("plugin+0x", daemon.cli("deaths", "deep", "last"))

    def test_a_card_whose_daemon_was_killed_before_the_names_has_them_after_the_next_start(self):
        daemon = self.host()
        self.crash(daemon, "deep")
        self.card(daemon, "deep")
        daemon.kill()
        # As it was stored at once, before the names were found.
        for database in (daemon.state / "db").glob("*.db"):
            with sqlite3.connect(database) as store:
                row = store.execute("SELECT id, card FROM deaths").fetchone()
                card = json.loads(row[1])
                for member in ("function", "where"):
                    del card[member]
                del card["crash"]["functions"]
                card["names"] = {"state": "pending"}
                store.execute("UPDATE deaths SET card = ? WHERE id = ?", (json.dumps(card), row[0]))
        daemon.start()
        self.assertIn("deepest", until(lambda: self.card(daemon, "deep").get("function"), "the names were found"))

    def test_without_the_program_that_finds_names_the_card_stays_and_says_so(self):
        daemon = self.daemon("test_seeded", started=False)
        worker = daemon.folder / "longhaul-worker"
        worker.write_bytes((BIN / "longhaul-worker").read_bytes())
        worker.chmod(0o755)
        symbols = daemon.folder / "longhaul-symbols"
        daemon.arguments = ["--worker", str(worker)]
        daemon.start()
        self.crash(daemon, "deep")
        card = self.card(daemon, "deep")
        self.assertEqual("missing", card["names"]["state"])
        self.assertIn("is Longhaul installed completely?", card["names"]["why"])
        self.assertRegex(card["where"], r"^plugin\+0x[0-9a-f]+$")
        self.assertIn("without names: ", daemon.cli("deaths", "deep", "last"))
        # One that dies, one that never answers, one that answers garbage, one without end.
        for number, (script, why) in enumerate((("kill -ABRT $$", "died of one of the files"),
                                                ("echo nonsense", "no whole answer"),
                                                ("echo '{\"functions\":[[]]}'", "no whole answer"),
                                                ("while :; do echo 0123456789; done", "has no end"),
                                                ("exec sleep 1000", "took too long"))):
            symbols.write_text(f"#!/bin/sh\n{script}\n")
            symbols.chmod(0o755)
            daemon.cli("release", "deep", code=None)
            card = self.card(daemon, "deep", number + 2)
            self.assertEqual("missing", card["names"]["state"], (script, card["names"]))
            self.assertIn(why, card["names"]["why"], script)
        self.assertTrue(daemon.request("GET", "/livez").status == 200)

    def test_what_it_used_before_is_a_curve(self):
        daemon = self.host()
        started = datetime.fromisoformat(
            daemon.run_instance("steady", PLUGIN, **NEVER)["current"]["startedAt"].replace("Z", "+00:00"))
        # A look each two seconds, the first one soon.
        until(lambda: datetime.now(timezone.utc) - started > timedelta(seconds=3), "it was looked at twice")
        os.kill(daemon.worker_pid("steady"), signal.SIGSEGV)
        card = self.card(daemon, "steady")
        usage = card["usage"]
        counts = {len(usage[member]) for member in ("beforeEndMs", "memoryBytes", "cpuPercent", "threads")}
        self.assertEqual(1, len(counts), usage)
        self.assertGreaterEqual(counts.pop(), 2)
        self.assertEqual(sorted(usage["beforeEndMs"], reverse=True), usage["beforeEndMs"])
        self.assertTrue(all(value > 0 for value in usage["memoryBytes"] + usage["threads"]))
        self.assertRegex(daemon.cli("deaths", "steady", "last"), "memory   [▁▂▃▄▅▆▇█]+  last .* MiB, at most ")
        # Somebody else sent it: where the plugin was says nothing.
        self.assertEqual(f"process {os.getpid()}", card["crash"]["sentBy"])

    # ---- secrets
    def forms(self, secret):
        """The secret as bytes in each form that a host or a library could have given it."""
        data = secret.encode()
        forms = {data, json.dumps(secret)[1:-1].encode(), urllib.parse.quote(secret, safe="").encode(), data.hex().encode()}
        for before in range(3):
            inside = base64.b64encode(b"x" * before + data)
            forms.add(inside[(before * 8 + 5) // 6:(before * 8 + len(data) * 8) // 6])
        forms.add(data[:15])  # as a thread's name is cut
        return forms

    def everything(self, daemon, names):
        found = {str(path): path.read_bytes() for path in daemon.folder.rglob("*")
                 if path.is_file() and path.parent != daemon.instances and path.name not in ("token.txt", "apply.yaml")}
        targets = ["/api/v1/instances", "/api/v1/audit", "/metrics"]
        for name in names:
            targets += [f"/api/v1/instances/{name}", f"/api/v1/instances/{name}/deaths?limit=100",
                        f"/api/v1/instances/{name}/explain", f"/api/v1/instances/{name}/logs?n=1000"]
        for target in targets:
            body = daemon.request("GET", target).body
            found[target] = (body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)).encode()
        for name in names:
            for words in (["deaths", name], ["deaths", name, "last"], ["deaths", name, "last", "-o", "json"],
                          ["status", name], ["explain", name], ["logs", name]):
                _, out, err = daemon.cli(*words, code=None)
                found["longhaul " + " ".join(words)] = (out + err).encode()
        return found

    def test_no_secret_is_on_a_card_or_anywhere_else(self):
        daemon = self.host()
        token = daemon.folder / "token.txt"
        token.write_text(CANARY)
        token.chmod(0o600)
        sealed = subprocess.run([BIN / "longhaul", "--address", f"unix:{daemon.socket}", "secret", "encrypt", "sealed",
                                 "token", "-"], input=CANARY + "\n", capture_output=True, text=True, check=True).stdout.strip()
        names = {"by-file": ("spill", f"${{file:{token}}}"), "sealed": ("spill-thread", sealed),
                 "fails": ("error", f"${{file:{token}}}")}
        for name, (fault, reference) in names.items():
            daemon.put_instance(name, PLUGIN, {"fault": fault, "token": reference}, **NEVER)
            daemon.wait_known(name)
        apply = daemon.folder / "apply.yaml"
        apply.write_text(json.dumps({"instances": [{"name": "plain", "plugin": PLUGIN, **NEVER,
                                                    "parameters": {"fault": "spill", "token": CANARY}}]}))
        daemon.cli("apply", "-f", apply)
        for name in (*names, "plain"):
            until(lambda: self.deaths(daemon, name), f"{name} ended")
            card = self.card(daemon, name)
            if name == "fails":
                self.assertEqual(("error", "create threw: no login with ***"), (card["class"], card["text"]))
                continue
            self.assertEqual("signal", card["class"], card)
            self.assertIn("login with *** failed", card["stderr"])
            self.assertIn("spill", card["function"])
        self.assertRegex(self.card(daemon, "sealed")["crash"]["thread"], r"^\*\*\* \(")
        self.assertEqual("no login with ***", daemon.instance("plain")["health"]["text"])
        forms = self.forms(CANARY)
        for place, data in self.everything(daemon, [*names, "plain"]).items():
            self.assertEqual([], [form for form in forms if form in data], place)


if __name__ == "__main__":
    unittest.main()
