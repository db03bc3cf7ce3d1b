"""Injects the faults of faults_*.py into a real daemon, beside three well-behaved siblings, and checks after each batch
what docs/ISOLATION.md promises. Results go to a JSON file, from which matrix.py writes that page's table.

    hostile.py --modes root --results FILE [--only CLASS|PLUGIN[/FAULT]] [--runs N] [--seed N] [--many N]

Exit code 77: none of the modes can be run by this user. LONGHAUL_BIN, LONGHAUL_PLUGINS, LONGHAUL_KEEP: see harness.py.
"""
import argparse
import http.client
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "integration")]

import faults
import harness
import oracle

SKIPPED = 77
NOBODY = 65534
SHOWN_BY_CLI = 6
AT_ONCE = 24  # hostile workers of one batch: a spawn costs about 0.2 s of processor time under sanitizers
PENDING_S = 10  # what is known not to be held is not waited for
INJECT_S = 30  # a fault has to have happened by then
# A worker's crash has to look as it does in production, also where a sanitizer's run time is linked in; and what the
# host holds after an attack must not hide behind the quarantine of its freed blocks.
SANITIZER = ("handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=0:abort_on_error=1:detect_leaks=0:"
             "allocator_may_return_null=1:quarantine_size_mb=1:thread_local_quarantine_size_kb=64:"
             "detect_stack_use_after_return=0")
MODE_ARGUMENTS = {"root": [], "user": [], "user-without-landlock": ["--max-landlock-abi", "0"]}


