#!/usr/bin/env python3
"""Longhaul's speed and memory, each figure beside its yardstick in the same run: see docs/PERFORMANCE.md.

    cmake --preset bench && cmake --build --preset bench
    tests/bench/bench.py                      all, as a table
    tests/bench/bench.py --only call,restart --repeat 9 --json figures.json

A real daemon runs in a folder of its own (TMPDIR chooses the disk), with instances of two plugins that measure from
inside of their workers: one in C, one in C++ on the SDK. Both sides run in turn, --repeat times; what is printed is the
median of each side with its lowest and highest, and the ratio of the medians."""
import argparse
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INSTANCES = 64  # of each plugin
IDLE = 100
HEADING = ("figure", "plugin", "yardstick", "ours", "unit", "ratio", "target", "")


def load_harness(build):
    """tests/integration/harness.py with the build's programs."""
    os.environ.setdefault("LONGHAUL_BIN", str(build / "bin"))
    os.environ.setdefault("LONGHAUL_PLUGINS", str(build / "plugins"))
    sys.path.insert(0, str(ROOT / "tests/integration"))
    import harness
    return harness


class Side:
    """What one side measured, round by round."""

    def __init__(self, values):
        self.values = values
        self.median, self.low, self.high = statistics.median(values), min(values), max(values)

    def json(self):
        return {"median": self.median, "low": self.low, "high": self.high, "rounds": len(self.values)}


