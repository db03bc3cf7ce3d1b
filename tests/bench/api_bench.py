#!/usr/bin/env python3
"""What the API costs the daemon's loop, which everything else waits for: the processor time of its thread for one answer, with
many instances that run; and a hundred streams of events. See docs/PERFORMANCE.md.

    cmake --preset bench && ninja -C build/bench longhauld longhaul-worker longhaul-symbols heartbeat
    tests/bench/api_bench.py            --instances N  --clients N  --build FOLDER"""
import argparse
import json
import os
import selectors
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROUNDS = 21
EVENTS = 200
START_S = 600

ASKED = ("/api/v1/instances", "/api/v1/instances/i-0", "/api/v1/activity?minutes=60", "/api/v1/activity", "/metrics",
         "/api/v1/incident-counts", "/api/v1/openapi.json", "/readyz?verbose")


def loop_ms(pid):
    """Processor time of the main thread, which is the loop."""
    return int(Path(f"/proc/{pid}/task/{pid}/schedstat").read_text().split()[0]) / 1e6


def idle_ms(daemon):
    """What the loop takes by itself in the time of a round."""
    before, begun = loop_ms(daemon.pid), time.monotonic()
    selectors.DefaultSelector().select(1)
    return (loop_ms(daemon.pid) - before) / (time.monotonic() - begun)


def answers(daemon):
    print("| asked | bytes | loop's processor time, ms | lowest – highest | answer, ms |\n| --- | --- | --- | --- | --- |")
    for target in ASKED:
        costs, times, size = [], [], 0
        for _ in range(ROUNDS):
            before, begun = loop_ms(daemon.pid), time.monotonic()
            body = daemon.request("GET", target).body
            times.append(1000 * (time.monotonic() - begun))
            costs.append(loop_ms(daemon.pid) - before)
            size = len(body if isinstance(body, str) else json.dumps(body))
        print(f"| {target} | {size:,} | {statistics.median(costs):.2f} | {min(costs):.2f} – {max(costs):.2f} | "
              f"{statistics.median(times):.1f} |", flush=True)


def streams(daemon, harness, count):
    """EVENTS incidents while COUNT clients read: until the last has seen the last."""
    clients, waiting = [], selectors.DefaultSelector()
    for _ in range(count):
        connection = harness.UnixConnection(daemon.socket, START_S)
        connection.request("GET", "/api/v1/events?kind=incident")
        client = connection.sock  # the connection forgets it, as the answer has no end
        stream = connection.getresponse()
        stream.readline()
        clients.append((client, stream))
        waiting.register(client, selectors.EVENT_READ)
    last = f"event {EVENTS - 1}".encode()
    buffers = {client.fileno(): b"" for client, _ in clients}
    before, begun = loop_ms(daemon.pid), time.monotonic()
    for number in range(EVENTS):
        daemon.api("POST", "/incidents", {"name": f"event {number}"})
    made = time.monotonic() - begun
    left = set(buffers)
    while left:
        for key, _ in waiting.select(START_S):
            data = key.fileobj.recv(1 << 20)
            if not data:
                raise RuntimeError("a stream ended")
            buffers[key.fd] = buffers[key.fd][-200:] + data
            if last in buffers[key.fd]:
                left.discard(key.fd)
    cost = loop_ms(daemon.pid) - before
    for _, stream in clients:
        stream.close()
    print(f"\n{count} clients of events, {EVENTS} events: made in {made:.2f} s, the last client had the last after "
          f"{time.monotonic() - begun:.2f} s; the loop took {cost:.0f} ms, with the making {cost * 1000 / EVENTS / count:.1f} µs "
          f"an event and client")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="folder of the build (build/bench)")
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--clients", type=int, default=100)
    options = parser.parse_args()
    build = options.build.resolve()
    os.environ.setdefault("LONGHAUL_BIN", str(build / "bin"))
    os.environ.setdefault("LONGHAUL_PLUGINS", str(build / "plugins"))
    sys.path.insert(0, str(ROOT / "tests/integration"))
    import harness
    daemon = harness.Daemon(("heartbeat",))
    try:
        rows = [{"name": f"i-{number}", "plugin": "heartbeat", "parameters": {"intervalSeconds": 86400}}
                for number in range(options.instances)]
        daemon.instance_file("all", json.dumps({"instances": rows}))
        daemon.start()
        harness.until(lambda: f'longhaul_instances{{state="running"}} {options.instances}' in daemon.request("GET", "/metrics").body,
                      "all run", START_S)
        print(f"{options.instances} instances run; the loop by itself takes {idle_ms(daemon):.1f} ms a second\n")
        answers(daemon)
        streams(daemon, harness, options.clients)
    finally:
        daemon.end()
        subprocess.run(["rm", "-rf", daemon.folder], check=False)
    print(f"\nload average at the end: {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
