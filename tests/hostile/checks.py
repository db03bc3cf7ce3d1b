"""What has to be true of one fault beyond the oracle: functions (run, name of its instance) that give problems or raise
AssertionError. And what the faults are given: functions of the run."""
import json
import os
import re
import signal
import socket
import threading

import harness
import oracle


def check(condition, problem):
    return [] if condition else [f"check: {problem}"]


def any_end(function):
    """The worker may end, in whatever way, or live until it is stopped: only that it happened and the oracle count."""
    function.takes_any_end = True
    return function


@any_end
def ends_somehow(_run, _name):
    return []


def runs(run, name):
    return check(run.daemon.wait(name)["state"] == "running", f"{name} does not run")


def host_serves(run):
    """The host answers, and each sibling gets several calls answered, while the fault goes on."""
    before = run.oracle.given_counts()
    problems = run.oracle.host_answers()
    for name in oracle.SIBLINGS:
        harness.until(lambda: len(run.oracle.given(name)) >= before[name] + 5, f"{name} has five calls answered", 30)
    # What waits for a worker that never reads is bounded too.
    grown = harness.Footprint(run.daemon.pid).rss_bytes - run.oracle.start.rss_bytes
    problems += check(grown <= oracle.RSS_TOLERANCE_BYTES, f"the host grew by {grown >> 20} MiB while it went on")
    return problems


@any_end
def siblings_go_on(run, _name):
    return host_serves(run)


def large_calls_served(run, name):
    """Calls that are too large together wait for each other: none is refused, and the worker lives on."""
    return host_serves(run) + runs(run, name) + \
        check(not run.data(name, "refused"), f"a call gave {run.data(name, 'refused')}")


# ---- classes 8, 33, 34
def frozen_and_thawed(run, name):
    """A stopped worker is replaced; continued meanwhile, it writes nothing behind its successor."""
    frozen = run.daemon.worker_pid(name)
    run.daemon.api("POST", f"/instances/{name}/restart")
    try:
        os.kill(frozen, signal.SIGCONT)
    except ProcessLookupError:
        pass
    harness.until(lambda: run.daemon.worker_pid(name) not in (None, frozen), "a new worker is there")
    written = len(run.daemon.incidents(instance=name))
    host_serves(run)
    return check(len(run.daemon.incidents(instance=name)) == written, "the old worker wrote behind the new one") + \
        check(oracle.process_name(frozen) is None, "the old worker lives")


def slow_command(run, name):
    run.daemon.wait(name)
    answer = run.daemon.request("POST", f"/api/v1/instances/{name}/execute", {"command": "wait", "timeoutMs": 300})
    again = run.daemon.request("POST", f"/api/v1/instances/{name}/execute", {"command": "quick", "timeoutMs": 20000})
    return check(answer.status == 504, f"a late answer gives {answer.status} {answer.body}") + \
        check(again.status == 200 and "answered" in again["result"], f"then another command gives {again.status} {again.body}")


def interposed(run, name):
    return check(int(run.data(name, "status") or -1) >= 0, "a call failed") + \
        check(run.daemon.context(name).get("interposed") == 99, "the context is not what was written")


# ---- class 19
def nothing_accepted(run, name):
    return check(not run.data(name, "accepted").strip(), f"accepted: {run.data(name, 'accepted')}") + \
        check(not run.daemon.incidents(instance=name), "incidents were made")


CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")


@any_end
def shown_escaped(run, name):
    """No byte of it reaches a terminal, no line of it passes for the host's."""
    daemon = run.daemon
    texts = harness.until(lambda: run.logged(name) or daemon.instance(name).get("health"), f"{name} said something")
    problems = check(texts, "nothing was logged")
    for words in (("logs", name), ("status", name), ("logs", "-o", "jsonl", name), ("deaths", name), ("explain", name)):
        shown = daemon.cli(*words, code=None)[1]
        found = CONTROL.search(shown)
        problems += check(not found, f"longhaul {' '.join(words)} shows {found and found.group(0)!r}")
    for line in daemon.api("GET", f"/instances/{name}/logs", n=1000)["lines"]:
        problems += check(line["source"] != "host" or "forged" not in line["text"], "a forged line passes for the host's")
        problems += check(line["instance"] == name, f"a line says that it is of {line['instance']}")
    return problems


