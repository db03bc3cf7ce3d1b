"""What a plugin can do inside of its worker: classes 1–8, 26–28, 32–34."""
from faults import Fault
import checks

SIGNAL = ("signal",)
FAULTS = []


def add(cls, plugin, name, what, **more):
    FAULTS.append(Fault(cls, plugin, name, what, **more))


# ---- 1 SEGV, FPE, ILL, BUS
add("1", "signals", "segv", "writes to address 8", ends=SIGNAL, text="SIGSEGV")
add("1", "signals", "segv-thread", "the same on a thread", ends=SIGNAL, text="SIGSEGV")
add("1", "signals", "segv-create", "the same in create", ends=SIGNAL, text="SIGSEGV.*before it was ready")
add("1", "signals", "segv-stop", "the same in stop", stops=SIGNAL, text="SIGSEGV.*while it stopped", proved_by="end")
add("1", "signals", "segv-destroy", "the same in destroy", ends=SIGNAL, text="SIGSEGV")
add("1", "signals", "fpe", "divides by zero", ends=SIGNAL, text="SIGFPE")
add("1", "signals", "ill", "an illegal instruction", ends=SIGNAL, text="SIGILL")
add("1", "signals", "bus", "writes behind the end of a mapped file", ends=SIGNAL, text="SIGBUS")

# ---- 2 abort, exception across the ABI
add("2", "aborts", "abort", "abort with a last word", ends=SIGNAL, text="SIGABRT.*the queue is damaged")
add("2", "aborts", "abort-thread", "abort on a thread", ends=SIGNAL, text="SIGABRT")
add("2", "throws", "loop", "throws out of the loop", ends=SIGNAL, text="SIGABRT.*out of the loop")
add("2", "throws", "create", "throws out of create", ends=SIGNAL, text="SIGABRT.*out of create")
add("2", "throws", "thread", "throws out of a thread", ends=SIGNAL, text="SIGABRT.*out of a thread")
add("2", "throws", "noexcept", "throws out of a noexcept function", ends=SIGNAL, text="SIGABRT.*noexcept")
add("2", "throws", "integer", "throws an integer", ends=SIGNAL, text="SIGABRT.*int")

# ---- 3 stack overflow
for name in ("main", "thread"):
    add("3", "stack", name, f"overflows the stack of {'the main thread' if name == 'main' else 'another thread'}",
        ends=("stack-overflow",), text="SIGSEGV")
add("3", "stack", "leap", "leaps over the guard page", ends=("stack-overflow", "signal"), text="SIGSEGV")

# ---- 4 double free, heap overflow. An allocator may notice it as either signal.
add("4", "heap", "double-free", "frees a block twice", ends=SIGNAL, text="SIGABRT|SIGSEGV")
add("4", "heap", "overflow", "writes a mebibyte behind a block", ends=SIGNAL, text="SIGABRT|SIGSEGV")
add("4", "heap", "after-free", "writes into a freed block", ends=(), stops=("operator-stop", "signal"), check=checks.ends_somehow)
add("4", "heap", "free-stack", "frees the stack", ends=SIGNAL, text="SIGABRT|SIGSEGV")

# ---- 5 ends without BYE
for name, what in (("exit", "exit(0)"), ("exit-thread", "exit(0) on a thread"), ("exit-create", "exit(0) in create"),
                   ("_exit", "_exit(0)"), ("quick", "quick_exit(0)"), ("pthread", "pthread_exit on the main thread")):
    add("5", "exits", name, what, ends=("exit-without-bye",))
add("5", "exits", "exit-stop", "exit(0) in stop", stops=("exit-without-bye",), proved_by="end")
add("5", "exits", "exit-3", "exit(3)", ends=("exit-code",), text="code 3")
add("5", "exits", "kill-self", "SIGKILL to itself", ends=SIGNAL, text="SIGKILL")
add("5", "exits", "exec", "executes another program in its place",
    ends=("signal", "exit-without-bye", "exit-code"), processes=True)
add("5", "exits", "exec-refused", "the same without the grant", ends=("exit-without-bye",))

# ---- 6 the entry returns
add("6", "returns", "at-once", "returns at once", ends=("completed",))
add("6", "returns", "failure", "returns a failure", ends=("error",), text="the sender hung up")
add("6", "returns", "nonsense", "returns a status that is none", ends=("error",))
add("6", "returns", "threads", "returns while its threads call on", ends=("completed",))

# ---- 7 endless loop, deadlock
for name in ("busy", "deadlock"):
    add("7", "hangs", name, {"busy": "an endless loop", "deadlock": "locks a mutex twice"}[name], ends=("hung",), batch="slow")
add("7", "hangs", "create", "hangs in create", ends=("start-timeout", "hung"), batch="slow")
add("7", "hangs", "stop", "hangs in stop", proved_by="end", batch="slow")
add("7", "hangs", "destroy", "hangs in destroy", proved_by="end", batch="slow")
add("7", "hangs", "deaf", "progresses and never looks at stop", batch="slow")