class Run:
    """One mode, one seed: a daemon, its siblings, and the faults of it in batches."""

    def __init__(self, mode, seed, many, all_rows):
        self.mode, self.seed, self.many, self.rows = mode, seed, many, all_rows
        self.daemon = None
        self.oracle = None
        self.peers_of_network = None  # of class 24
        self.random = random.Random(seed)

    # ---- the daemon
    def open(self, plugins):
        self.daemon = harness.Daemon()
        self.daemon.folder.chmod(0o711)  # workers of own uids pass through
        self.daemon.environment = {"ASAN_OPTIONS": SANITIZER, "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1"}
        self.daemon.arguments = MODE_ARGUMENTS[self.mode]
        for plugin in {"neighbour", *plugins}:
            self.daemon.drop(f"hostile_{plugin}")
        self.daemon.start()
        # A listing of a stranger's file is as large as it is: all are looked at before the first instance is made.
        for name in oracle.SIBLINGS:
            self.daemon.run_instance(name, "hostile-neighbour", {"with": "20"})
        for name in oracle.SIBLINGS:
            harness.until(lambda: self.data(name, "given.txt"), f"{name} makes incidents")
        self.oracle = oracle.Oracle(self.daemon)

    def close(self, failed):
        """failed: names of instances whose logs are to be shown."""
        if failed and os.environ.get("LONGHAUL_VERBOSE"):
            self.daemon.report(failed)
        try:
            self.daemon.end()
        except AssertionError as error:  # it belongs to the faults that were tried last
            for row in self.rows[-1:]:
                row["problems"].append(f"host: {error}")
                print(f"{self.mode} {row['fault']}: {error}", flush=True)
        finally:
            if os.environ.get("LONGHAUL_KEEP"):
                print(f"kept: {self.daemon.folder}", file=sys.stderr)
            else:
                shutil.rmtree(self.daemon.folder, ignore_errors=True)

    def data(self, name, file):
        """The text of a file that a plugin left in its folder; empty: there is none."""
        try:
            return (self.daemon.state / "data" / name / file).read_text(errors="replace")
        except OSError:
            return ""

    def pids_told(self, name):
        """What a plugin says it left, as far as it lives."""
        found = []
        for word in self.data(name, "pids").split():
            process = oracle.process_name(int(word)) if int(word) > 0 else None
            if process:
                found.append(process)
        return found

    # ---- one batch
    def inject(self, batch):
        """All faults of a batch at once, and the oracle after it. Gives problems by fault, and those of all."""
        daemon = self.daemon
        before = harness.Footprint(daemon.pid)
        counts = self.oracle.given_counts()
        ends_before = oracle.ends(daemon)
        problems = {fault.id: [] for fault in batch}
        left = {fault.id: [] for fault in batch}
        for fault in batch:  # a file each: what is wrong with one keeps none of the others away
            daemon.instance_file(fault.instance, json.dumps({"instances": [self.configuration(fault)]}))
        for fault in batch[:]:
            try:
                daemon.wait_known(fault.instance)
            except AssertionError as error:
                problems[fault.id].append(f"injection: {error}")
                batch.remove(fault)
        deadline = time.monotonic() + (PENDING_S if all(fault.pending for fault in batch) else INJECT_S)
        for fault in batch:
            problems[fault.id] += self.happened(fault, deadline)
        general = self.oracle.siblings_answered(counts)  # during
        for fault in batch:
            left[fault.id] = self.pids_told(fault.instance)
            if fault.check:
                problems[fault.id] += self.checked(fault)
        self.end(batch)
        # All ends are compared with the API's and the metrics; of each batch some by a command line, which costs more.
        self.ends = {}
        shown = self.random.sample(batch, min(len(batch), SHOWN_BY_CLI))
        for fault in batch:
            problems[fault.id] += self.ended_right(fault, fault in shown)
            folder = daemon.state / "data" / fault.instance
            names = set(left[fault.id] + self.pids_told(fault.instance) + oracle.processes_in(folder))
            problems[fault.id] += oracle.gone(names, f"the worker of {fault.id}")
            oracle.end(names)  # what the host did not hold is not to be left on this machine
        counts = self.oracle.given_counts()
        general += self.oracle.host_answers()
        general += self.oracle.siblings_answered(counts)  # after
        general += self.oracle.siblings_untouched()
        general += self.oracle.store_is_true()
        general += self.oracle.host_is_back(before)
        counted = {name: count - ends_before.get(name, 0) for name, count in oracle.ends(daemon).items()}
        if {name: count for name, count in counted.items() if count} != self.ends:
            general.append(f"metrics: ends of {batch[0].id} and others: {counted} are counted, {self.ends} are kept")
        return problems, general

    def configuration(self, fault):
        given = fault.given(self) if callable(fault.given) else fault.given
        parameters = {key: value for key, value in (("fault", fault.name.removesuffix("-granted")), ("with", given)) if value}
        return {"name": fault.instance, "plugin": f"hostile-{fault.plugin.replace('_', '-')}", "parameters": parameters,
                "restart": {"policy": "never"}, "grants": {"serverApi": faults.CALLS, "processes": fault.processes}, **fault.spec}

    def deaths(self, name):
        return self.daemon.api("GET", f"/instances/{name}/deaths", limit=100)["deaths"]

    def proofs(self, fault):
        return self.proofs_of(fault.instance)

    def proofs_of(self, name):
        text = self.data(name, "proof")
        return int(text.split()[0]) if text else 0

    def happened(self, fault, deadline):
        """Waits until the fault has happened, by the plugin's own count or by its end."""
        def enough():
            if fault.proved_by == "proof" and self.proofs(fault) >= fault.proof:
                return True
            if fault.proved_by == "log":
                return self.logged(fault.instance)
            if fault.proved_by in ("end", "check") and not fault.ends:
                return self.daemon.instance(fault.instance)["state"] in ("running", "refused", "completed", "starting")
            return bool(self.deaths(fault.instance))
        try:
            harness.until(enough, f"{fault.id} happens", max(0, deadline - time.monotonic()))
            if fault.ends:
                harness.until(lambda: self.deaths(fault.instance), f"the worker of {fault.id} ends",
                              max(0, deadline - time.monotonic()))
        except AssertionError as error:
            return [f"injection: {error}"]
        if fault.proved_by == "proof" and self.proofs(fault) < fault.proof:
            return [f"injection: it happened {self.proofs(fault)} times, {fault.proof} were wanted"]
        return []

    def logged(self, name):
        return [line["text"] for line in self.daemon.api("GET", f"/instances/{name}/logs", n=1000)["lines"]
                if line["source"] != "host"]

    def checked(self, fault):
        try:
            return fault.check(self, fault.instance) or []
        except (AssertionError, OSError, LookupError, ValueError) as error:
            return [f"check: {type(error).__name__} {error}"]

    def end(self, batch):
        """Asks those that live to stop, as an operator does."""
        names = [fault.instance for fault in batch]
        if not names:
            return
        self.daemon.cli("disable", "--no-wait", *names)
        for name in names:
            harness.until(lambda: not self.has_worker(name), f"{name} has no worker", INJECT_S)

    def has_worker(self, name):
        instance = self.daemon.instance(name)
        return "current" in instance or "incoming" in instance

    def ended_right(self, fault, shown_by_cli):
        """Class and cause, by the API, the command line and the metrics."""
        problems = []
        try:  # it is stored a moment after the worker is gone
            deaths = harness.until(lambda: self.deaths(fault.instance), f"an end of {fault.id} is kept", 5)
        except AssertionError as error:
            return [f"end: {error}"]
        death = deaths[-1]  # the first one: what came later are restarts
        wanted = fault.ends or fault.stops
        text = death["card"]["text"]
        if fault.check is not None and getattr(fault.check, "takes_any_end", False):
            wanted = None
        if wanted is not None and death["exitClass"] not in wanted:
            problems.append(f"end: {death['exitClass']} ({text}), wanted {' or '.join(wanted)}")
        elif wanted is not None and not re.search(fault.text, text, re.S):
            problems.append(f"end: \"{text}\" does not say {fault.text}")
        if shown_by_cli:
            shown = self.daemon.cli("deaths", fault.instance)
            if death["exitClass"] not in shown:
                problems.append(f"end: longhaul deaths does not say {death['exitClass']}:\n{shown}")
        for each in deaths:
            self.ends[each["exitClass"]] = self.ends.get(each["exitClass"], 0) + 1
        return problems

    # ---- all of them
    def record(self, fault, problems, injected):
        self.rows.append({"class": fault.cls, "fault": fault.id, "what": fault.what, "mode": self.mode, "seed": self.seed,
                          "injected": injected, "problems": problems})
        if problems:
            print(f"{self.mode} {fault.id}: " + "\n    ".join(problems), flush=True)

    def run(self, wanted):
        import hosts  # here: it needs this class
        mine = [fault for fault in wanted if self.mode in fault.modes]
        self.random.shuffle(mine)
        batches = {}
        for fault in mine:
            # What is not held yet may break what it is tried beside.
            batches.setdefault((fault.batch, bool(fault.pending)), []).append(fault)
        killed = [fault for fault in mine if fault.batch == "host-killed"]
        murder = [fault for fault in mine if fault.batch == "murder"]
        groups = []
        for (name, _), members in sorted(batches.items()):
            if name in ("host-killed", "murder"):
                continue
            size = {"flood": 1, "heavy": 3}.get(name, AT_ONCE)
            groups += [members[i:i + size] for i in range(0, len(members), size)]
        if groups:
            self.in_one_daemon(groups)
        for fault in murder:  # whoever is killed, the next one begins anew
            self.in_one_daemon([[fault]])
        for fault in killed:
            hosts.killed_beside(self, fault)

    def in_one_daemon(self, groups):
        failed = []
        self.open({fault.plugin for group in groups for fault in group})
        try:
            for group in groups:
                began = time.monotonic()
                try:
                    problems, general = self.inject(group[:])
                except (AssertionError, OSError, subprocess.SubprocessError, http.client.HTTPException) as error:
                    ended = self.daemon.process.poll()
                    problems, general = {fault.id: [] for fault in group}, \
                        [f"host: {error}" if ended is None else f"host: it ended with {ended}"]
                for fault in group:
                    injected = max(self.proofs(fault), 1 if fault.proved_by != "proof" else 0)
                    self.record(fault, problems[fault.id] + general, injected)
                    if problems[fault.id] + general and not fault.pending:
                        failed.append(fault.instance)
                print(f"{self.mode}: {len(group)} faults in {time.monotonic() - began:.1f} s", flush=True)
        finally:
            self.close(failed)


