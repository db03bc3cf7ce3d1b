"""What may include what: the table of docs/ARCHITECTURE.md against #include lines and against the rooms' libraries."""
import functools
import posixpath
import re

from tree import Finding, lines, sources, without_comments

PAGE = "docs/ARCHITECTURE.md"
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
# These cost seconds a file: where a header brings one in, only its own room may include that header.
HEAVY = re.compile(r"^(boost/asio|boost/beast|boost/dll|CLI/|yaml-cpp/|catch2/)")
# One place for each outside thing.
ONLY_IN = [
    (re.compile(r"^(boost/dll|dlfcn\.h)"), ("host/worker/",), "only longhaul-worker loads plugins"),
    (re.compile(r"^sqlite3\.h"), ("host/store/sqlite/",), "SQLite is a secret of host/store/sqlite; use the Store interface"),
    (re.compile(r"^sodium\.h"), ("host/secrets/", "host/signatures/"),
     "ciphers are a matter of host/secrets, signatures of host/signatures; ask them"),
    (re.compile(r"^yaml-cpp/"), ("host/config/",), "YAML is read by host/config alone; ask it for values"),
    (re.compile(r"^CLI/"), ("host/cli/", "host/daemon/"), "command lines are read by the programs alone"),
    (re.compile(r"^seccomp\.h"), ("host/sandbox/seccomp/",), "filters of system calls are compiled in host/sandbox/seccomp alone"),
    (re.compile(r"^boost/beast"), ("host/http/", "host/cli/"), "HTTP is spoken in host/http and host/cli alone"),
]
NAMED_IN = [
    (re.compile(r"\bSqliteStore\b"), ("host/store/sqlite/", "host/daemon/"), "take a Store&; the daemon alone names SqliteStore"),
    (re.compile(r"\bPosixWorkerLauncher\b"), ("host/process/", "host/daemon/"),
     "take a WorkerLauncher&; the daemon alone names PosixWorkerLauncher"),
]


@functools.lru_cache(maxsize=None)
def includes_in(text):
    """[(line, quote or bracket, what is included)]"""
    matches = ((number, INCLUDE.match(line)) for number, line in lines(text))
    return [(number, match.group(1), match.group(2)) for number, match in matches if match]


def allowed_arrows(files):
    """room -> set of what its row names, or None if the page has no such table."""
    table = re.search(r"^## Rooms\n(.*?)(?=^## )", files.get(PAGE, ""), re.S | re.M)
    if not table:
        return None
    rows = re.findall(r"^\| `([\w/-]+)` \|[^|]*\|([^|]*)\|$", table.group(1), re.M)
    return {room: set(re.findall(r"`([\w/.-]+)`", named)) for room, named in rows}


def room_of(path, rooms):
    """The room of "host/store/sqlite/x.h" is store/sqlite."""
    parts = path.split("/")[1:-1]
    for length in (2, 1):
        name = "/".join(parts[:length])
        if name in rooms:
            return name
    return parts[0] if parts else ""


def libraries(files):
    """room -> the rooms that its CMakeLists.txt names, and the line."""
    found = {}
    for path, text in files.items():
        if not re.match(r"^host/.+/CMakeLists\.txt$", path):
            continue
        room = posixpath.dirname(path)[len("host/"):]
        depends = re.search(r"longhaul_room\(.*?\bDEPENDS\b([^)]*?)(?=\b(?:LIBS|PRIVATE|SOURCES)\b|\))", text, re.S)
        names = set(depends.group(1).split()) if depends else set()
        names |= set(re.findall(r"\blonghaul_(\w+)\b", re.sub(r"longhaul_(room|warnings|\w*plugin_api)\b", "", text)))
        names = {re.sub(r"^(store|sandbox)_", r"\1/", name) for name in names if "$" not in name}
        line = text[:depends.start(1)].count("\n") + 1 if depends else 1
        found[room] = (names - {room}, line, path, "longhaul_room(" in text)
    return found


def reach(room, linked):
    seen, open_rooms = set(), [room]
    while open_rooms:
        name = open_rooms.pop()
        if name not in seen:
            seen.add(name)
            open_rooms += linked.get(name, ((),))[0]
    return seen


def check_arrows(files):
    allowed = allowed_arrows(files)
    if not allowed:
        yield Finding("arrows", PAGE, 1, 'there is no table of rooms under "## Rooms"; this check reads it')
        return
    linked = libraries(files)
    for room in sorted(linked):
        if room not in allowed:
            yield Finding("arrows", linked[room][2], 1, f"room {room} has no row in {PAGE}; say there what it is and may include")
    included = {}
    for path, text in sources(files, "host/"):
        room = room_of(path, allowed)
        may = allowed.get(room, set()) | {room, "base"}
        for number, quote, target in includes_in(text):
            if target.startswith("longhaul/"):
                if "plugin-api" not in may:
                    yield Finding("arrows", path, number, f"{room} may not include plugin-api; only rooms whose row in {PAGE} says so")
            elif target.startswith("host/"):
                other = room_of(target, allowed)
                included.setdefault(room, set()).add(other)
                if other not in may and target[len("host/"):] not in may:
                    yield Finding("arrows", path, number, f"{room} may not include {other} ({PAGE}); turn the arrow around, or "
                                  "give the row its arrow with a decision in docs/decisions")
                elif room in linked and linked[room][3] and other not in reach(room, linked):
                    yield Finding("arrows", path, number, f"{room} includes {other}, but {linked[room][2]} does not name it in DEPENDS")
            elif quote == '"':
                yield Finding("arrows", path, number, f'"{target}": our own includes begin with host/ (or longhaul/), others have <>')
    for room, (names, line, path, _) in sorted(linked.items()):
        may = {re.sub(r"/[\w.]+\.h$", "", entry) for entry in allowed.get(room, set())} | {"base"}
        for name in sorted(names - may):
            if name in allowed:
                yield Finding("arrows", path, line, f"{room} is linked with {name}, an arrow that {PAGE} does not have")
        for name in sorted(names & set(allowed) - included.get(room, set())):
            yield Finding("arrows", path, line, f"{room} is linked with {name} and includes nothing of it; take it out of DEPENDS")


def check_outside(files):
    """Third parties' headers, each in its place, and the plugins' side."""
    heavy_headers = {path for path, text in sources(files, "host/", suffixes=(".h",))
                     if any(HEAVY.match(target) for _, _, target in includes_in(text))}
    for path, text in sources(files, "host/"):
        for number, _, target in includes_in(text):
            for pattern, places, remedy in ONLY_IN:
                if pattern.match(target) and not path.startswith(places):
                    yield Finding("outside", path, number, f"<{target}>: {remedy}")
            if target in heavy_headers and posixpath.dirname(target) != posixpath.dirname(path):
                yield Finding("outside", path, number, f"{target} brings in a header that costs seconds a file; hide it behind a .cpp")
        for pattern, places, remedy in NAMED_IN:
            if not path.startswith(places) and (match := pattern.search(without_comments(text))):
                yield Finding("outside", path, text.count("\n", 0, match.start()) + 1, remedy)
    for path, text in sources(files, "plugins/", "plugin-api/"):
        for number, _, target in includes_in(text):
            if target.startswith(("host/", "tests/", "plugins/")):
                yield Finding("outside", path, number, f"{target}: plugins see plugin-api and nothing else")
            elif path.startswith("plugin-api/") and target.startswith(("boost/", "nlohmann/", "fmt/", "spdlog/")):
                yield Finding("outside", path, number, f"{target}: plugin-api depends on nothing")