class Nginx:
    """One nginx that hands on to another, one process each, both on Unix sockets. Runs inside of its block."""

    def __init__(self, harness, folder):
        self.harness, self.folder, self.front, self.processes = harness, folder, folder / "front.sock", []
        self.program = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")
        if self.program is None:
            raise RuntimeError("nginx is not installed: cmake/install_packages.sh bench")
        folder.mkdir(mode=0o755)

    def begin(self, name, server):
        temporary = "".join(f"{kind}_temp_path {self.folder}/{name}.{kind};" for kind in
                            ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        path = self.folder / f"{name}.conf"
        path.write_text(f"""{'user root;' if os.getuid() == 0 else ''} worker_processes 1; daemon off; pid {self.folder}/{name}.pid;
error_log {self.folder}/{name}.log; events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 10000000; {temporary}
{server} }}""")
        self.processes.append(subprocess.Popen([self.program, "-e", self.folder / f"{name}.log", "-c", path]))
        self.harness.until((self.folder / f"{name}.sock").exists, f"nginx {name} listens", 20)

    def __enter__(self):
        self.begin("back", f'server {{ listen unix:{self.folder}/back.sock; location / {{ return 200 "1 12345"; }} }}')
        self.begin("front", f"""upstream back {{ server unix:{self.folder}/back.sock; keepalive 64; keepalive_requests 10000000; }}
server {{ listen unix:{self.front}; proxy_http_version 1.1; proxy_set_header Connection ""; location / {{ proxy_pass http://back; }} }}""")
        return self

    def __exit__(self, *_):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(20)


class Bench:
    def __init__(self, options, harness):
        self.options, self.harness = options, harness
        self.run = int(time.time()) * 1000  # numbers of orders grow, also over two daemons in one folder
        self.rows = []
        self.daemon = None

    # ---- the two sides
    def yardstick(self, name, *words):
        done = subprocess.run([Path(os.environ["LONGHAUL_BIN"]) / f"yardstick_{name}", *map(str, words)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"yardstick_{name} {words}: {done.stderr}")
        return json.loads(done.stdout)

    def start_daemon(self, count, settings="", limits="limits: {calls_per_second: 0}\n", lines_per_second=0):
        daemon = self.daemon = self.harness.Daemon(("bench_c", "bench_cpp"))
        # No limit of calls and lines, no rotation that would lose some; a kill each second is meant to be restarted at once.
        (daemon.folder / "longhaul.yaml").write_text(
            f"{limits}log: {{lines_per_second: {lines_per_second}, file_bytes: 1GiB, files: 4}}\n"
            "restart: {first_delay: 10ms, forgotten_after: 1s, window: 1s, crash_loop_count: 1000,\n"
            "          quarantine_count: 1000}\n" + settings)
        self.control = {}
        rows = []
        for plugin in ("c", "cpp"):
            self.control[plugin] = daemon.folder / f"control-{plugin}"
            self.control[plugin].mkdir()
            self.control[plugin].chmod(0o777)  # workers have uids of their own
            rows += [{"name": f"{plugin}-{i}", "plugin": f"bench-{plugin}", "grants": self.grants(plugin),
                      "parameters": {"control": str(self.control[plugin]), "index": i}} for i in range(count[plugin])]
        daemon.instance_file("bench", json.dumps({"instances": rows}))
        daemon.start()
        for row in rows:
            self.harness.until(self.data(row["name"], "started").exists, f"{row['name']} runs", 120)

    def grants(self, plugin):
        """What the manifest asks for, and the folder of the orders' sockets."""
        manifest = json.loads((ROOT / f"tests/bench/plugins/bench_{plugin}.json").read_text())
        return {**manifest["grants"], "paths": {"write": [str(self.control[plugin])]}}

    def stop_daemon(self):
        if self.daemon is not None:
            self.daemon.end()
            subprocess.run(["rm", "-rf", self.daemon.folder], check=False)
            self.daemon = None

    def data(self, instance, name):
        return self.daemon.state / "data" / instance / name

    def order(self, plugin, mode, threads=1, per_call=1, workers=1):
        """Calls/s, units/s, and the slowest worker's p50 and p99 in µs."""
        run = self.send_order(plugin, mode, range(workers), threads, per_call)
        return self.result(plugin, mode, run, workers)

    def send_order(self, plugin, mode, indices, threads=1, per_call=1, seconds=None):
        self.run += 1
        text = f"{self.run} {mode} {threads} {per_call} {int((seconds or self.options.seconds) * 1000)}"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as orders:
            for i in indices:
                orders.sendto(text.encode(), str(self.control[plugin] / str(i)))
        return self.run

    def result(self, plugin, mode, run, workers):
        calls = units = failed = 0.0
        counted = 0
        p50 = p99 = 0
        for i in range(workers):
            path = self.data(f"{plugin}-{i}", f"result-{run}")
            self.harness.until(path.exists, f"{path} is written", 60)
            count, rows, refused, began, ended, half, most = map(int, path.read_text().split())
            seconds = (ended - began) / 1e9
            calls, units, failed = calls + count / seconds, units + rows / seconds, failed + refused
            p50, p99, counted = max(p50, half), max(p99, most), counted + count
        if failed and mode != "log":
            raise RuntimeError(f"{plugin} {mode}: {failed:.0f} calls failed")
        return {"calls": calls, "units": units, "counted": counted, "p50": p50 / 1000, "p99": p99 / 1000}

    def pass_time(self, seconds):
        due = time.monotonic() + seconds
        self.harness.until(lambda: time.monotonic() >= due, "time passes", seconds + 10)

    # ---- figures
    def compare(self, name, unit, yardstick, ours, target, plugins=("c", "cpp")):
        """yardstick() and ours(plugin) in turn; target: ("<=" or ">=", ratio), None: none set."""
        sides = {side: [] for side in ("yardstick", *plugins)}
        for _ in range(self.options.repeat):
            sides["yardstick"].append(yardstick())
            for plugin in plugins:
                sides[plugin].append(ours(plugin))
        base = Side(sides["yardstick"])
        for plugin in plugins:
            mine = Side(sides[plugin])
            ratio = mine.median / base.median if base.median else float("nan")
            met = None if target is None else ratio <= target[1] if target[0] == "<=" else ratio >= target[1]
            self.rows.append({"figure": name, "plugin": plugin, "unit": unit, "yardstick": base.json(),
                              "ours": mine.json(), "ratio": ratio, "target": target, "met": met})
            self.print_row(self.rows[-1])

    @staticmethod
    def print_row(row):
        def shown(side):
            digits = 0 if side["median"] >= 1000 else 2
            return f"{side['median']:,.{digits}f} [{side['low']:,.{digits}f}–{side['high']:,.{digits}f}]"
        target = "" if row["target"] is None else f"{row['target'][0].replace('<=', '≤').replace('>=', '≥')} {row['target'][1]:g}"
        met = {None: "", True: "met", False: "short"}[row["met"]]
        print(f"| {row['figure']} | {row['plugin']} | {shown(row['yardstick'])} | {shown(row['ours'])} | {row['unit']} "
              f"| {row['ratio']:.2f} | {target} | {met} |", flush=True)

    def ping_pong(self, what, kind="seqpacket", callers=1):
        answer = self.yardstick("ping_pong", kind, callers, self.options.seconds)
        return answer["per_s"] if what == "per_s" else answer["p50_ns"] / 1000

    def sqlite(self, rows):
        return self.yardstick("bare_sqlite", self.daemon.folder, rows, self.options.seconds)["per_s"]

    def figure_call(self):
        self.compare("call without the store, p50 (SEQPACKET ping-pong)", "µs", lambda: self.ping_pong("p50"),
                     lambda plugin: self.order(plugin, "call")["p50"], ("<=", 1.2))
        self.compare("the same (Unix stream ping-pong)", "µs", lambda: self.ping_pong("p50", "stream"),
                     lambda plugin: self.order(plugin, "call")["p50"], None)

    def figure_read(self):
        for plugin in ("c", "cpp"):
            self.order(plugin, "context")  # so that there is something to read
        self.compare("context read of 200 B, p50 (ping-pong)", "µs", lambda: self.ping_pong("p50"),
                     lambda plugin: self.order(plugin, "read")["p50"], ("<=", 0.05))

    def figure_callers(self):
        for threads, workers in ((64, 1), (1, 64)):
            what = "threads of one worker" if threads > 1 else "workers"
            self.compare(f"calls/s without the store, 64 {what} (ping-pong by epoll)", "1/s",
                         lambda: self.ping_pong("per_s", callers=64),
                         lambda plugin, t=threads, w=workers: self.order(plugin, "call", t, 1, w)["calls"], None)

    def figure_incidents(self):
        for callers, target in ((1, 0.9), (16, 5), (64, 10)):
            for threads, workers in ((callers, 1), (1, callers)) if callers > 1 else ((1, 1),):
                what = "caller" if callers == 1 else "threads" if threads > 1 else "workers"
                self.compare(f"durable createIncidents/s, {callers} {what} (SQLite FULL one by one)", "1/s",
                             lambda: self.sqlite(1),
                             lambda plugin, t=threads, w=workers: self.order(plugin, "incidents", t, 1, w)["calls"],
                             (">=", target))

    def figure_rows(self):
        self.compare("durable incidents/s, 100 a call (SQLite FULL ×100)", "1/s", lambda: self.sqlite(100),
                     lambda plugin: self.order(plugin, "incidents", 1, 100)["units"], (">=", 0.9))

    def figure_context(self):
        for threads, target in ((1, 0.9), (64, 10)):
            self.compare(f"context writes/s, {threads} caller{'s' if threads > 1 else ''} (SQLite FULL one by one)", "1/s",
                         lambda: self.sqlite(1),
                         lambda plugin, t=threads: self.order(plugin, "context", t)["calls"], (">=", target))

    def figure_log(self):
        per_line = {"c": [], "cpp": []}

        def lines(plugin):
            files = sorted(self.daemon.state.glob(f"logs/{plugin}-0.log*"))
            counts = subprocess.run(["wc", "-l", *files], capture_output=True, text=True, check=True).stdout.split("\n")
            return sum(int(count.split()[0]) for count in counts[:len(files)])

        def ours(plugin):
            before = lines(plugin)
            result = self.order(plugin, "log")
            # What was taken is in the file: the line before the run too, and none is lost.
            self.harness.until(lambda: lines(plugin) >= before + result["counted"] + 1, "all lines are delivered", 30)
            per_line[plugin].append(result["p50"])
            return result["calls"]
        self.compare("log lines/s, delivered (spdlog async, one process)", "1/s",
                     lambda: self.yardstick("spdlog_async", self.daemon.folder / "spdlog.log",
                                            self.options.seconds)["per_s"], ours, (">=", 1.0))
        for plugin, values in per_line.items():
            print(f"    a line costs the caller {statistics.median(values):.2f} µs in {plugin} (target 0.5)")

    def bare(self, mode, plugin, rounds):
        folder = self.daemon.folder / "bare"
        folder.mkdir(exist_ok=True)
        answer = self.yardstick("bare_host", mode, Path(os.environ["LONGHAUL_BIN"]) / "longhaul-worker",
                                Path(os.environ["LONGHAUL_PLUGINS"]) / f"bench_{plugin}.so", folder, rounds)
        return answer["per_s"] if mode == "idle" else answer["p50_ns"] / 1e6

    def started(self, name, since, what):
        """ENTERED or ANSWERED of the worker that began after `since`, in ms from it."""
        def newer():
            entered, answered, _ = map(int, self.data(name, "started").read_text().split())
            return (entered, answered) if entered > since else None
        entered, answered = self.harness.until(newer, f"{name} starts", 60)
        return ((entered if what == "entered" else answered) - since) / 1e6

    def cold_start(self, plugin):
        name = f"{plugin}-0"
        self.daemon.api("POST", f"/instances/{name}/disable")
        self.daemon.wait(name, "stopped")
        since = time.monotonic_ns()
        self.daemon.api("POST", f"/instances/{name}/enable")
        span = self.started(name, since, "entered")
        self.daemon.wait(name)
        return span

    def figure_start(self):
        for plugin in ("c", "cpp"):
            self.compare("cold start, enable to the loop's begin (spawn, load, Start, Ready)", "ms",
                         lambda p=plugin: self.bare("start", p, 5), self.cold_start, ("<=", 1.3), (plugin,))

    def figure_restart(self):
        def ours(plugin):
            name = f"{plugin}-0"
            self.pass_time(1.2)  # what ran for forgotten_after is restarted at once
            pid = int(self.data(name, "started").read_text().split()[2])
            since = time.monotonic_ns()
            os.kill(pid, 9)
            return self.started(name, since, "answered")
        for plugin in ("c", "cpp"):
            self.compare("kill -9 to the first answered call (bare pidfd loop)", "ms",
                         lambda p=plugin: self.bare("restart", p, 5), ours, ("<=", 1.3), (plugin,))

    def figure_route(self):
        """A request through the host to a worker and back beside nginx to nginx, all over Unix sockets, with the same client."""
        self.stop_daemon()
        daemon = self.daemon = self.harness.Daemon(("bench_requests",))
        daemon.start()
        daemon.run_instance("edge", "test-requests", http={"access": "none"})
        with Nginx(self.harness, daemon.folder / "nginx") as nginx:
            def ours(count):
                return self.yardstick("http_load", daemon.socket, "/instance/execute/edge/pid", count, self.options.seconds)

            def theirs(count):
                return self.yardstick("http_load", nginx.front, "/", count, self.options.seconds)
            for count in (1, 32):
                what = f"{count} connection{'s' if count > 1 else ''} (nginx to nginx)"
                self.compare(f"requests/s of a route, {what}", "1/s", lambda c=count: theirs(c)["per_s"],
                             lambda _, c=count: ours(c)["per_s"], (">=", 1.0), ("cpp",))
                self.compare(f"p50 of a route, {what}", "µs", lambda c=count: theirs(c)["p50_ns"] / 1000,
                             lambda _, c=count: ours(c)["p50_ns"] / 1000, ("<=", 1.0), ("cpp",))

    def figure_reload(self):
        """The longest time without an answer while a new build is dropped and taken up, under a constant load, beside a cold
        start of the same plugin to its first answer."""
        from steady_load import Builds, SteadyLoad
        self.stop_daemon()
        self.start_daemon({"c": 0, "cpp": 0})
        daemon, run = self.daemon, iter(range(sys.maxsize))
        daemon.drop("bench_ledger")
        daemon.run_instance("books", "test-ledger", {"listen": "127.0.0.1:0"})
        builds = Builds(daemon, "books", "bench_ledger.so")

        def cold():
            daemon.api("POST", "/instances/books/disable")
            daemon.wait("books", "stopped")
            since = time.monotonic()
            daemon.api("POST", "/instances/books/enable")
            daemon.api("POST", "/instances/books/execute", {"command": "book", "arguments": {"key": f"cold/{next(run)}"}})
            return (time.monotonic() - since) * 1000

        def gap(what):
            kind = {"call": "command", "line": "short"}[what]
            with SteadyLoad(daemon, "books", threads=1, kinds=(kind,), period_s=0.002, run=f"-{next(run)}") as load:
                load.wait_for_more(50)
                load.books.gaps.clear()
                builds.swap()
                load.wait_for_more(50)
            if load.books.failed or load.books.refused:
                raise RuntimeError(f"{load.books.failed} {load.books.refused}")
            return load.books.gaps[kind] * 1000
        self.compare("longest gap in a swap, to a command and to a line by TCP (cold start to the first answer)", "ms",
                     cold, gap, None, ("call", "line"))

    def figure_sandbox(self):
        """Two daemons in turn, one that confines its workers by uid, seccomp and Landlock, and one that does not."""
        off = "sandbox: {off: [seccomp, landlock, own-uid, cgroup]}\n"
        sides = {}
        for plugin in ("c", "cpp"):
            for what in ("cold start without and with the sandbox", "PSS of an idle worker without and with the sandbox"):
                sides[plugin, what] = ([], [])
        for _ in range(self.options.repeat):
            for side, settings in enumerate((off, "")):
                self.stop_daemon()
                self.start_daemon({"c": 8, "cpp": 8}, settings)
                for plugin in ("c", "cpp"):
                    spans = [self.cold_start(plugin) for _ in range(5)]
                    sides[plugin, "cold start without and with the sandbox"][side].append(statistics.median(spans))
                    pids = [self.daemon.instance(f"{plugin}-{i}")["current"]["pid"] for i in range(8)]
                    sides[plugin, "PSS of an idle worker without and with the sandbox"][side].append(
                        statistics.mean(self.pss(pid) for pid in pids))
        for (plugin, what), (without, confined) in sides.items():
            without, confined = iter(without), iter(confined)
            self.compare(what, "ms" if "start" in what else "kB", lambda w=without: next(w),
                         lambda _, c=confined: next(c), None, (plugin,))

    def figure_neighbours(self):
        """Twenty ordinary instances, alone and beside one that does harm as fast as it can, under the limits that every
        instance has. None of theirs may fail: result() raises. The one's own calls are refused, and it is told so."""
        harms = (("a flooder of calls, 64 threads", "call", 64, 1),
                 ("a flooder of log lines, 8 threads", "log", 8, 1),
                 ("a writer of a 400 kB context, 8 threads", "context", 8, 2000))
        self.stop_daemon()
        self.start_daemon({"c": 11, "cpp": 10}, limits="", lines_per_second=10000)
        slowest = {"c": {}, "cpp": {}}

        def ordinary(what):
            runs = {plugin: self.send_order(plugin, "paced", range(10)) for plugin in ("c", "cpp")}
            for plugin, run in runs.items():
                slowest[plugin].setdefault(what, []).append(self.result(plugin, "paced", run, 10)["p99"])

        for _ in range(self.options.repeat):
            for what, mode, threads, per_call in harms:
                ordinary("alone before " + what)
                run = self.send_order("c", mode, (10,), threads, per_call, self.options.seconds + 2)
                self.pass_time(1)  # so that it is at its worst
                ordinary(what)
                path = self.data("c-10", f"result-{run}")
                self.harness.until(path.exists, f"{path} is written", 60)
                count, _, refused = map(int, path.read_text().split()[:3])
                print(f"    {what}: {count:,} done, {refused:,} refused", flush=True)
        for what, *_ in harms:
            for plugin in ("c", "cpp"):
                alone, beside = iter(slowest[plugin]["alone before " + what]), iter(slowest[plugin][what])
                self.compare(f"p99 of the slowest of 20 instances beside {what} (alone)", "µs", lambda a=alone: next(a),
                             lambda _, b=beside: next(b), None, (plugin,))

    def figure_watch(self):
        """What the look at each worker's memory, threads and descriptors costs the daemon where the kernel has no control
        group for it: processor time of the daemon over ten seconds, for idle instances."""
        count = self.options.instances
        self.stop_daemon()
        self.start_daemon({"c": count, "cpp": 0}, "sandbox: {off: [cgroup]}\n", limits="limits: {memory_mib: 256}\n")
        self.pass_time(5)  # the last ones fall asleep
        ticks = os.sysconf("SC_CLK_TCK")

        def used():
            fields = Path(f"/proc/{self.daemon.pid}/stat").read_text().rsplit(")", 1)[1].split()
            return (int(fields[11]) + int(fields[12])) / ticks
        before = used()
        self.pass_time(10)
        print(f"    {count} idle instances under the watch cost the daemon {(used() - before) * 10:.2f} % of one processor; "
              f"PSS {self.pss(self.daemon.pid) / 1024:.0f} MiB of the daemon, "
              f"{sum(self.pss(pid) for pid in self.daemon.workers()) / 1024:.0f} MiB of all workers")

    def pss(self, pid):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return float(line.split()[1])
        raise RuntimeError(f"{pid} has no Pss")

    def figure_idle(self):
        """A daemon of its own: pages that workers share are shared by as many as there are."""
        for plugin in ("c", "cpp"):
            self.stop_daemon()
            self.start_daemon({"c": 0, "cpp": 0})
            alone = self.pss(self.daemon.pid)
            self.stop_daemon()
            self.start_daemon({"c": 0, "cpp": 0, plugin: IDLE})
            self.pass_time(2)  # the last ones fall asleep
            workers = [self.pss(pid) for pid in self.daemon.workers()]
            host = (self.pss(self.daemon.pid) - alone) / IDLE
            self.compare(f"PSS of an idle worker of {IDLE} (bare host)", "kB",
                         lambda p=plugin: self.bare("idle", p, IDLE), lambda _, w=workers: statistics.mean(w),
                         ("<=", 1.5), (plugin,))
            print(f"    and {host:.0f} kB more of the daemon's for each instance")


def main():
    figures = [name.removeprefix("figure_") for name in vars(Bench) if name.startswith("figure_")]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build/bench", help="folder of the build (build/bench)")
    parser.add_argument("--only", default=",".join(figures), help="of " + ",".join(figures))
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of one measurement")
    parser.add_argument("--instances", type=int, default=1000, help="of the figure watch")
    parser.add_argument("--json", type=Path, help="write the figures to this file too")
    options = parser.parse_args()
    wanted = options.only.split(",")
    if unknown := set(wanted) - set(figures):
        parser.error(f"unknown figure {', '.join(sorted(unknown))}; known are {', '.join(figures)}")
    bench = Bench(options, load_harness(options.build.resolve()))
    print("| " + " | ".join(HEADING) + " |\n" + "| --- " * len(HEADING) + "|")
    try:
        if set(wanted) - {"idle", "reload", "route", "sandbox", "neighbours", "watch"}:
            bench.start_daemon({"c": INSTANCES, "cpp": INSTANCES})
        for name in sorted(wanted, key=figures.index):
            getattr(bench, f"figure_{name}")()
    except (AssertionError, RuntimeError, OSError):
        if bench.daemon is not None:
            bench.daemon.report()
        raise
    finally:
        bench.stop_daemon()
    print(f"\nload average at the end: {' '.join(f'{load:.1f}' for load in os.getloadavg())}, {os.cpu_count()} processors")
    if options.json:
        options.json.write_text(json.dumps(bench.rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