def verdict_of(fault, row):
    """held, degraded or not held; and whether that is what was to be expected."""
    problems = row["problems"]
    if not problems:
        # A mark that was not needed here is no reason to call it less than held, but is told.
        unneeded = fault.degraded[row["mode"]][1] if row["mode"] in fault.degraded else fault.pending
        return {"verdict": "held", "remains": "", "unneeded": unneeded, "expected": True}
    if row["mode"] in fault.degraded:
        pattern, remains = fault.degraded[row["mode"]]
        rest = [problem for problem in problems if not re.search(pattern, problem)]
        if not rest:
            return {"verdict": "degraded", "remains": remains, "expected": True}
        return {"verdict": "not held", "remains": remains, "expected": False}
    return {"verdict": "not held", "remains": fault.pending, "expected": bool(fault.pending)}


def unneeded_marks(rows, by_id):
    """(mode, fault, mark, whether that is a failure) of each mark that no run needed: marks have to be exact."""
    runs = {}
    for row in rows:
        runs.setdefault((row["mode"], row["fault"]), []).append(row)
    return [(mode, fault, of[0]["unneeded"], not by_id[fault].races and not by_id[fault].pending)
            for (mode, fault), of in runs.items() if all(row.get("unneeded") for row in of)]


def pick(wanted):
    every = faults.all_faults()
    if not wanted:
        return every
    return [fault for fault in every if any(word in (fault.cls, fault.plugin, fault.id) for word in wanted)]


