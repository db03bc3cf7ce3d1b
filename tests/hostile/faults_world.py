"""What a plugin can do to the machine, its siblings, the host and the operator: classes 9–14, 21–25, 29–31."""
import ctypes

from faults import Fault
import checks

FAULTS = []


def add(cls, plugin, name, what, **more):
    FAULTS.append(Fault(cls, plugin, name, what, **more))


# What one uid for all cannot hold, as docs/ISOLATION.md tells it.
PATHS = "the files of the daemon's user are open to its plugins, the store and the keys among them"
FORKS = "without a control group, processes that fork while they are ended can outlive their worker, until the daemon ends"
CREATE_RULESET, ASK_VERSION = 444, 1  # landlock_create_ruleset
ABI_OF_SIGNALS = 6  # from there on Landlock holds signals
SIGNALS = "with the grant to start processes it may signal whatever runs as the same user"


def files_of_one_uid():
    paths = r"open for writing|create in|change the mode|its folder|its file|the database|the keys|the admin socket"
    return {"user-without-landlock": (f"reached: .*({paths})|^host: ", PATHS)}


def signals_of_one_uid():
    held_by_landlock = ctypes.CDLL(None).syscall(CREATE_RULESET, None, 0, ASK_VERSION) >= ABI_OF_SIGNALS
    modes = ("user-without-landlock",) if held_by_landlock else ("user", "user-without-landlock")
    return dict.fromkeys(modes, (r"reached: |^(host|siblings|metrics|injection|end): ", SIGNALS))


# ---- 9 memory. The bomb is bounded by its parameter (MiB), so that a mode that does not hold it survives the test.
for name in ("malloc", "mmap", "memfd"):
    add("9", "memory", name, f"a memory bomb by {name}", ends=("out-of-memory", "limit"), given="400", batch="heavy",
        spec={"limits": {"memory_mib": 128}})

# ---- 10 threads and forks
add("10", "bombs", "threads", "a thread bomb", given="1000", batch="heavy", spec={"limits": {"pids": 64}},
    check=checks.bomb_refused)
add("10", "bombs", "forks", "a fork bomb", processes=True,
    degraded=dict.fromkeys(("user", "user-without-landlock"), (r"^processes: |workers outlived", FORKS)), races=True,
    given="40", batch="heavy", spec={"limits": {"pids": 64}}, check=checks.bomb_refused)
add("10", "bombs", "raw-forks", "a fork bomb past the C library, without the grant", given="40", batch="heavy",
    check=checks.forks_refused)

# ---- 11 descriptors
add("11", "descriptors", "files", "opens files until none is left", proof=10, batch="heavy", check=checks.descriptors_bounded,
    spec={"limits": {"files": 256}})
add("11", "descriptors", "calls", "200 threads call at once", proof=200, batch="flood", check=checks.siblings_go_on)

# ---- 12 processor
for name, what in (("spin", "eight threads spin"), ("nice", "the same, asking for the highest priority"),
                   ("real-time", "the same, asking for real time")):
    add("12", "processor", name, what, proof=8, batch="flood", check=checks.siblings_go_on)

# ---- 13 daemonises
for name, what, more in (
        ("lives", "leaves a daemon and lives", {}),
        ("crash", "leaves a daemon and dies", {"ends": ("signal",)}),
        ("returns", "leaves a daemon and returns", {"ends": ("completed",)})):
    add("13", "daemons", name, what, processes=True, **more)
add("13", "daemons", "program", processes=True, what="leaves a program without an environment")
add("13", "daemons", "wiped", processes=True, what="leaves a daemon that wiped its origin and lives")
add("13", "daemons", "wiped-crash", processes=True, what="leaves a daemon that wiped its origin and dies", ends=("signal",))

# ---- 14 hides from the end of its host: in a daemon of its own, which is killed
add("14", "orphans", "hides", "clears the parent-death signal and hides from EOF", batch="host-killed")
add("14", "orphans", "wiped", "also wipes arguments and environment", batch="host-killed")

# ---- 21 siblings
add("21", "siblings", "gentle", "reads a sibling's memory, environment, descriptors, files", given=checks.a_sibling, proof=12,
    check=checks.nothing_reached, degraded=files_of_one_uid())
