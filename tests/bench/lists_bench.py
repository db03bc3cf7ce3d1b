#!/usr/bin/env python3
"""Whether long lists stall the daemon's loop: pages through 100,000 incidents, entries and indicators over the API and
prints the longest turn of the loop, as /metrics tells it, before and after. See docs/PERFORMANCE.md.

    cmake --preset bench && ninja -C build/bench longhauld longhaul-worker fill_store
    tests/bench/lists_bench.py            --rows N  --build FOLDER"""
import argparse
import os
import re
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 1000  # rows of a page: the most that the API gives

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
    count, pages, cursor = 0, 0, {}
    while True:
        page = daemon.api("GET", path, limit=LIMIT, **query, **cursor)
        count, pages = count + len(page[member]), pages + 1
        if not page["more"]:
            return count, pages
        cursor = {"cursor": page["next"]}


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
        print(f"| list | rows | pages | s | longest turn so far, ms |\n| --- | --- | --- | --- | --- |\n"
              f"| none yet | | | | {longest_turn_ms(daemon):.2f} |")
        for name, path, member, query in LISTS:
            begun = time.monotonic()
            count, pages = read_all(daemon, path, member, query)
            print(f"| {name} | {count:,} | {pages} | {time.monotonic() - begun:.2f} | {longest_turn_ms(daemon):.2f} |",
                  flush=True)
    finally:
        daemon.end()
        subprocess.run(["rm", "-rf", daemon.folder], check=False)
    print(f"\nload average at the end: {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
