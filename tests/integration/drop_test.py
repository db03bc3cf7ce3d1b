"""Dropping a plugin file is safe, in every way in which people do it: by the real tools, slowly, in pieces, while others
swap it away; and what is no plugin is refused by a sentence before any of it runs.

    LONGHAUL_CUTS    cut files that are dropped, 40 else
    LONGHAUL_SWAPS   of the racer, 1000 else
    LONGHAUL_SEED    of both
"""
import hashlib
import os
import random
import re
import shutil
import signal
import socket
import stat
import struct
import subprocess
import threading
import unittest
from pathlib import Path

import harness

PLUGIN, FILE = "test-unruly", "test_unruly.so"
OLD, NEW = harness.PLUGINS / FILE, harness.PLUGINS / "test_unruly_good.so"  # 1.0.0 and 5.0.0
CUTS = int(os.environ.get("LONGHAUL_CUTS", "40"))
SWAPS = int(os.environ.get("LONGHAUL_SWAPS", "1000"))
SEED = int(os.environ.get("LONGHAUL_SEED", "20260101"))
SETTLED_S = 0.7  # longer than a file has to be quiet
PAGE = 4096


def digest_of(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def tool(*words, **more):
    subprocess.run([str(word) for word in words], check=True, capture_output=True, timeout=harness.WAIT_S, **more)


def pause(seconds):
    threading.Event().wait(seconds)


# ---- the ways. Each puts SOURCE, a file in a folder of its own beside the plugin folder, to TARGET.
def redirect(source, target):
    with open(target, "wb") as out:
        subprocess.run(["cat", source], stdout=out, check=True, timeout=harness.WAIT_S)


def move(source, target):
    copy = source.with_name("moved.so")
    shutil.copy2(source, copy)
    tool("mv", copy, target)


def move_over_file_systems(source, target):
    folder = Path("/dev/shm" if os.path.isdir("/dev/shm") else "/tmp")
    copy = folder / f"longhaul-{os.getpid()}-{target.name}"
    shutil.copyfile(source, copy)
    tool("mv", copy, target)


def slow_dd(source, target):
    tool("dd", f"if={source}", f"of={target}", "bs=8k", "oflag=sync")


def tee(source, target):
    with open(source, "rb") as data:
        tool("tee", target, stdin=data)


def hard_link(source, target):
    link = source.with_name(f"link-{target.name}")
    shutil.copyfile(source, link)
    tool("ln", "-f", link, target)


def tar(source, target):
    copy = source.parent / target.name
    shutil.copyfile(source, copy)
    tool("tar", "-C", source.parent, "-cf", source.parent / "x.tar", target.name)
    tool("tar", "-C", target.parent, "-xf", source.parent / "x.tar")


def vim(source, target):
    """With a backup: the old one is renamed away, the new one written under its name, the backup removed."""
    backup = target.with_name(target.name + "~")
    if target.exists():
        target.rename(backup)
    target.write_bytes(source.read_bytes())
    backup.unlink(missing_ok=True)


def gedit(source, target):
    beside = target.with_name(".goutputstream-X4TZ71")
    beside.write_bytes(source.read_bytes())
    beside.rename(target)


def sponge(source, target):
    data = source.read_bytes()
    with open(target, "wb") as out:
        for at in range(0, len(data), 8192):
            out.write(data[at:at + 8192])
            out.flush()


def browser(source, target):
    part = target.with_name(target.name + ".part")
    part.write_bytes(source.read_bytes())
    part.rename(target)


WAYS = {
    "cp": lambda source, target: tool("cp", source, target),
    "cp-p": lambda source, target: tool("cp", "-p", source, target),
    "cp-f": lambda source, target: tool("cp", "--remove-destination", source, target),
    "cp-sparse": lambda source, target: tool("cp", "--sparse=always", source, target),
    "install": lambda source, target: tool("install", "-m", "644", source, target),
    "rsync": lambda source, target: tool("rsync", "-a", source, target),
    "rsync-inplace": lambda source, target: tool("rsync", "-t", "--inplace", "--ignore-times", source, target),
    "rsync-sparse": lambda source, target: tool("rsync", "--sparse", "--ignore-times", source, target),
    "mv": move, "mv-over": move_over_file_systems, "cat": redirect, "dd": slow_dd, "tee": tee, "ln": hard_link, "tar": tar,
    "vim": vim, "gedit": gedit, "sponge": sponge, "browser": browser,
}


class Dropping(harness.DaemonTest):
    def row(self, daemon, name, refused=False):
        for row in daemon.api("GET", "/plugins")["plugins"]:
            if os.path.basename(row["path"]) == name and (row["state"] == "refused") == refused:
                return row
        return None

    def wait_digests(self, daemon, digests):
        """Until each name has its digest and no refusal."""
        def wrong():
            rows = daemon.api("GET", "/plugins")["plugins"]
            have = {os.path.basename(row["path"]): row.get("digest") for row in rows if row["state"] != "refused"}
            refused = {os.path.basename(row["path"]): row["reason"] for row in rows if row["state"] == "refused"}
            return {name: refused.get(name, have.get(name)) for name, digest in digests.items()
                    if have.get(name) != digest or name in refused}
        harness.until(lambda: not wrong(), lambda: f"taken: {wrong()}")

    def wait_refused(self, daemon, names):
        """The reasons, once each of them is refused."""
        def reasons():
            rows = daemon.api("GET", "/plugins")["plugins"]
            return {os.path.basename(row["path"]): row["reason"] for row in rows if row["state"] == "refused"}
        harness.until(lambda: set(names) <= set(reasons()), lambda: f"refused: {set(names) - set(reasons())}")
        return reasons()

    def refusals_logged(self, daemon):
        return [line for line in daemon.log_path.read_text(errors="replace").splitlines() if " is refused: " in line]

    def store(self, daemon):
        """What is staged has the bytes that its name says."""
        files = list((daemon.state / "plugins").glob("*.so"))
        for file in files:
            self.assertEqual(file.stem, digest_of(file))
        return {file.stem for file in files}

    # ---- what is good
    def test_every_way_to_copy_a_file(self):
        daemon = self.daemon()
        sources = daemon.folder / "sources"
        sources.mkdir()
        for number, (build, when) in enumerate([(OLD, 978307200), (NEW, 4102444800), (OLD, None)]):
            source = sources / f"source-{number}.so"
            shutil.copyfile(build, source)
            if when:  # 2001, then 2100: a file's own time says nothing
                os.utime(source, (when, when))
            for name, way in WAYS.items():
                with self.subTest(name, build=build.name):
                    way(source, daemon.plugins / f"{name}.so")
            self.wait_digests(daemon, {f"{name}.so": digest_of(build) for name in WAYS})
        self.assertEqual([], self.refusals_logged(daemon))
        self.assertEqual({digest_of(OLD), digest_of(NEW)}, self.store(daemon))
        names = {os.path.basename(row["path"]) for row in daemon.api("GET", "/plugins")["plugins"]}
        self.assertEqual({f"{name}.so" for name in WAYS}, names, "what tools write on their way has no row")
        # Nothing of it is held open, and a touch changes nothing.
        tool("touch", *daemon.plugins.glob("*.so"))
        pause(SETTLED_S)
        daemon.cli("reload")
        self.wait_digests(daemon, {f"{name}.so": digest_of(OLD) for name in WAYS})

    def test_odd_names_are_names(self):
        daemon = self.daemon()
        names = ["with blank.so", "-rf.so", "$(reboot).so", "naïve.so", "x" * 252 + ".so", "no-suffix", "line\nfeed.so"]
        for name in names:
            shutil.copyfile(OLD, daemon.plugins / name)
        self.wait_digests(daemon, {name: digest_of(OLD) for name in names})
        shutil.copyfile(OLD, os.fsencode(daemon.plugins) + b"/bad\xff.so")
        harness.until(lambda: len(daemon.api("GET", "/plugins")["plugins"]) == len(names) + 1, "a name that is not UTF-8")
        self.assertNotIn("line\nfeed", daemon.cli("plugins"))

    # ---- what is slow
    def write_slowly(self, target, data, from_the_front):
        """As a copy does that stalls and is taken up again: in place, each stall longer than a file has to be quiet."""
        blocks = [(at, data[at:at + PAGE]) for at in range(0, len(data), PAGE)]
        if not from_the_front:
            random.Random(SEED).shuffle(blocks)
        os.truncate(target, 0)
        os.truncate(target, 0 if from_the_front else len(data))
        per_part = -(-len(blocks) // 5)
        for first in range(0, len(blocks), per_part):
            with open(target, "r+b") as out:
                for at, block in blocks[first:first + per_part]:
                    out.seek(at)
                    out.write(block)
            if first + per_part < len(blocks):
                pause(SETTLED_S)  # after the last part it is whole, and may be taken up

    def test_a_slow_writer(self):
        daemon = self.daemon()
        shutil.copyfile(OLD, daemon.plugins / FILE)
        self.wait_digests(daemon, {FILE: digest_of(OLD)})
        daemon.run_instance("edge", PLUGIN, {"mode": "serve"})
        for build, version, from_the_front in ((NEW, "5.0.0", True), (OLD, "1.0.0", False)):
            before = daemon.instance("edge")["current"]
            seen = set()
            writer = threading.Thread(target=self.write_slowly, args=(daemon.plugins / FILE, build.read_bytes(), from_the_front))
            writer.start()
            while writer.is_alive():
                seen.add(daemon.worker_pid("edge"))
                pause(0.05)
            writer.join()
            self.assertEqual({before["pid"]}, seen, "half a file touches nothing")
            harness.until(lambda: daemon.wait("edge")["current"]["version"] == version, f"{version} runs once it is whole")
            self.assertEqual(digest_of(build), daemon.instance("edge")["current"]["digest"])
        self.assertGreaterEqual(len(self.refusals_logged(daemon)), 2, "the stalls were long enough")
        self.assertEqual({digest_of(OLD), digest_of(NEW)}, self.store(daemon))
        classes = {death["exitClass"] for death in daemon.api("GET", "/instances/edge/deaths")["deaths"]}
        self.assertLessEqual(classes, {"operator-stop"})

    def test_cuts_and_holes_leave_what_runs(self):
        daemon = self.daemon(OLD)
        worker = daemon.run_instance("edge", PLUGIN, {"mode": "serve"})["current"]["pid"]
        whole, chance = NEW.read_bytes(), random.Random(SEED)
        names = []
        for number in range(CUTS):
            size = chance.randrange(len(whole))
            if number % 4 == 3:  # room made first, filled from the front
                data = whole[:size // PAGE * PAGE].ljust(len(whole), b"\0")
            else:
                data = whole[:size]
            names.append(f"cut-{number}.so")
            (daemon.plugins / names[-1]).write_bytes(data)
        reasons = self.wait_refused(daemon, names)
        for name in names:
            self.assertRegex(reasons[name], "cut short|has a hole|is empty|not an ELF file|damaged")
        self.assertIsNone(daemon.process.poll())
        self.assertEqual(worker, daemon.worker_pid("edge"))
        self.assertEqual([], daemon.api("GET", "/instances/edge/deaths")["deaths"])
        self.assertEqual({digest_of(OLD)}, self.store(daemon))

    # ---- what is no plugin, or not safely one
    def patched(self, what, by, count=1):
        data = OLD.read_bytes()
        self.assertIn(what, data)
        self.assertEqual(len(what), len(by))
        return data.replace(what, by, count)

    def refused_files(self, folder):
        """name -> (what makes it, words of the refusal)"""
        data = OLD.read_bytes()
        write = lambda bytes_: lambda path: path.write_bytes(bytes_)
        header = lambda at, form, value: data[:at] + struct.pack(form, value) + data[at + struct.calcsize(form):]
        note = data.index(b"Longhaul\0") + 12
        files = {
            "fifo.so": (os.mkfifo, ["is a FIFO, wanted a regular file"]),
            "folder.so": (lambda path: path.mkdir(), ["is a folder, wanted a regular file"]),
            "socket.so": (self.make_socket, ["is a socket, wanted a regular file"]),
            "link.so": (lambda path: path.symlink_to(OLD), ["is a symbolic link", "copy the file itself there"]),
            "dangling.so": (lambda path: path.symlink_to("/nonexistent"), ["is a symbolic link"]),
            "text.so": (write(b"These are my notes.\n"), ["not an ELF file", "wanted a shared object"]),
            "empty.so": (write(b""), ["the file is empty"]),
            "other-machine.so": (write(header(18, "<H", 243)), ["built for RISC-V, wanted", "build it for this machine"]),
            "32-bit.so": (write(header(4, "B", 1)), ["a 32-bit ELF file"]),
            "program.so": (write(Path("/bin/true").read_bytes()), ["an executable"]),
            "object.so": (write(header(16, "<H", 1)), ["an object file (.o)"]),
            "abi.so": (write(data[:note] + struct.pack("<I", 9 << 16) + data[note + 4:]), ["built for plugin API 9.0, this host has"]),
            "version.so": (write(self.patched(b'"version": "1.0.0"', b'"version": "1.0.x"')), ["/version"]),
            "library.so": (write(self.patched(b"\0libc.so.6\0", b"\0libq.so.6\0")), ["needs the library libq.so.6", "install the package"]),
            "newer-system.so": (write(self.patched(b"\0GLIBC_2.2.5\0" if b"\0GLIBC_2.2.5\0" in data else b"\0GLIBC_2.17\0",
                                                   b"\0GLIBC_9.2.5\0" if b"\0GLIBC_2.2.5\0" in data else b"\0GLIBC_9.17\0")),
                                ["it needs GLIBC_9", "built on a newer system"]),
            "symbol.so": (write((harness.PLUGINS / "test_missing_symbol.so").read_bytes()), ["it uses longhaulTestIsNowhere", "link it with"]),
            "entry.so": (write((harness.PLUGINS / "test_no_entry.so").read_bytes()), ["does not export longhaulPluginEntry"]),
            "open.so": (self.with_mode(0o666), ["is writable by everybody (mode 0666)", f"chmod o-w {folder}/open.so"]),
        }
        if os.geteuid() == 0:
            files |= {
                "device.so": (lambda path: os.mknod(path, 0o644 | stat.S_IFCHR, os.makedev(1, 5)), ["is a device"]),
                "group.so": (self.with_owner(0, 65533, 0o664), ["is writable by its group", f"chmod g-w {folder}/group.so"]),
                "owner.so": (self.with_owner(65533, 0, 0o644), ["belongs to uid 65533", f"chown root {folder}/owner.so"]),
            }
        else:
            files["closed.so"] = (self.with_mode(0o200), ["let ", "chmod o+r"])
        return files

    def make_socket(self, path):
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(path))

    def with_mode(self, mode):
        def make(path):
            path.write_bytes(OLD.read_bytes())
            path.chmod(mode)
        return make

    def with_owner(self, uid, gid, mode):
        def make(path):
            path.write_bytes(OLD.read_bytes())
            os.chown(path, uid, gid)
            path.chmod(mode)
        return make

    def test_refusals_are_sentences_and_nothing_has_run(self):
        daemon = self.daemon()
        daemon.put_instance("edge", PLUGIN, {"mode": "serve"})
        files = self.refused_files(daemon.plugins)
        for name, (make, _) in files.items():
            make(daemon.plugins / name)
        reasons = self.wait_refused(daemon, files)
        for name, (_, words) in files.items():
            with self.subTest(name):
                for word in words:
                    self.assertIn(word, reasons[name])
                self.assertIn(reasons[name], daemon.api("GET", "/explain", target=name)["text"])
        self.assertEqual(set(), self.store(daemon))
        self.assertEqual([], daemon.workers())
        self.assertEqual(len(files), len(self.refusals_logged(daemon)), "each is said once")

        # The remedy that a refusal names is enough.
        for name in ("open.so", "group.so", "owner.so"):
            if name in files:
                remedy = re.search(r": ((?:chmod|chown) \S+ \S+)", reasons[name]).group(1)
                tool(*remedy.split())
                harness.until(lambda: self.row(daemon, name) and not self.row(daemon, name, True), f"{remedy} is enough")
        daemon.wait("edge")

    def test_folders_that_others_can_write_to(self):
        daemon = self.daemon()
        daemon.plugins.chmod(0o777)
        shutil.copyfile(OLD, daemon.plugins / FILE)
        reason = self.wait_refused(daemon, [FILE])[FILE]
        self.assertIn(f"{daemon.plugins} is writable by everybody (mode 0777)", reason)
        self.assertIn(f"chmod o-w {daemon.plugins}", reason)
        daemon.plugins.chmod(0o755)
        daemon.cli("reload")
        self.wait_digests(daemon, {FILE: digest_of(OLD)})

    # ---- who swaps while it is read
    def test_a_racer(self):
        daemon = self.daemon(OLD)
        daemon.run_instance("edge", PLUGIN, {"mode": "serve"})
        target, beside = daemon.plugins / FILE, daemon.plugins / ".beside"
        versions = {digest_of(OLD): "1.0.0", digest_of(NEW): "5.0.0"}
        chance, seen = random.Random(SEED), set()
        for number in range(SWAPS):
            kind = chance.choice(["old", "new", "text", "link", "link"])
            if kind == "text":
                beside.write_bytes(b"no plugin\n")
            elif kind == "link":
                beside.symlink_to(chance.choice([OLD, NEW]))
            else:
                shutil.copyfile(OLD if kind == "old" else NEW, beside)
            beside.rename(target)
            if number % (SWAPS // 20) == 0:  # long enough to be staged, more or less
                pause(chance.uniform(0.08, 0.16))
                current = daemon.instance("edge").get("current")
                if current:
                    seen.add((current["digest"], current["version"], current["pid"]))
                    self.assert_loads(daemon, current)
        shutil.copyfile(NEW, beside)
        beside.rename(target)
        harness.until(lambda: daemon.wait("edge")["current"]["version"] == "5.0.0", "the last one runs")
        current = daemon.instance("edge")["current"]
        self.assert_loads(daemon, current)
        for digest, version, _ in seen:
            self.assertEqual(version, versions.get(digest))
        self.assertLessEqual(self.store(daemon), set(versions))
        logged = re.findall(rf"plugin {PLUGIN} (\S+) is ([0-9a-f]+), from", daemon.log_path.read_text())
        self.assertEqual(versions, {digest: version for digest, version in versions.items()
                                    if (version, digest[:12]) in logged} | {digest_of(OLD): "1.0.0"})
        self.assertLessEqual(set(logged), {(version, digest[:12]) for digest, version in versions.items()})
        classes = {death["exitClass"] for death in daemon.api("GET", "/instances/edge/deaths")["deaths"]}
        self.assertLessEqual(classes, {"operator-stop"})

    def assert_loads(self, daemon, current):
        """The worker has mapped the staged file of its digest, and that file's bytes have this digest."""
        try:
            maps = Path(f"/proc/{current['pid']}/maps").read_text()
        except OSError:
            return  # it was swapped in the meantime
        mapped = set(re.findall(rf"{re.escape(str(daemon.state))}/plugins/(\S+)\.so", maps))
        if mapped:
            self.assertEqual({current["digest"]}, mapped)

    # ---- inotify
    def test_lost_events(self):
        """The daemon is stopped while more happens than the kernel keeps."""
        daemon = self.daemon()
        most = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
        daemon.process.send_signal(signal.SIGSTOP)
        try:
            for number in range(most // 2 + 2):  # two names in turns: equal events are merged
                (daemon.plugins / f"{number % 2}.tmp").touch()
            shutil.copyfile(OLD, daemon.plugins / FILE)
        finally:
            daemon.process.send_signal(signal.SIGCONT)
        self.wait_digests(daemon, {FILE: digest_of(OLD)})

    def test_without_inotify(self):
        """In a user namespace that may have none."""
        words = ["unshare", "--user", "--map-root-user", "sh", "-c",
                 'echo 0 > /proc/sys/user/max_inotify_instances && exec "$@"', "sh"]
        if subprocess.run([*words, "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("this system lets nobody make user namespaces")
        daemon = self.daemon(started=False)
        daemon.prefix = words
        daemon.start()
        inotify = [link for link in Path(f"/proc/{daemon.pid}/fd").iterdir() if "inotify" in os.path.realpath(link)]
        self.assertEqual([], inotify)
        for build in (OLD, NEW):
            shutil.copyfile(build, daemon.plugins / FILE)
            self.wait_digests(daemon, {FILE: digest_of(build)})
        os.remove(daemon.plugins / FILE)
        harness.until(lambda: not self.row(daemon, FILE), "it is gone")


if __name__ == "__main__":
    unittest.main()
