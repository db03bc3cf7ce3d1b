"""A real longhauld in a folder of its own, for tests that drive it as operators and peers do: files, the command line,
the API on its socket, logger, signals. What a test starts is ended with it, within bounds; when it fails, the daemon's
log and the instances' logs are printed.

    LONGHAUL_BIN      the folder of longhauld, longhaul, longhaul-worker
    LONGHAUL_PLUGINS  the folder of the plugins' .so files
    LONGHAUL_KEEP     set: the folder stays, and its path is printed
"""
import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

BIN = Path(os.environ.get("LONGHAUL_BIN", "build/dev/bin")).resolve()
PLUGINS = Path(os.environ.get("LONGHAUL_PLUGINS", "build/dev/plugins")).resolve()
START_S = 60  # until ready; slow machines with sanitizers
STOP_S = 40  # the daemon promises 30
WAIT_S = 60  # for anything else
LOG_BYTES_SHOWN = 20000


def until(condition, what, seconds=WAIT_S):
    """What condition() gives, once it is true; asks again until then. For what nobody can wait on by itself."""
    deadline = time.monotonic() + seconds
    pause = threading.Event()
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what() if callable(what) else what}: not within {seconds} s")
        pause.wait(0.02)


class Footprint:
    """What a process uses, to be compared with itself later. Without log files, which a daemon keeps open over turns (at
    most 128), and without what SQLite opens and closes as it likes."""

    def __init__(self, pid):
        self.descriptors = 0
        for entry in os.listdir(f"/proc/{pid}/fd"):
            try:
                target = os.readlink(f"/proc/{pid}/fd/{entry}")
            except OSError:
                continue
            self.descriptors += "/logs/" not in target and "/db/" not in target
        self.threads = len(os.listdir(f"/proc/{pid}/task"))
        status = Path(f"/proc/{pid}/status").read_text()
        self.rss_bytes = int(status.split("VmRSS:")[1].split()[0]) * 1024

    def beyond(self, before, rss_tolerance_bytes):
        """What is more than before, as sentences."""
        found = []
        if self.descriptors > before.descriptors:
            found.append(f"{self.descriptors} descriptors, {before.descriptors} before")
        if self.threads > before.threads:
            found.append(f"{self.threads} threads, {before.threads} before")
        if self.rss_bytes > before.rss_bytes + rss_tolerance_bytes:
            found.append(f"{self.rss_bytes >> 20} MiB resident, {before.rss_bytes >> 20} before")
        return found


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("localhost", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class Answer:
    def __init__(self, status, body):
        self.status, self.body = status, body

    def __getitem__(self, key):
        return self.body[key]


class Daemon:
    def __init__(self, plugins=()):
        self.folder = Path(tempfile.mkdtemp(prefix="longhaul-test-"))
        self.folder.chmod(0o711)  # workers have uids of their own
        self.plugins, self.instances = self.folder / "plugins", self.folder / "instances.d"
        self.state, self.run = self.folder / "state", self.folder / "run"
        for path in (self.plugins, self.instances, self.state, self.run):
            path.mkdir(mode=0o711)
        (self.folder / "longhaul.yaml").touch()
        self.log_path = self.folder / "longhauld.log"
        self.socket = self.run / "longhaul.sock"
        self.process = None
        self.expected_exits = [0]
        self.arguments, self.environment = [], {}  # of longhauld, beside the usual ones
        self.prefix = []  # a program that becomes longhauld
        for plugin in plugins:
            self.drop(plugin)

    # ---- files, as an operator writes them: beside, then renamed into place
    def write(self, path, data):
        beside = path.with_name("." + path.name + ".new")
        beside.write_bytes(data)
        beside.rename(path)

    def drop(self, plugin, name=None):
        """The built plugin PLUGIN (a name, or a path) as NAME.so in the plugin folder."""
        source = Path(plugin) if os.sep in str(plugin) else PLUGINS / f"{plugin}.so"
        self.write(self.plugins / (name or source.name), source.read_bytes())

    def instance_file(self, name, text):
        self.write(self.instances / f"{name}.yaml", text.encode())

    def put_instance(self, name, plugin, parameters=None, **more):
        row = {"name": name, "plugin": plugin, "parameters": parameters or {}, **more}
        self.instance_file(name, json.dumps({"instances": [row]}))  # JSON is YAML

    # ---- the daemon
    def start(self):
        log = open(self.log_path, "ab")
        self.process = subprocess.Popen(
            [*self.prefix, BIN / "longhauld", "--config", self.folder / "longhaul.yaml", "--instances-dir", self.instances,
             "--plugin-dir", self.plugins, "--state-dir", self.state, "--run-dir", self.run, *self.arguments],
            env={**os.environ, **self.environment}, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        log.close()
        until(self.is_ready, "the daemon is ready", START_S)
        # A file that was dropped a moment before the start is taken up a moment after it.
        names = {path.name for path in self.plugins.glob("*.so")}
        until(lambda: names <= {os.path.basename(row["path"]) for row in self.api("GET", "/plugins")["plugins"]},
              "the plugins are looked at")

    def is_ready(self):
        if self.process.poll() is not None:
            raise AssertionError(f"longhauld ended with {self.process.returncode}")
        try:
            return self.request("GET", "/readyz").status == 200
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        """As a crash or the kernel would: no word, no time."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(WAIT_S)
        until(lambda: not self.workers(), "the workers of a killed daemon are gone")

    def stop(self):
        """Ends it as an operator does, and holds it to its bounds and a clean exit."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        try:
            code = self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(WAIT_S)
            raise AssertionError(f"longhauld did not end within {STOP_S} s of SIGTERM") from None
        if code not in self.expected_exits:
            raise AssertionError(f"longhauld ended with {code}")
        if self.workers():
            raise AssertionError(f"workers outlived their daemon: {self.workers()}")

    def workers(self):
        """Pids of the processes that run a plugin of this daemon's store."""
        found = []
        for entry in os.listdir("/proc"):
            if entry.isdigit():
                try:
                    words = Path(f"/proc/{entry}/cmdline").read_bytes()
                except OSError:
                    continue
                if words.startswith(b"longhaul-worker: ") and os.fsencode(self.state) in words:
                    found.append(int(entry))
        return found

    def end(self):
        """Whatever state it is in: nothing of it is left."""
        try:
            self.stop()
        finally:
            if self.process is not None and self.process.poll() is None:
                self.process.kill()
                self.process.wait(WAIT_S)
            for pid in self.workers():
                os.kill(pid, signal.SIGKILL)

    # ---- the API
    def request(self, method, target, body=None, timeout=WAIT_S):
        connection = UnixConnection(self.socket, timeout)
        try:
            data = None if body is None else body.encode() if isinstance(body, str) else json.dumps(body).encode()
            connection.request(method, target, data)
            reply = connection.getresponse()
            text = reply.read().decode()
            is_json = "json" in reply.getheader("Content-Type", "")
            return Answer(reply.status, json.loads(text) if is_json else text)
        finally:
            connection.close()

    def api(self, method, path, body=None, **query):
        """The body of an answer that is a success."""
        target = "/api/v1" + path + ("?" + urllib.parse.urlencode(query) if query else "")
        answer = self.request(method, target, body)
        if answer.status >= 300:
            raise AssertionError(f"{method} {target}: {answer.status} {answer.body}")
        return answer.body

    def instance(self, name):
        return self.api("GET", f"/instances/{name}")

    def worker_pid(self, name):
        return self.instance(name).get("current", {}).get("pid")

    def wait(self, name, wait="running", since=None, seconds=WAIT_S):
        """The instance once it has come to WAIT (docs/API.md), by the API's own waiting."""
        query = {"wait": wait, "timeoutMs": seconds * 1000, **({"since": since} if since else {})}
        instance = self.api("GET", f"/instances/{name}", **query)
        if instance["wait"]["outcome"] != "reached":
            raise AssertionError(f"{name} is not {wait}: {instance['wait']}; {instance['state']}: {instance.get('reason')}")
        return instance

    def wait_known(self, name, seconds=WAIT_S):
        """Once the watcher has applied the file that names it."""
        return until(lambda: self.api("GET", "/instances", name=name)["instances"], f"{name} is known", seconds)

    def run_instance(self, name, plugin, parameters=None, **more):
        # One that is asked for before its file was looked at is held, and wait() takes that for its end.
        until(lambda: any(row.get("id") == plugin for row in self.api("GET", "/plugins")["plugins"]), f"{plugin} is known")
        self.put_instance(name, plugin, parameters, **more)
        self.wait_known(name)
        return self.wait(name)

    def context(self, name):
        return self.api("GET", f"/instances/{name}/context")["values"]

    def incidents(self, **query):
        """All of them, the oldest first."""
        rows, cursor = [], {}
        while True:
            page = self.api("GET", "/incidents", order="oldest", limit=1000, **query, **cursor)
            rows += page["incidents"]
            if not page["more"]:
                return rows
            cursor = {"cursor": page["next"]}

    def address(self, name, transport="tcp"):
        """The real address of a listener, as (host, port)."""
        for listener in self.instance(name)["listeners"]:
            if listener["transport"] == transport:
                host, port = listener["address"].rsplit(":", 1)
                return host, int(port)
        raise AssertionError(f"{name} has no {transport} listener")

    # ---- the command line
    def cli(self, *words, code=0):
        """What it prints, having exited with CODE. With code=None: (exit code, stdout, stderr)."""
        done = subprocess.run([BIN / "longhaul", "--address", f"unix:{self.socket}", *map(str, words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * WAIT_S, check=False)
        if code is None:
            return done.returncode, done.stdout, done.stderr
        if done.returncode != code:
            raise AssertionError(f"longhaul {' '.join(map(str, words))}: exit {done.returncode}, wanted {code}\n"
                                 f"{done.stdout}{done.stderr}")
        return done.stdout

    # ---- when it went wrong
    def report(self, instances=None):
        """The daemon's log and those of all instances, or of these."""
        logs = [self.log_path, *(path for path in sorted(self.state.glob("**/*.log"))
                                 if instances is None or path.stem in instances)]
        for path in logs:
            if path.exists():
                text = path.read_bytes()[-LOG_BYTES_SHOWN:].decode(errors="replace")
                print(f"---- {path.relative_to(self.folder)}\n{text}", file=sys.stderr)


class DaemonTest(unittest.TestCase):
    """self.daemon(plugins) starts one; it ends with the test."""

    def daemon(self, *plugins, started=True):
        daemon = Daemon(plugins)
        self.addCleanup(self.clean_up, daemon)
        if started:
            daemon.start()
        return daemon

    def clean_up(self, daemon):
        # Cleanups run inside of run(), before it is known whether the test failed: the folder goes later.
        self.ended.append(daemon)
        daemon.end()

    def run(self, result=None):
        self.ended = []
        result = result or self.defaultTestResult()
        before = len(result.failures) + len(result.errors)
        super().run(result)
        for daemon in self.ended:
            if len(result.failures) + len(result.errors) > before:
                daemon.report()
            if os.environ.get("LONGHAUL_KEEP"):
                print(f"kept: {daemon.folder}", file=sys.stderr)
            else:
                shutil.rmtree(daemon.folder, ignore_errors=True)
        return result


# ---- peers
def free_port():
    """A port that was free for TCP and UDP a moment ago."""
    while True:
        with socket.socket() as tcp, socket.socket(type=socket.SOCK_DGRAM) as udp:
            tcp.bind(("127.0.0.1", 0))
            port = tcp.getsockname()[1]
            try:
                udp.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def logger(port, lines=None, *options):
    """The real logger over TCP; with lines, each begins with its <PRI>. Gives the finished process."""
    words = ["logger", "--server", "127.0.0.1", "--port", str(port), "--tcp", *options]
    if lines is not None:
        words.append("--prio-prefix")
    text = None if lines is None else "".join(f"{line}\n" for line in lines)
    return subprocess.run(words, input=text, text=True, capture_output=True, timeout=2 * WAIT_S, check=False)


class SteadyLogger:
    """One short `logger --tcp` after the other, from several threads, until the block is left.
    sent: the texts of those that exited 0; refused: what the others said."""

    def __init__(self, port, threads=2):
        self.port, self.sent, self.refused = port, [], []
        self.stopped = threading.Event()
        self.progress = threading.Condition()
        self.threads = [threading.Thread(target=self.send, args=(i,)) for i in range(threads)]

    def send(self, thread):
        number = 0
        while not self.stopped.is_set():
            text = f"steady {thread}/{number}"
            done = logger(self.port, None, "--priority", "user.err", "--tag", "steady", "--", text)
            with self.progress:
                if done.returncode == 0 and not done.stderr:
                    self.sent.append(text)
                else:
                    self.refused.append(f"{text}: exit {done.returncode} {done.stderr.strip()}")
                self.progress.notify_all()
            number += 1

    def wait_for_more(self, count):
        """Until so many more were sent than are now."""
        with self.progress:
            wanted = len(self.sent) + count
            if not self.progress.wait_for(lambda: len(self.sent) >= wanted, WAIT_S):
                raise AssertionError(f"{len(self.sent)} of {wanted} messages were sent; refused: {self.refused[:5]}")

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        for thread in self.threads:
            thread.join(2 * WAIT_S)


def texts_of(incidents, pattern):
    """The part of the incidents' names that the pattern finds."""
    return [found.group(0) for row in incidents if (found := re.search(pattern, row["name"]))]
