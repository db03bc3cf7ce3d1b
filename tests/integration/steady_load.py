"""A constant load on one instance of tests/plugins/ledger, the swaps under it, and the books afterwards: whether a call
failed, a connection was refused, or something acknowledged was lost or doubled.

Three kinds of load, each of a few threads at a constant rate: commands over the API, TCP lines each on a connection of its
own, TCP lines on a connection that lives long. Every one has a name of its own, which is also its idempotency key: what
got no acknowledgement because its connection went away with a worker is sent again under the same name."""
import collections
import hashlib
import http.client
import json
import re
import socket
import threading
import time

import harness

PATIENCE_S = 60  # a command's or a line's, in one try


class Books:
    """What was sent and what came back. Any thread."""

    def __init__(self):
        self.lock = threading.Lock()
        self.sent, self.answered = set(), collections.Counter()
        self.failed, self.refused, self.resent = [], [], 0
        self.gaps = {}  # kind: longest time between two answers, in seconds
        self.last = {}

    def send(self, name):
        with self.lock:
            self.sent.add(name)

    def answer(self, kind, name):
        now = time.monotonic()
        with self.lock:
            self.answered[name] += 1
            if kind in self.last:
                self.gaps[kind] = max(self.gaps.get(kind, 0), now - self.last[kind])
            self.last[kind] = now

    def note(self, where, text):
        with self.lock:
            where.append(text)

    def faults(self, names):
        """What is wrong, as sentences, when these are the names of all incidents of the instance."""
        counts = collections.Counter(names)
        found = [f"failed: {text}" for text in self.failed] + [f"refused: {text}" for text in self.refused]
        found += [f"{name} was never acknowledged" for name in sorted(self.sent - set(self.answered))]
        found += [f"{name} was answered {count} times" for name, count in self.answered.items() if count > 1]
        found += [f"{name} was acknowledged and is lost" for name in self.answered if name not in counts]
        found += [f"{name} is there {count} times" for name, count in counts.items() if count > 1]
        own = {int(name[4:]) for name in counts if re.fullmatch(r"own/\d+", name)}
        found += [f"own/{number} is lost" for number in range(1, max(own, default=0)) if number not in own]
        found += [f"{name} was never sent" for name in counts if name not in self.sent and not name.startswith("own/")]
        return found


class Builds:
    """Build after build of one plugin: the same code with other bytes behind it, as an operator drops them."""

    def __init__(self, daemon, instance, file):
        self.daemon, self.instance, self.path = daemon, instance, daemon.plugins / file
        self.code, self.number = self.path.read_bytes(), 0

    def swap(self):
        """Seconds from the drop of the next build until a worker of it runs."""
        self.number += 1
        data = self.code + b"build %d" % self.number
        digest = hashlib.sha256(data).hexdigest()
        begun = time.monotonic()
        self.daemon.write(self.path, data)
        harness.until(lambda: self.daemon.wait(self.instance)["current"]["digest"] == digest, f"build {self.number} runs")
        return time.monotonic() - begun


class SteadyLoad:
    """Runs inside of its block; behind it everything that was sent has its answer, or is among the books' faults."""

    def __init__(self, daemon, name, threads=2, kinds=("command", "short", "long"), period_s=0.05, run=""):
        """A thread sends one each period_s. `run` tells its names from those of another load on the same instance."""
        self.daemon, self.name, self.period_s, self.label = daemon, name, period_s, run
        self.address = daemon.address(name)
        self.books = Books()
        self.stopped = threading.Event()
        work = {"command": self.command, "short": self.short, "long": self.long}
        self.threads = [threading.Thread(target=self.run, args=(kind, i, work[kind]), name=f"{kind}/{i}")
                        for kind in kinds for i in range(threads)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(2 * PATIENCE_S)
            if thread.is_alive():
                self.books.note(self.books.failed, f"{thread.name} still waits for an answer")

    def run(self, kind, thread, work):
        """At a constant rate: what came too late is made up for at once."""
        due, number, kept = time.monotonic(), 0, {}
        while not self.stopped.wait(max(0.0, due - time.monotonic())):
            name = f"{kind}{self.label}/{thread}/{number}"
            self.books.send(name)
            try:
                work(name, kept)
                self.books.answer(kind, name)
            except (OSError, ValueError, http.client.HTTPException) as error:
                self.books.note(self.books.failed, f"{name}: {error!r}")
            due, number = due + self.period_s, number + 1
        if kept.get("socket"):
            kept["socket"].close()

    # ---- one of each kind: returns when it was acknowledged
    def command(self, name, _kept):
        reply = self.daemon.request("POST", f"/api/v1/instances/{self.name}/execute",
                                    {"command": "book", "arguments": {"key": name}}, PATIENCE_S)
        if reply.status != 200 or reply.body.get("result") != name:
            raise ValueError(f"{reply.status} {json.dumps(reply.body)}")

    def short(self, name, _kept):
        while True:
            with self.connect(name) as connection:
                if self.acknowledged(connection, name):
                    return
            self.again()

    def long(self, name, kept):
        while True:
            connection = kept["socket"] = kept.get("socket") or self.connect(name)
            if self.acknowledged(connection, name):
                return
            connection.close()
            kept["socket"] = None
            self.again()

    def connect(self, name):
        try:
            return socket.create_connection(self.address, PATIENCE_S)
        except OSError as error:
            self.books.note(self.books.refused, f"{name}: {error!r}")
            raise

    @staticmethod
    def acknowledged(connection, name):
        """False: the connection went away with its worker."""
        line, answer = f"{name}\n".encode(), b""
        try:
            connection.sendall(line)
            while not answer.endswith(b"\n"):
                more = connection.recv(4096)
                if not more:
                    return False
                answer += more
        except (ConnectionResetError, BrokenPipeError):
            return False
        if answer != line:
            raise ValueError(f"answered with {answer!r}")
        return True

    def again(self):
        with self.books.lock:
            self.books.resent += 1

    def wait_for_more(self, count):
        """Until so many more were answered than are now."""
        wanted = sum(self.books.answered.values()) + count
        harness.until(lambda: sum(self.books.answered.values()) >= wanted, f"{count} more answers")