for name, what in (("vm", "reads a sibling's memory"), ("ptrace", "traces a sibling"), ("getfd", "takes a sibling's descriptor")):
    add("21", "siblings", name, what, given=checks.a_sibling, proof=0, check=checks.nothing_reached)
    add("22", "host", name, what.replace("a sibling", "the host"), given=checks.the_host, proof=0, check=checks.nothing_reached)
for name, what in (("kill", "kills a sibling"), ("group", "kills its group"), ("tgkill", "kills it by thread"),
                   ("sigqueue", "kills it by a queued signal")):
    add("21", "siblings", name, what, given=checks.a_sibling, check=checks.nothing_reached, batch="murder")
add("21", "siblings", "kill-granted", "kills a sibling, and may start processes", processes=True, given=checks.a_sibling,
    check=checks.nothing_reached, batch="murder", degraded=signals_of_one_uid())

# ---- 22 the host
add("22", "host", "gentle", "reads the host's memory, database, keys, commands it by its socket", given=checks.the_host, proof=13,
    batch="murder", check=checks.nothing_reached, degraded=files_of_one_uid())
for name, what in (("kill", "kills the host"), ("stop", "stops the host"), ("term", "asks the host to end"),
                   ("tgkill", "kills the host by thread")):
    add("22", "host", name, what, given=checks.the_host, check=checks.nothing_reached, batch="murder")
add("22", "host", "kill-granted", "kills the host, and may start processes", processes=True, given=checks.the_host,
    check=checks.nothing_reached, batch="murder", degraded=signals_of_one_uid())

# ---- 23 files and disk
add("23", "files", "write", "writes the host's files, folders and a sibling's", given=checks.files_of_the_host, proof=5,
    check=checks.nothing_reached, degraded=files_of_one_uid())
add("23", "files", "fill", "fills its folder", given="300", batch="heavy", spec={"limits": {"disk_mib": 64}},
    check=checks.disk_bounded)

# ---- 24 network
add("24", "network", "out", "TCP, UDP, Unix, abstract, raw, netlink without a grant", given=checks.peers, proof=9,
    check=checks.nobody_heard)

# ---- 25 escalation. Whatever is refused: the result is not a success, and the mode gives no right.
for name in ("unshare", "clone3", "clone-user", "mount", "umount", "pivot_root", "chroot", "setns", "bpf", "io_uring_setup",
             "keyctl", "add_key", "ptrace", "perf_event_open", "userfaultfd", "init_module", "kexec_load", "swapon", "acct",
             "iopl", "open_by_handle_at", "capset", "no_new_privs", "set-uid", "raise-limits"):
    # Only who may start processes gets as far as a set-uid program.
    add("25", "escalates", name, f"escalation by {name}", processes=name == "set-uid", check=checks.not_escalated)

# ---- 29 logs
add("29", "logs", "flood", "a flood of lines", proof=200000, batch="flood", check=checks.log_bounded)
add("29", "logs", "forged", "lines that forge the host's", proof=2, check=checks.shown_escaped)
add("29", "logs", "controls", "control bytes, bad UTF-8, NUL", proof=4, check=checks.shown_escaped)
add("29", "logs", "long", "a line of 32 MiB without an end", proof=512, batch="heavy", check=checks.log_bounded)
add("29", "logs", "null", "texts that are none", proof=1, check=checks.ends_somehow)

# ---- 30 contexts
add("30", "contexts", "quota", "contexts over their quota", proof=3, batch="heavy", check=checks.context_in_quota)
add("30", "contexts", "raw", "the same past the worker's checks", proof=6, batch="heavy", check=checks.context_in_quota)
add("30", "contexts", "bomb", "the largest context again and again", proof=3, batch="flood", check=checks.siblings_go_on)

# ---- 31 abuse of the API
add("31", "abuses", "many", "very many incidents", given=lambda run: str(run.many) if run else "", proof=1000, batch="heavy",
    check=checks.all_incidents_there)
add("31", "abuses", "poison", "SQL and HTML in every text", proof=4, check=checks.poison_is_text)
add("31", "abuses", "entries", "entries to others' incidents and to none", given=checks.a_siblings_incident, proof=6,
    check=checks.entries_as_documented)
add("31", "abuses", "ungranted", "calls that nobody approved", proof=100, spec={"grants": {}}, check=checks.nothing_written)
