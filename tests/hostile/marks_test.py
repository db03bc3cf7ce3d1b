"""The verdicts of hostile.py and the table of matrix.py, from results that are made up: a mark has to be exact."""
import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

from faults import Fault
import hostile
import matrix

MARK = {"user": (r"^check: reached", "its files are open")}


def judged(fault, *problems_of_runs, mode="user"):
    rows = [{"class": fault.cls, "fault": fault.id, "what": fault.what, "mode": mode, "seed": seed, "injected": 1,
             "problems": list(problems)} for seed, problems in enumerate(problems_of_runs)]
    for row in rows:
        row.update(hostile.verdict_of(fault, row))
    return rows, hostile.unneeded_marks(rows, {fault.id: fault})


class MarksTest(unittest.TestCase):
    def test_a_mark_that_is_needed_is_degraded_and_expected(self):
        rows, unneeded = judged(Fault("21", "siblings", "gentle", "reads", degraded=MARK), ["check: reached: mem"])
        self.assertEqual((rows[0]["verdict"], rows[0]["expected"]), ("degraded", True))
        self.assertEqual(unneeded, [])

    def test_a_mark_that_no_run_needed_is_a_failure_and_is_told_in_the_table(self):
        rows, unneeded = judged(Fault("21", "siblings", "gentle", "reads", degraded=MARK), [], [])
        self.assertEqual(unneeded, [("user", "siblings/gentle", "its files are open", True)])
        self.assertIn("Held in these runs; it can come to this: its files are open", matrix.table(rows))

    def test_a_mark_that_one_of_the_runs_needed_is_needed(self):
        rows, unneeded = judged(Fault("21", "siblings", "gentle", "reads", degraded=MARK), [], ["check: reached: mem"])
        self.assertEqual(unneeded, [])
        self.assertNotIn("Held in these runs", matrix.table(rows))

    def test_where_a_race_decides_an_unneeded_mark_is_told_and_is_no_failure(self):
        fault = Fault("10", "bombs", "forks", "a fork bomb", degraded=MARK, races=True)
        self.assertEqual([failure for *_, failure in judged(fault, [])[1]], [False])

    def test_a_mark_of_another_mode_does_not_count(self):
        fault = Fault("21", "siblings", "gentle", "reads", degraded=MARK)
        rows, unneeded = judged(fault, ["check: reached: mem"], mode="root")
        self.assertEqual((rows[0]["verdict"], rows[0]["expected"], unneeded), ("not held", False, []))
        self.assertEqual(judged(fault, [], mode="root")[1], [])


if __name__ == "__main__":
    unittest.main()