# ---- 8 ignores SIGTERM, stops itself
add("8", "stubborn", "term", "ignores stop and every signal that can be ignored", batch="slow")
add("8", "stubborn", "freeze", "stops itself (SIGSTOP), is replaced and continued", batch="slow", check=checks.frozen_and_thawed)
add("8", "stubborn", "freeze-at-stop", "stops itself in stop", batch="slow", proved_by="end")

# ---- 26 constructors
add("26", "constructors_crashes", "", "a constructor crashes", ends=SIGNAL, text="SIGSEGV.*while it was loaded")
add("26", "constructors_hangs", "", "a constructor hangs", ends=("start-timeout",), batch="slow")
add("26", "constructors_exits", "", "a constructor exits", ends=("exit-without-bye",))
add("26", "constructors_stops", "", "a constructor stops the process", ends=("start-timeout",), batch="slow")
add("26", "constructors_closes", "", "a constructor closes the channel", ends=("signal", "exit-without-bye", "load-failed"))
add("26", "constructors_speaks", "", "a constructor says LOADED and READY in the worker's name", ends=("protocol-violation",))
add("26", "constructors_leaves_children", "", "a constructor leaves a process behind", ends=("exit-without-bye",),
    processes=True)

# ---- 27 changes what is around the worker
for name, what in (("signals", "handles and blocks every signal"), ("folder", "changes folder and mask"),
                   ("locale", "changes the locale and wipes the environment"), ("limits", "lowers its own limits"),
                   ("group", "leaves its group and session"), ("stdio", "closes and replaces stdio"),
                   ("blocking", "changes the modes of the channel"),
                   ("dumpable", "undoes what prctl can undo")):
    add("27", "changes", name, what, check=checks.ends_somehow)
add("27", "changes", "file-size", "lets no file grow", proved_by="log", check=checks.ends_somehow)

# ---- 28 longjmp
add("28", "jumps", "sink", "jumps out of a sink", proof=100, batch="slow")
add("28", "jumps", "call-sink", "jumps out of a call's sink", proof=1, batch="slow")
add("28", "jumps", "handler", "jumps out of a signal handler inside of calls", proof=1, batch="slow", check=checks.ends_somehow)
add("28", "jumps", "gone", "jumps into a frame that is gone", check=checks.ends_somehow, batch="slow")
add("28", "throws", "sink", "throws through the table", check=checks.ends_somehow)

# ---- 32 what does not fit the ABI
add("32", "arguments", "sizes", "calls with sizes of older, newer and no version", proof=9)
for name, what in (("null-put", "a sink without a function"), ("null-server", "a call without the table"),
                   ("wild-text", "a text at address 8")):
    add("32", "arguments", name, what, check=checks.ends_somehow)
for name, what, ends in (
        ("old_size", "a descriptor that is too small", ("load-failed",)),
        ("new_abi", "a newer ABI", ("load-failed",)),
        ("other_major", "another major version", ("load-failed",)),
        ("null_create", "no create", ("load-failed",)),
        ("null_loop", "no loop", ("load-failed",)),
        ("null_stop", "no stop", ("load-failed",)),
        ("entry_crashes", "the entry crashes", ("signal",)),
        ("entry_wild", "the entry gives address 8", ("signal",)),
        ("entry_null", "the entry gives nothing", ("load-failed",)),
        ("wild_table", "a table at address 8", ("signal", "load-failed")),
        ("short_table", "a table that is too short", ("load-failed",)),
        ("extension_crashes", "getExtension crashes", ("signal",)),
        ("undeclared", "a table that the manifest does not name", ("load-failed",))):
    add("32", f"tables_{name}", "", what, ends=ends)
add("32", "tables_missing_symbol", "", "a symbol that is nowhere", ends=("load-failed",), text="longhaulTestIsNowhere",
    proved_by="end")
add("32", "tables_entry_hangs", "", "the entry hangs", ends=("start-timeout",), batch="slow")
add("32", "tables_new_size", "", "a descriptor of a later version", check=checks.runs, proved_by="end")

# ---- 33 slow
add("33", "slow", "start", "does not become ready", ends=("start-timeout",), batch="slow")
add("33", "slow", "stop", "does not stop", batch="slow", proved_by="end")
add("33", "slow", "late", "takes most of its time to stop", batch="slow", proved_by="end")
add("33", "slow", "extend", "asks for 50 days, a hundred times", proof=100, batch="slow")
add("33", "slow", "wait", "answers a command after its deadline", batch="slow", proved_by="check", check=checks.slow_command)

# ---- 34 conflicting libraries
add("34", "interposes", "malloc", "brings its own malloc, sendmsg and sqlite3", proof=100, check=checks.interposed)
add("34", "interposes", "code", "overwrites the worker's code", check=checks.ends_somehow)
