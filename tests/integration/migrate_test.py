"""A context over releases of its plugin that change its form: migrated upwards, put back downwards, and never of two
releases at once, whatever the migration does and whenever the daemon dies."""
import contextlib
import json
import os
import random
import sqlite3
import threading
import time
import unittest

import harness

KILLS = int(os.environ.get("LONGHAUL_KILLS", "8"))
OLD = {"form": 1, "count": 7}


class Migrate(harness.DaemonTest):
    def running(self, plugin="test_mover_1", context=None, **more):
        daemon = self.daemon()
        daemon.drop(plugin, "mover.so")
        daemon.run_instance("m", "test-mover", **more)
        # What the plugin itself writes has its form; an operator's write leaves the form as it is.
        self.command(daemon, "count")
        if context is not None:
            daemon.api("PUT", "/instances/m/context", {"values": context})
        return daemon

    def command(self, daemon, name):
        return json.loads(daemon.cli("exec", "m", name, "-o", "json"))

    def swap(self, daemon, plugin, version):
        """Drops it and waits until it is what runs."""
        daemon.drop(plugin, "mover.so")
        return harness.until(lambda: (worker := daemon.instance("m").get("current", {})).get("version") == version
                             and "readyAt" in worker and worker, f"{version} runs")

    def log_has(self, daemon, text):
        return harness.until(lambda: text in daemon.cli("logs", "m", "-n", "200"), f"the log says: {text}")

    def database(self, daemon):
        path = next(daemon.state.glob("**/longhaul.db"))
        return contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True))

    def schema(self, daemon):
        """Of the context, as stored."""
        with self.database(daemon) as database:
            return database.execute("SELECT context_schema FROM states").fetchone()[0]

    def snapshots(self, daemon):
        return daemon.api("GET", "/instances/m/context/snapshots")["snapshots"]

    def gives_up(self, daemon, why):
        """The release of form 2 is dropped, fails, and the one of before serves again with what it had."""
        before = daemon.api("GET", "/instances/m/context")
        old = daemon.instance("m")["current"]
        daemon.drop("test_mover_2", "mover.so")
        harness.until(lambda: any(why in death["card"]["text"] for death in daemon.api("GET", "/instances/m/deaths")["deaths"]),
                      f"the migration ends with {why}")
        again = harness.until(lambda: (worker := daemon.instance("m").get("current", {})).get("version") == "1.0.0"
                              and worker["generation"] > old["generation"] and "readyAt" in worker and worker,
                              "1.0.0 serves again")
        self.assertEqual(old["digest"], again["digest"])
        self.assertEqual(before, daemon.api("GET", "/instances/m/context"))
        self.assertEqual(before["values"], self.command(daemon, "show"))
        self.assertEqual(1, self.schema(daemon))

    def test_upwards_the_context_is_migrated_before_create(self):
        daemon = self.running(context=OLD)
        version = daemon.api("GET", "/instances/m/context")["version"]
        self.swap(daemon, "test_mover_2", "2.0.0")
        self.assertEqual({"form": 2, "count": 7}, self.command(daemon, "show"))
        context = daemon.api("GET", "/instances/m/context")
        self.assertEqual({"form": 2, "count": 7}, context["values"])
        self.assertEqual(version + 1, context["version"], "it is one write")
        self.assertEqual(2, self.schema(daemon))
        self.log_has(daemon, "migrated from stateSchema 1 to 2")
        # Another start of the same finds nothing to migrate.
        daemon.cli("restart", "m")
        daemon.wait("m")
        self.assertEqual(version + 1, daemon.api("GET", "/instances/m/context")["version"])

    def test_a_migration_that_fails_leaves_the_release_of_before_with_its_context(self):
        for how, why in {"throws": "longhaul.migrate failed: there is no way from 1", "crashes": "SIGABRT",
                         "gives-a-list": "longhaul.migrate failed: its result was not written",
                         "gives-too-much": "longhaul.migrate failed: its result was not written",
                         "hangs": "ready"}.items():
            with self.subTest(how):
                daemon = self.running(context={**OLD, "how": how})
                self.gives_up(daemon, why)
                daemon.end()

    def test_a_way_back_restores_the_form_of_before_and_keeps_what_came_since(self):
        daemon = self.running(context=OLD)
        self.swap(daemon, "test_mover_2", "2.0.0")
        self.command(daemon, "count")
        self.assertEqual({"form": 2, "count": 8}, daemon.context("m"))
        self.swap(daemon, "test_mover_1", "1.0.0")
        self.assertEqual(OLD, self.command(daemon, "show"))
        self.assertEqual(OLD, daemon.context("m"))
        self.assertEqual(1, self.schema(daemon))
        kept = self.snapshots(daemon)
        self.assertEqual([2, 1], [row["stateSchema"] for row in kept])
        self.log_has(daemon, f"is kept as snapshot {kept[0]['id']}: longhaul context snapshots m {kept[0]['id']}")
        self.assertEqual({"form": 2, "count": 8}, json.loads(daemon.cli("context", "snapshots", "m", kept[0]["id"], "-o", "json")))

    def test_a_release_that_fails_after_its_migration_is_undone_as_a_whole(self):
        daemon = self.running(context={**OLD, "then": "fails"})
        before = daemon.api("GET", "/instances/m/context")
        daemon.drop("test_mover_2", "mover.so")
        harness.until(lambda: any("does not like it" in death["card"]["text"]
                                  for death in daemon.api("GET", "/instances/m/deaths")["deaths"]), "the constructor fails")
        harness.until(lambda: (worker := daemon.instance("m").get("current", {})).get("version") == "1.0.0"
                      and "readyAt" in worker, "1.0.0 serves again")
        after = daemon.api("GET", "/instances/m/context")
        self.assertEqual(before["values"], after["values"])
        self.assertGreater(after["version"], before["version"])
        self.assertEqual(1, self.schema(daemon))

    def test_without_a_migration_the_context_is_given_as_it_is_with_a_warning(self):
        daemon = self.running(context=OLD)
        self.swap(daemon, "test_mover_2_plain", "2.0.0")
        self.assertEqual(OLD, self.command(daemon, "show"))
        self.log_has(daemon, "written under stateSchema 1, the plugin's is 2, and the plugin offers no longhaul.migrate/1")
        self.assertEqual(1, self.schema(daemon))

    def test_downwards_without_a_snapshot_it_is_migrated_or_given_as_it_is(self):
        for plugin, found in {"test_mover_1": {"form": 1, "count": 1}, "test_mover_1_plain": {"form": 2, "count": 1}}.items():
            with self.subTest(plugin):
                daemon = self.running("test_mover_2")
                self.swap(daemon, plugin, "1.0.0")
                self.assertEqual(found, self.command(daemon, "show"))
                daemon.end()

    def test_a_worker_for_commands_alone_migrates_too(self):
        daemon = self.running(context=OLD)
        daemon.cli("disable", "m")
        daemon.wait("m", "stopped")
        daemon.drop("test_mover_2", "mover.so")
        harness.until(lambda: any(row["version"] == "2.0.0" for row in daemon.api("GET", "/plugins")["plugins"]), "it is known")
        self.assertEqual({"form": 2, "count": 7}, self.command(daemon, "show"))
        self.assertEqual(2, self.schema(daemon))
        # And back.
        daemon.drop("test_mover_1", "mover.so")
        harness.until(lambda: all(row["version"] == "1.0.0" for row in daemon.api("GET", "/plugins")["plugins"]), "it is known")
        self.assertEqual(OLD, self.command(daemon, "show"))

    def test_kills_of_the_daemon_around_the_write_leave_one_form(self):
        """The context and its schema are both old or both new; what comes up then is whole, either way."""
        seed = int(os.environ.get("LONGHAUL_SEED", time.time_ns() % 1_000_000))
        chosen = random.Random(seed)
        daemon = self.running(context={**OLD, "big": "x" * 900_000})
        seen = {1: 0, 2: 0}
        for round in range(KILLS):
            newer = round % 2 == 0
            want = 2 if newer else 1
            daemon.drop("test_mover_2" if newer else "test_mover_1", "mover.so")
            # Half of the kills come where the swap is seen to be on, the others anywhere.
            if chosen.random() < 0.5:
                harness.until(lambda: daemon.instance("m").get("current", {}).get("version") == f"{want}.0.0", "the swap is on")
            else:
                threading.Event().wait(chosen.random() * 1.2)
            daemon.kill()
            with self.database(daemon) as database:
                schema = database.execute("SELECT context_schema FROM states").fetchone()[0]
                form = database.execute("SELECT value FROM context WHERE key = 'form'").fetchone()[0]
                count = database.execute("SELECT value FROM context WHERE key = 'count'").fetchone()[0]
            self.assertEqual((str(schema), "7"), (form, count), f"LONGHAUL_SEED={seed}, round {round}")
            seen[schema] += 1
            daemon.start()
            harness.until(lambda: (worker := daemon.instance("m").get("current", {})).get("version") == f"{want}.0.0"
                          and "readyAt" in worker, f"{want}.0.0 runs")
            self.assertEqual(want, self.command(daemon, "show")["form"], f"LONGHAUL_SEED={seed}, round {round}")
        print(f"kills that found form 1 and form 2: {seen}, LONGHAUL_SEED={seed}")


if __name__ == "__main__":
    unittest.main()
