"""Writes the table class × mode of docs/ISOLATION.md from results of hostile.py, between its two marks.

    matrix.py RESULTS.json… --write docs/ISOLATION.md     (without --write: to stdout)
"""
import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import faults

BEGIN, END = "<!-- matrix: written by tests/hostile/matrix.py -->", "<!-- end of the matrix -->"
NAMES = {"root": "root", "user": "user", "user-without-landlock": "user without Landlock"}
ORDER = {"held": 0, "degraded": 1, "not held": 2}


def cell(rows):
    """The worst of all faults of a class in a mode, and how often they were injected."""
    if not rows:
        return "–"
    worst = max((row["verdict"] for row in rows), key=ORDER.get)
    return worst if worst == "held" else f"**{worst}**"


def table(rows):
    by_class = {}
    for row in rows:
        by_class.setdefault(row["class"], []).append(row)
    listed = sorted(by_class, key=lambda cls: (int(cls.rstrip("ab")), cls))
    lines = ["| class | | faults | " + " | ".join(NAMES.values()) + " |", "| --- | --- | --- |" + " --- |" * len(NAMES)]
    for cls in listed:
        of = by_class[cls]
        count = len({row["fault"] for row in of})
        cells = [cell([row for row in of if row["mode"] == mode]) for mode in NAMES]
        lines.append(f"| {cls} | {faults.TITLES[cls]} | {count} | " + " | ".join(cells) + " |")
    notes = []
    for cls in listed:
        for mode, name in NAMES.items():
            seen = []
            for row in by_class[cls]:
                if row["mode"] == mode and row["verdict"] != "held":
                    remains = row["remains"] or "; ".join(row["problems"])[:200]
                    seen.append((row["verdict"], row["what"], remains))
            for verdict, what, remains in sorted(set(seen)):
                notes.append(f"- {cls}, {name}: {what}. {verdict.capitalize()}: {remains}.")
    unused = set()
    for mode, name in NAMES.items():
        for cls in listed:
            runs = {}
            for row in by_class[cls]:
                if row["mode"] == mode:
                    runs.setdefault(row["fault"], []).append(row)
            unused |= {(name, of[0]["what"], of[0]["unneeded"]) for of in runs.values()
                       if all(row.get("unneeded") for row in of)}
    notes += [f"- {name}: {what}. Held in these runs; it can come to this: {mark}." for name, what, mark in sorted(unused)]
    if notes:
        lines += ["", "What is not held, or only in part:", "", *notes]
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("results", nargs="+")
    parser.add_argument("--write")
    arguments = parser.parse_args()
    rows = [row for file in arguments.results for row in json.loads(Path(file).read_text())]
    text = f"{BEGIN}\n\n{table(rows)}\n\n{END}"
    if not arguments.write:
        print(text)
        return 0
    page = Path(arguments.write)
    before, _, rest = page.read_text().partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        print(f"{page} has not the two marks", file=sys.stderr)
        return 1
    page.write_text(before + text + after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