# ---- class 20
def context_still_pushed(run, name):
    answer = run.daemon.api("PATCH", f"/instances/{name}/context", {"changes": {"operator": 1}})
    return check(run.daemon.context(name)["operator"] == 1, f"the context is not written: {answer}")


def foreign_key(run, name):
    status = run.data(name, "status")
    mine = [row for row in run.daemon.incidents(instance=name) if "forged" in row["name"]]
    return check(status == "0", f"the call gave {status}, wanted 0") + check(len(mine) == 1, f"{len(mine)} incidents")


# ---- class 34b
def listeners_serve(run, name):
    daemon = run.daemon
    first = harness.until(lambda: run.data(name, "broken"), f"{name} broke its listeners")
    daemon.wait(name)
    address = daemon.address(name)
    with socket.create_connection(address, 30) as peer:
        peer.settimeout(30)
        said = peer.recv(64).decode()
    problems = check(first and said.strip().isdigit(), f"a connection got {said!r}")
    with socket.socket(type=socket.SOCK_DGRAM) as sender:
        def arrived():
            sender.sendto(b"a datagram", daemon.address(name, "udp"))
            return [row for row in daemon.incidents(instance=name) if row["name"] == "a datagram"]
        try:
            harness.until(arrived, "a datagram arrives", 10)
        except AssertionError as error:
            problems.append(f"check: {error}")
    return problems


# ---- classes 9 to 14, 23
@any_end
def bomb_refused(run, name):
    """Refused where the kernel counts; where the host has to look, it ends the worker and names the limit."""
    def stopped():
        forks, deaths = run.data(name, "forks").split(), run.deaths(name)
        if deaths:
            return deaths[-1]["exitClass"] == "limit" and "pids" in deaths[-1]["card"]["text"]
        return run.data(name, "refused") == "1" or forks and int(forks[1]) > 0
    harness.until(stopped, "the bomb is stopped", 15)


def forks_refused(run, name):
    made = int(run.data(name, "forks").split()[0])
    return check(made == 0, f"{made} forks without the grant")


def descriptors_bounded(run, name):
    opened = run.proofs_of(name)
    return check(opened <= 256, f"{opened} files were opened") + \
        check(int(run.data(name, "call") or -1) >= 0, "a call without a free descriptor failed")


@any_end
def disk_bounded(run, name):
    folder = run.daemon.state / "data" / name
    used = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return check(used <= 80 << 20, f"{used >> 20} MiB are in its folder")


@any_end
def log_bounded(run, name):
    problems = host_serves(run)
    files = [path for path in (run.daemon.state / "logs").rglob("*") if path.is_file() and name in str(path)]
    used = sum(path.stat().st_size for path in files)
    problems += check(used <= 68 << 20, f"its logs have {used >> 20} MiB")
    problems += check(run.daemon.api("GET", f"/instances/{name}/logs", n=10)["lines"], "no line can be read")
    return problems


# ---- classes 21, 22, 24, 25
def a_sibling(run):
    name = run.random.choice(oracle.SIBLINGS)
    return f"{run.daemon.worker_pid(name)} {run.daemon.state / 'data' / name}"


def the_host(run):
    return f"{run.daemon.pid} {run.daemon.state} {run.daemon.socket} {run.daemon.folder / 'secrets.key'}"


def host_pid(run):
    return str(run.daemon.pid)


def files_of_the_host(run):
    daemon = run.daemon
    sibling = oracle.SIBLINGS[0]
    staged = next((daemon.state / "plugins").glob("*.so"))
    log = next(path for path in (daemon.state / "logs").rglob("*") if path.is_file())
    files = [daemon.folder / "longhaul.yaml", daemon.instances, daemon.plugins, daemon.plugins / "hostile_neighbour.so", staged,
             log, next((daemon.state / "db").iterdir()), daemon.state / "data" / sibling,
             daemon.state / "data" / sibling / "given.txt", "/etc/passwd"]
    return " ".join(map(str, files))