def as_nobody(arguments):
    """Runs this script again as an ordinary user, from a copy that this user can read."""
    folder = Path(tempfile.mkdtemp(prefix="longhaul-hostile-"))
    try:
        folder.chmod(0o755)
        for name in ("longhauld", "longhaul", "longhaul-worker", "longhaul-symbols"):
            (folder / "bin").mkdir(exist_ok=True)
            shutil.copy2(harness.BIN / name, folder / "bin" / name)
        shutil.copytree(HERE, folder / "tests" / "hostile", ignore=shutil.ignore_patterns("plugins", "__pycache__"))
        shutil.copytree(HERE.parent / "integration", folder / "tests" / "integration",
                        ignore=shutil.ignore_patterns("worker", "__pycache__"))
        shutil.copytree(harness.PLUGINS, folder / "plugins")
        home = folder / "home"
        home.mkdir()
        os.chown(home, NOBODY, NOBODY)
        results = home / "results.json"
        environment = {**os.environ, "HOME": str(home), "LONGHAUL_BIN": str(folder / "bin"),
                       "LONGHAUL_PLUGINS": str(folder / "plugins")}
        words = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", sys.executable, "-B",
                 str(folder / "tests" / "hostile" / "hostile.py"), *arguments.words, "--results", str(results)]
        code = subprocess.run(words, env=environment, check=False).returncode
        if results.exists() and arguments.results:
            shutil.copyfile(results, arguments.results)
        return code
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--modes", default="root,user,user-without-landlock")
    parser.add_argument("--results")
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--many", type=int, default=5000, help="incidents of class 31")
    arguments = parser.parse_args()
    modes = arguments.modes.split(",")
    root = os.geteuid() == 0
    if root and "root" not in modes:
        arguments.words = ["--modes", arguments.modes, "--runs", str(arguments.runs), "--seed", str(arguments.seed),
                           "--many", str(arguments.many), *(["--only", *arguments.only] if arguments.only else [])]
        return as_nobody(arguments)
    modes = [mode for mode in modes if (mode == "root") == root]
    flags = subprocess.run([harness.BIN / "longhauld", "--help"], capture_output=True, text=True, check=True).stdout
    for mode in [mode for mode in modes if MODE_ARGUMENTS[mode] and MODE_ARGUMENTS[mode][0] not in flags]:
        print(f"skipped: {mode}: this longhauld has no {MODE_ARGUMENTS[mode][0]}")
        modes.remove(mode)
    if not modes:
        print("skipped: none of these modes can be run by this user")
        return SKIPPED

    wanted = pick(arguments.only)
    rows = []
    for mode in modes:
        for number in range(arguments.runs):
            Run(mode, arguments.seed + number, arguments.many, rows).run(wanted)
    by_id = {fault.id: fault for fault in wanted}
    for row in rows:
        row.update(verdict_of(by_id[row["fault"]], row))
    if arguments.results:
        Path(arguments.results).write_text(json.dumps(rows, indent=1) + "\n")
    count = {verdict: sum(row["verdict"] == verdict for row in rows) for verdict in ("held", "degraded", "not held")}
    print(f"{len(rows)} injections: {count}; seed {arguments.seed}")
    unneeded = unneeded_marks(rows, by_id)
    for mode, fault, mark, _ in unneeded:
        print(f"{mode} {fault} is held; its mark was not needed: {mark}")
    bad = [row for row in rows if not row["expected"]]
    for row in bad:
        print(f"NOT HELD {row['mode']} {row['fault']}: {row['problems'][:3]}")
    return 1 if bad or any(failure for *_, failure in unneeded) else 0


if __name__ == "__main__":
    sys.exit(main())
