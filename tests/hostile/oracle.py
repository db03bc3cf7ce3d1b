"""What has to be true after each fault, whatever it was: docs/ISOLATION.md lists it. Each function gives a list of
problems, empty when all is well; a problem begins with the name of what is broken."""
import os
import re
import signal
import sys
from pathlib import Path

import harness

LEFTOVER_S = 15  # a killed process is reaped within 2 s; the rest is for a busy machine
BACK_S = 15  # closing descriptors and ending threads takes turns of the loop
# What may stay used after an attack and is bounded by itself: SQLite's page cache (16 MiB), the log buffers kept
# (2 MiB), the allocator's free pages, the sanitizer's quarantine (set to 1 MiB) and shadow.
RSS_TOLERANCE_BYTES = 64 << 20
SIBLINGS = ("sibling-0", "sibling-1", "sibling-2")


def process_name(pid):
    """Number and start time: names a process for ever. None: it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else (pid, fields[19])


def processes_in(folder):
    """Processes whose working directory is in a folder, or that bear the tag of its state folder."""
    found = []
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        where, title = "", b""
        try:
            # Of a process that is not dumpable its own user may not ask for the folder, but for the arguments.
            title = Path(f"/proc/{entry}/cmdline").read_bytes()
            where = os.readlink(f"/proc/{entry}/cwd")
        except OSError:
            pass
        words = title.split(b"\0")
        ours = words[0] == b"longhaul-worker: LongRunning " + folder.name.encode() and os.fsencode(folder.parents[1]) in title
        if ours or where == str(folder) or where.startswith(f"{folder}/"):
            name = process_name(int(entry))
            if name:
                found.append(name)
    return found


class Oracle:
    def __init__(self, daemon):
        self.daemon = daemon
        self.host_pid = daemon.pid
        self.sibling_pids = {name: daemon.worker_pid(name) for name in SIBLINGS}
        self.cursors = {name: None for name in SIBLINGS}
        self.names = {name: {} for name in SIBLINGS}  # number -> incident ids
        self.last_pid = {name: [] for name in SIBLINGS}  # pids in the order in which their incidents were stored
        self.rows_read = {name: 0 for name in SIBLINGS}
        self.start = harness.Footprint(self.host_pid)

    # ---- the host
    def host_answers(self):
        problems = []
        if self.daemon.process.poll() is not None:
            return [f"host: it ended with {self.daemon.process.returncode}"]
        try:
            answer = self.daemon.request("GET", "/livez", timeout=30)
            if answer.status != 200:
                problems.append(f"host: /livez gives {answer.status}")
            if self.daemon.api("GET", "/version")["pid"] != self.host_pid:
                problems.append("host: it has another pid")
        except OSError as error:
            problems.append(f"host: it does not answer: {error}")
        return problems

    def host_is_back(self, before):
        """Descriptors and threads as before, memory within its tolerance."""
        problems = []

        def back():
            now = harness.Footprint(self.host_pid)
            grown = [text for text in now.beyond(self.start, RSS_TOLERANCE_BYTES) if "MiB" in text]
            problems[:] = now.beyond(before, sys.maxsize) + grown
            return not problems

        try:
            harness.until(back, "the host is back where it was", BACK_S)
        except (AssertionError, OSError) as error:
            problems = problems or [str(error)]
        return [f"host: {problem}" for problem in problems]

    # ---- the siblings
    def given(self, name):
        """(number, status, pid) of whole lines: what a sibling wrote down as acknowledged."""
        path = self.daemon.state / "data" / name / "given.txt"
        try:
            text = path.read_text()
        except OSError:
            return []
        return [tuple(map(int, line.split())) for line in text[: text.rfind("\n") + 1].splitlines()]

    def given_counts(self):
        return {name: len(self.given(name)) for name in SIBLINGS}

    def siblings_answered(self, before):
        """Each had a call answered since `before`, within the failure limit."""
        problems = []
        for name in SIBLINGS:
            try:
                harness.until(lambda: len(self.given(name)) > before[name], f"{name} has a call answered", 30)
            except AssertionError as error:
                problems.append(f"siblings: {error}")
        return problems

    def siblings_untouched(self):
        problems = []
        for name in SIBLINGS:
            instance = self.daemon.instance(name)
            if instance["restartsCount"] != 0 or instance.get("current", {}).get("pid") != self.sibling_pids[name]:
                problems.append(f"siblings: {name} was restarted: {instance.get('lastEnd')}")
            if instance["state"] != "running":
                problems.append(f"siblings: {name} is {instance['state']}")
            if (self.daemon.state / "data" / name / "failed").exists():
                problems.append(f"siblings: a call of {name} failed")
        return problems

    def store_is_true(self):
        """What siblings were told is stored, nothing twice under a key, nothing of an old generation behind a new one."""
        problems = []
        for name in SIBLINGS:
            given = self.given(name)
            self.read_incidents(name)
            numbers = self.names[name]
            lost = [number for number, _, _ in given if number not in numbers]
            twice = [number for number, ids in numbers.items() if len(ids) > 1]
            if lost:
                problems.append(f"store: {name} was told that {lost[:3]} are stored, and they are not")
            if twice:
                problems.append(f"store: {twice[:3]} of {name} were stored twice under one key")
            order = self.last_pid[name]
            if len(order) != len(set(order)):
                problems.append(f"store: an older worker of {name} wrote behind a newer one: {order}")
            if given:
                last = self.daemon.context(name).get("last", -1)
                if last < given[-1][0]:
                    problems.append(f"store: the context of {name} is at {last}, {given[-1][0]} was acknowledged")
        return problems

    def read_incidents(self, name):
        while True:
            cursor = {"cursor": self.cursors[name]} if self.cursors[name] else {}
            page = self.daemon.api("GET", "/incidents", order="oldest", limit=1000, instance=name, **cursor)
            for row in page["incidents"]:
                number, _, pid = row["name"].partition(" by ")
                if not pid:
                    continue  # not its own: a check of that fault tells
                self.names[name].setdefault(int(number), []).append(row["id"])
                if not self.last_pid[name] or self.last_pid[name][-1] != pid:
                    self.last_pid[name].append(pid)
            self.cursors[name] = page.get("next", self.cursors[name])
            if not page["more"]:
                return


def gone(names, what):
    """None of these processes is left."""
    def left():
        return [name for name in names if process_name(name[0]) == name]
    try:
        harness.until(lambda: not left(), what, LEFTOVER_S)
        return []
    except AssertionError:
        shown = []
        for pid, _ in left():
            try:
                shown.append(f"{pid} ({Path(f'/proc/{pid}/cmdline').read_bytes()[:80]!r})")
            except OSError:
                pass
        return [f"processes: left of {what}: {', '.join(shown)}"] if shown else []


def end(names):
    for name in names:
        if process_name(name[0]) == name:
            os.kill(name[0], signal.SIGKILL)


def ends(daemon):
    """How many ends of workers are counted, by class."""
    found = {}
    for line in daemon.request("GET", "/metrics").body.splitlines():
        match = re.match(r'longhaul_worker_ends_total\{class="([^"]+)"\} (\d+)', line)
        if match:
            found[match.group(1)] = int(match.group(2))
    return found
