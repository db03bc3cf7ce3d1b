"""What is injected: one Fault a row of the tables in faults_*.py. A fault names its plugin (plugins/NAME.c), how its worker
has to end, what proves that it happened, and what else has to be true afterwards."""
import dataclasses
import importlib

MODES = ("root", "user", "user-without-landlock")
CALLS = ["addEntry", "commit", "createIncidents", "mergeIntegrationContext", "patchIntegrationContext", "setIntegrationContext",
         "setLastRun"]  # granted to each, as the manifest asks; more only where a row says so
TABLES = ("faults_worker", "faults_channel", "faults_world")


@dataclasses.dataclass
class Fault:
    cls: str  # of docs/ISOLATION.md: "1" … "34b"
    plugin: str  # hostile_PLUGIN.so
    name: str  # its parameter "fault"
    what: str  # what is done, for people
    ends: tuple = ()  # exit classes with which the worker ends by itself; none: it lives until it is stopped
    text: str = ""  # a regular expression that the end's text has
    stops: tuple = ("operator-stop",)  # exit classes of one that lives, once it was asked to stop
    proof: int = 1  # how often the fault has to have happened, by the plugin's own count
    given: object = ""  # its parameter "with": a text, or a function of the run that gives one
    check: object = None  # a function (run, instance name): raises AssertionError or gives a list of problems
    processes: bool = False  # whether the grant to fork and execute is approved
    batch: str = "many"  # faults of one batch run at once in one daemon
    spec: dict = dataclasses.field(default_factory=dict)  # further keys of the instance's configuration
    proved_by: str = "proof"  # "end": code that may not write files; the end itself shows that it happened
    modes: tuple = MODES
    # mode -> (regular expression, text): problems that match are what this mode does not hold, and the text says what
    # remains. All other problems are failures in this mode too.
    degraded: dict = dataclasses.field(default_factory=dict)
    # Whether a race decides about the marks of `degraded`: otherwise one that no run needed is a failure too.
    races: bool = False
    # Why it is not held yet: its problems are shown and are no failure.
    pending: str = ""

    @property
    def id(self):
        return f"{self.plugin}/{self.name}" if self.name else self.plugin

    @property
    def instance(self):
        return f"{self.plugin}-{self.name}".strip("-").replace("_", "-")


TITLES = {
    "1": "SEGV, FPE, ILL, BUS", "2": "abort, exception across the ABI", "3": "stack overflow", "4": "double free, heap overflow",
    "5": "ends without BYE", "6": "the loop returns", "7": "endless loop, deadlock", "8": "ignores SIGTERM, stops itself",
    "9": "memory bomb", "10": "thread and fork bomb", "11": "descriptor leak", "12": "processor hog", "13": "daemonises",
    "14": "hides from the end of the host", "15": "closes or reuses the channel", "16": "garbage, huge and half frames",
    "17": "floods and never reads", "18": "sends descriptors", "19": "hostile JSON and texts", "20": "forged numbers and names",
    "21": "reads or ends a sibling", "22": "attacks the host", "23": "writes the host's files, fills the disk",
    "24": "network without a grant", "25": "escalation", "26": "constructors", "27": "changes its surroundings",
    "28": "jumps over the edge", "29": "log flood, forged lines", "30": "context over quota", "31": "abuse of the API",
    "32": "ABI mismatch", "33": "slow start, stop, reply", "34": "conflicting libraries", "34a": "scribbles over the shared page",
    "34b": "breaks shared listeners",
}


def all_faults():
    found = []
    for table in TABLES:
        found += importlib.import_module(table).FAULTS
    names = [fault.instance for fault in found]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise ValueError(f"these faults are there twice: {sorted(twice)}")
    return found


def classes(faults):
    """The classes in their order: 1, 2 … 34, 34a, 34b."""
    def key(cls):
        digits = cls.rstrip("ab")
        return int(digits), cls[len(digits):]
    return sorted({fault.cls for fault in faults}, key=key)
