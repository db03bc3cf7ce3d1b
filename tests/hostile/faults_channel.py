"""What a plugin can do to the channel and to what it shares with the host: classes 15–20, 34a, 34b."""
from faults import Fault
import checks

VIOLATION = ("protocol-violation",)
FAULTS = []


def add(cls, plugin, name, what, **more):
    FAULTS.append(Fault(cls, plugin, name, what, **more))


# ---- 15 closes or reuses descriptors
ENDED = ("exit-without-bye", "signal", "exit-code", "protocol-violation", "load-failed")
add("15", "channel", "close-control", "closes the control socket", check=checks.ends_somehow)
add("15", "channel", "null-control", "puts /dev/null in its place", check=checks.ends_somehow)
add("15", "channel", "shutdown-control", "shuts the control socket down", ends=ENDED)
add("15", "channel", "close-call", "closes the call socket", check=checks.ends_somehow)
add("15", "channel", "close-call-under-calls", "closes the sockets of calls under way", check=checks.ends_somehow)
add("15", "channel", "null-call", "puts /dev/null in the call socket's place", check=checks.ends_somehow)
add("15", "channel", "shutdown-call", "shuts the call socket down", check=checks.ends_somehow)
add("15", "channel", "swap", "swaps both", ends=VIOLATION)
add("15", "channel", "all", "closes every descriptor", check=checks.ends_somehow)
add("15", "channel", "stdio", "closes 0, 1 and 2", check=checks.ends_somehow)

# ---- 16 frames
for fd in ("control", "call"):
    for name, what in (("short", "a packet shorter than a frame"), ("huge", "a packet of 128 KiB"),
                       ("flags", "unknown flags"), ("kind", "an unknown kind"), ("longer", "more than its message"),
                       ("total", "a message of 4 GiB"), ("offset", "a message that begins in its middle"),
                       ("empty-fragments", "an empty fragment"), ("garbage", "random bytes"),
                       ("start", "a message of the host")):
        add("16", "packets", f"{fd}-{name}", f"{what} on the {fd} socket", ends=VIOLATION,
            given=lambda run: str(run.seed) if run else "")
    add("16", "packets", f"{fd}-half", f"half a message on the {fd} socket",
        stops=("operator-stop", "protocol-violation"))  # its own BYE comes behind the half
    add("16", "packets", f"{fd}-half-and-die", f"half a message on the {fd} socket, and dies", ends=("signal",))
    add("16", "packets", f"{fd}-zero", f"a packet of no bytes on the {fd} socket", check=checks.ends_somehow)
for name, what in (("loaded", "LOADED twice"), ("ready", "READY twice"), ("hello", "HELLO of another build")):
    add("16", "packets", f"control-{name}", what, ends=VIOLATION)
add("16", "packets", "call-arguments", "arguments that are none", ends=VIOLATION)

# ---- 17 floods. Each beside nobody but the siblings.
FLOOD = {"batch": "flood", "proof": 1000, "check": checks.siblings_go_on}
add("17", "floods", "more-calls", "asks for call sockets without end and never reads", ends=VIOLATION, text="does not read",
    proved_by="end", batch="flood")
add("17", "floods", "doorbell", "rings without end", **FLOOD)
add("17", "floods", "extend", "asks for more time without end", **FLOOD)
add("17", "floods", "calls", "calls without end, answers unread but taken away", **FLOOD)
add("17", "floods", "calls-unread", "calls until its socket is full", batch="flood", check=checks.siblings_go_on)
add("17", "floods", "large", "calls of 15 MiB from four threads without end", proof=4, batch="flood",
    check=checks.large_calls_served,
    pending="all calls are served, but the host keeps a buffer as large as the largest call for each call socket in use")
add("17", "floods", "open-messages", "opens messages of 30 MiB at once, past the worker's window", ends=VIOLATION,
    text="open messages")
add("17", "floods", "output", "writes lines to both outputs without end", batch="flood", proof=10, check=checks.siblings_go_on)
add("17", "floods", "output-one-line", "writes one line without end", batch="flood", proof=10, check=checks.siblings_go_on)
add("17", "floods", "child", "a child floods the channel of its dead worker", ends=("signal",), processes=True, batch="flood")
add("17", "floods", "child-calls", "a child calls on over its dead worker's socket", ends=("signal",), processes=True, batch="flood")

# ---- 18 descriptors
add("18", "passes_descriptors", "null", "sends 1,600 descriptors", proof=16, check=checks.siblings_go_on)
add("18", "passes_descriptors", "themselves", "sends the sockets over themselves", check=checks.siblings_go_on)
add("18", "passes_descriptors", "violation", "sends descriptors with what is no call", ends=VIOLATION)

# ---- 19 JSON
add("19", "json", "calls", "bad UTF-8, NUL, NaN, names twice, depth and size bombs in every call", proof=80,
    check=checks.nothing_accepted, batch="heavy")
add("19", "words", "bye", "control bytes and bad UTF-8 as last word", ends=("error",))
add("19", "words", "failed", "the same as reason of a failure", ends=("error",))
add("19", "words", "health", "the same as health", check=checks.shown_escaped)
add("19", "words", "stderr", "the same on stderr", ends=("signal",), text="SIGABRT", check=checks.shown_escaped)

# ---- 20 forged numbers
add("20", "forges", "command", "answers commands that nobody gave it", check=checks.ends_somehow)
add("20", "forges", "applied", "acknowledges versions that were never pushed", check=checks.context_still_pushed)
add("20", "forges", "extend", "extends its deadlines by 50 days", check=checks.ends_somehow)
add("20", "forges", "request-id", "one request id for all calls", proof=100)
add("20", "forges", "key", "uses a sibling's idempotency key", given="n1", check=checks.foreign_key)
add("20", "forges", "reply", "sends a reply", ends=VIOLATION)
add("20", "forges", "bye-and-stay", "says BYE and lives on", ends=("completed",), batch="slow")

# ---- 34a the shared page
add("34a", "pages", "truncate", "truncates and punches the page")
for name, what in (("indexes", "moves the head"), ("head-far", "moves the head beyond the ring"),
                   ("sizes", "a line of 4 GiB"), ("levels", "a level that is none")):
    add("34a", "pages", name, what, ends=VIOLATION)
add("34a", "pages", "texts", "sound records with texts and times that no worker writes", proof=5, check=checks.shown_escaped)
add("34a", "pages", "tail", "scribbles over the host's own indexes", proof=100000, check=checks.ends_somehow)
add("34a", "pages", "race", "scribbles over lines while the host reads", ends=VIOLATION)

# ---- 34b listeners
SERVED = {"ends": ("signal",), "spec": {"restart": {"policy": "always", "first_delay": "10ms"}}}
for name, what in (("shutdown", "shuts both listeners down"), ("connect", "connects the UDP socket away"),
                   ("blocking", "makes them blocking"), ("options", "sets options that starve them")):
    add("34b", "listeners", name, what, check=checks.listeners_serve, **SERVED)
add("34b", "listeners", "async", "has the kernel send SIGKILL to the host for each connection", check=checks.listeners_serve,
    given=checks.host_pid, batch="murder", **SERVED)
add("34b", "listeners", "filter", "attaches and locks a filter that drops everything", check=checks.listeners_serve, **SERVED)
