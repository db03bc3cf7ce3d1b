"""kill -9 of the daemon in the middle of a burst: every id that a plugin was given is there afterwards, none twice."""
import unittest

import harness

THREADS, BATCH = 4, 5


def faults_of(given, stored):
    """Compares what a plugin wrote down, [(name, id)], with what the store has, [(id, name)]. Gives what is wrong."""
    faults = []
    names_by_id, ids_by_name = {}, {}
    for id, name in stored:
        if id in names_by_id:
            faults.append(f"id {id} is there twice")
        if name in ids_by_name:
            faults.append(f"{name} was made twice: {ids_by_name[name]} and {id}")
        names_by_id[id], ids_by_name[name] = name, id
    given_ids = set()
    for name, id in given:
        if id in given_ids:
            faults.append(f"id {id} was given twice")
        given_ids.add(id)
        if id not in names_by_id:
            faults.append(f"{name} was acknowledged as {id} and is lost")
        elif names_by_id[id] != name:
            faults.append(f"{name} was acknowledged as {id}, which is {names_by_id[id]}")
    return faults


def given_in(folder, threads):
    """What a recorder wrote down in its folder, whole lines only: (name, id)."""
    rows = []
    for thread in range(threads):
        path = folder / f"given-{thread}.txt"
        text = path.read_text() if path.exists() else ""
        for line in text[: text.rfind("\n") + 1].splitlines():
            first, ids = line.split(" ")
            rows += [(f"{thread}/{int(first) + i}", id) for i, id in enumerate(ids.split(","))]
    return rows


class TheChecker(unittest.TestCase):
    """faults_of has to find what it is for."""
    GIVEN = [("0/0", "1"), ("0/1", "2")]
    STORED = [("1", "0/0"), ("2", "0/1"), ("3", "0/2")]

    def test_a_history_without_a_fault_has_none(self):
        self.assertEqual([], faults_of(self.GIVEN, self.STORED))

    def test_it_finds_a_lost_id(self):
        self.assertIn("lost", faults_of(self.GIVEN, [("1", "0/0"), ("3", "0/2")])[0])

    def test_it_finds_a_doubled_incident(self):
        self.assertIn("made twice", faults_of(self.GIVEN, self.STORED + [("4", "0/1")])[0])

    def test_it_finds_a_doubled_id(self):
        self.assertIn("there twice", faults_of(self.GIVEN, self.STORED + [("3", "0/3")])[0])

    def test_it_finds_an_id_given_twice(self):
        self.assertIn("given twice", faults_of(self.GIVEN + [("0/2", "2")], self.STORED)[0])

    def test_it_finds_an_id_that_is_another_incident(self):
        self.assertIn("which is", faults_of([("0/0", "2")], self.STORED)[0])


class DaemonKill(harness.DaemonTest):
    def given(self, daemon):
        return given_in(daemon.state / "data" / "recorder", THREADS)

    def wait_for_given(self, daemon, count):
        harness.until(lambda: len(self.given(daemon)) >= count, f"{count} incidents are acknowledged", 120)

    def test_what_was_acknowledged_is_there_and_nothing_twice(self):
        daemon = self.daemon("test_recorder")
        daemon.run_instance("recorder", "test-recorder", {"threads": THREADS, "batch": BATCH})
        for round in range(1, 4):
            before = len(self.given(daemon))
            self.wait_for_given(daemon, before + 1000)
            daemon.kill()
            at_the_end = self.given(daemon)
            self.assertGreaterEqual(len(at_the_end), before + 1000)
            daemon.start()
            daemon.wait("recorder")
            stored = [(row["id"], row["name"]) for row in daemon.incidents(instance="recorder")]
            self.assertEqual([], faults_of(at_the_end, stored)[:5], f"after kill {round}")

        # The calls that were under way when the daemon died were asked again under their keys: done once.
        self.wait_for_given(daemon, len(self.given(daemon)) + 100)
        daemon.cli("disable", "recorder")
        given = self.given(daemon)
        stored = [(row["id"], row["name"]) for row in daemon.incidents(instance="recorder")]
        self.assertEqual([], faults_of(given, stored)[:5])
        for thread in range(THREADS):
            numbers = sorted(int(name.split("/")[1]) for _, name in stored if name.startswith(f"{thread}/"))
            self.assertEqual(list(range(len(numbers))), numbers, f"thread {thread} has a gap")


if __name__ == "__main__":
    unittest.main()
