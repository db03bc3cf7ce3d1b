#!/usr/bin/env python3
"""Whether long lists stall the daemon's loop: pages through 100,000 incidents, entries and indicators over the API and
prints the longest turn of the loop, as /metrics tells it, before and after, and what the first page costs beside the last:
the same where a page costs what it holds, wherever it lies. See docs/PERFORMANCE.md.

    cmake --preset bench && ninja -C build/bench longhauld longhaul-worker fill_store
    tests/bench/lists_bench.py            --rows N  --build FOLDER"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 1000  # rows of a page: the most that the API gives
TURNS = 21  # of the first and the last page

LISTS = (("incidents, newest first", "/incidents", "incidents", {}),
         ("incidents, oldest first", "/incidents", "incidents", {"order": "oldest"}),
         ("incidents of a type", "/incidents", "incidents", {"type": "Syslog"}),
         ("entries of an incident", "/incidents/1/entries", "entries", {}),
         ("indicators", "/indicators", "indicators", {}),
         ("indicators by prefix", "/indicators", "indicators", {"value": "host-9*"}))


def longest_turn_ms(daemon):
    text = daemon.request("GET", "/metrics").body
    return 1000 * float(re.search(r"^longhaul_loop_longest_turn_seconds (\S+)$", text, re.M).group(1))


def read_all(daemon, path, member, query):
    """The number of rows, and the cursors of all pages."""
    count, cursors = 0, [{}]
    while True:
        page = daemon.api("GET", path, limit=LIMIT, **query, **cursors[-1])
        count += len(page[member])
        if not page["more"]:
            return count, cursors
        cursors.append({"cursor": page["next"]})


def ends_of(daemon, path, query, cursors):
    """The median milliseconds of the first and of the last whole page, asked for in turn: what else the machine does
    costs both the same."""
    costs = [], []
    for _ in range(TURNS):
        for cursor, of_page in zip((cursors[0], cursors[-2]), costs):
            begun = time.monotonic()
            daemon.api("GET", path, limit=LIMIT, **query, **cursor)
            of_page.append(1000 * (time.monotonic() - begun))
    return [statistics.median(of_page) for of_page in costs]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="folder of the build (build/bench)")
    parser.add_argument("--rows", type=int, default=100_000)
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ.setdefault("LONGHAUL_BIN", str(build / "bin"))
    os.environ.setdefault("LONGHAUL_PLUGINS", str(build / "plugins"))
    sys.path.insert(0, str(ROOT / "tests/integration"))
    import harness
    daemon = harness.Daemon()
    try:
        database = daemon.state / "db" / "longhaul.db"
        database.parent.mkdir(mode=0o700)
        subprocess.run([build / "bin" / "fill_store", database, str(options.rows)], check=True)
        daemon.start()
        print(f"| list | rows | pages | first page, ms | last page, ms | longest turn so far, ms |\n"
              f"| --- | --- | --- | --- | --- | --- |\n| none yet | | | | | {longest_turn_ms(daemon):.2f} |")
        for name, path, member, query in LISTS:
            count, cursors = read_all(daemon, path, member, query)
            first, last = ends_of(daemon, path, query, cursors)
            print(f"| {name} | {count:,} | {len(cursors)} | {first:.1f} | {last:.1f} | {longest_turn_ms(daemon):.2f} |",
                  flush=True)
    finally:
        daemon.end()
        subprocess.run(["rm", "-rf", daemon.folder], check=False)
    print(f"\nload average at the end: {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