@any_end
def nothing_reached(run, name):
    reached = run.data(name, "reached").split("\n")
    return [f"check: reached: {what}" for what in reached if what]


@any_end
def nobody_heard(run, name):
    return nothing_reached(run, name) + [f"check: {what} came to the driver" for what in run.peers_of_network.came] + \
        check(run.data(name, "pair") == "0", "socketpair is refused too")


class Peers:
    """TCP, UDP, Unix and abstract sockets that nobody has a grant for."""

    def __init__(self, folder):
        self.came = []
        self.tcp = socket.create_server(("127.0.0.1", 0))
        self.udp = socket.socket(type=socket.SOCK_DGRAM)
        self.udp.bind(("127.0.0.1", 0))
        self.path = str(folder / "peer.sock")
        self.unix = socket.socket(socket.AF_UNIX)
        self.unix.bind(self.path)
        os.chmod(self.path, 0o777)
        self.name = f"longhaul-hostile-{os.urandom(8).hex()}"  # one a run: nothing takes it away
        self.abstract = socket.socket(socket.AF_UNIX)
        self.abstract.bind(f"\0{self.name}")
        for what, listener in (("tcp", self.tcp), ("unix", self.unix), ("abstract", self.abstract)):
            listener.listen()
            threading.Thread(target=self.accept, args=(what, listener), daemon=True).start()
        threading.Thread(target=self.receive, daemon=True).start()

    def accept(self, what, listener):
        while True:
            try:
                listener.accept()[0].close()
            except OSError:
                return
            self.came.append(what)

    def receive(self):
        while True:
            try:
                self.udp.recv(64)
            except OSError:
                return
            self.came.append("udp")


def peers(run):
    run.peers_of_network = Peers(run.daemon.folder)
    p = run.peers_of_network
    return f"{p.tcp.getsockname()[1]} {p.udp.getsockname()[1]} {p.path} {p.name}"


@any_end
def not_escalated(run, name):
    """Refused; or it ended the worker, and the end's text names the system call."""
    harness.until(lambda: run.data(name, "got") or run.deaths(name), f"{name} tried")
    call = name.partition("-")[2]
    if run.data(name, "got"):
        got, error = map(int, run.data(name, "got").split())
        return check(got < 0, f"{call} gave {got} (errno {error})")
    death = run.deaths(name)[-1]
    problems = check(death["exitClass"] == "policy-kill", f"it ended as {death['exitClass']}")
    return problems + check(call.split("-")[0] in death["card"]["text"], f"the end does not name {call}: {death['card']['text']}")


# ---- classes 30, 31
@any_end
def context_in_quota(run, name):
    values = run.daemon.context(name)
    size = len(json.dumps(values))
    return check(size <= (4 << 20) + 1024, f"the context has {size} bytes")


def all_incidents_there(run, name):
    acknowledged = int(harness.until(lambda: run.data(name, "acknowledged"), "all are acknowledged", 120))
    stored = len(run.daemon.incidents(instance=name))
    return check(stored == acknowledged, f"{acknowledged} incidents were acknowledged, {stored} are stored")


def poison_is_text(run, name):
    rows = run.daemon.incidents(instance=name)
    problems = check(len(rows) == 1 and rows[0]["name"] == "'; DROP TABLE incidents; --<script>", f"the incident is {rows}")
    return problems + check(run.daemon.context(name) == {"' OR 1=1; --": "<script>"}, "the context is another one")


def a_siblings_incident(run):
    return run.daemon.api("GET", "/incidents", order="oldest", limit=1, instance=oracle.SIBLINGS[0])["incidents"][0]["id"]


def entries_as_documented(run, name):
    """A war room is for all who know the incident, as in XSOAR; what is no incident is refused."""
    return check(run.data(name, "entries") == "1 5", f"taken and refused: {run.data(name, 'entries')}, wanted 1 5")


def nothing_written(run, name):
    return check(not run.daemon.incidents(instance=name), "incidents were made")
