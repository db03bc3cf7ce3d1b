"""Line by line and file by file: banned calls with what to use in their place, sizes, headers, texts."""
import functools
import re

from tree import Finding, lines, sources, without_comments

LINES_MAX = 500

def call(names, of=r"\("):
    """A call of one of these functions: f(, std::f( or ::f(, and no member or other namespace's f."""
    return rf"(?<![\w.>:])(?:std::|::)?(?:{names})\s*{of}"


# (pattern, folders where it counts, places where it is right, remedy)
BANNED = [
    (r"\b(sleep_for|sleep_until)\s*\(|" + call("usleep|nanosleep") + "|" + call("sleep", r"\(\s*[^)\s]"), ("host/", "tests/", "plugins/"),
     ("tests/plugins/", "tests/bench/", "tests/abi/"),
     "wait for the event: a TimerQueue in the host, a descriptor or condition with a limit in tests"),
    (r"\bstd::(cout|cerr|clog)\b|#\s*include\s*<iostream>", ("host/",), ("host/cli/",),
     "log through spdlog in the daemon; programs print with std::fputs or fmt::print"),
    (r"(?<![\w:])(std::)?(printf|fprintf|vprintf|vfprintf|puts|fputs)\s*\(|\bfmt::print\b", ("host/",),
     ("host/cli/", "host/daemon/main.cpp", "host/base/check.cpp", "host/worker/worker.cpp"),
     "a room has no terminal: return a Result, or log"),
    (r"\bstd::regex\b|#\s*include\s*<regex>", ("host/", "plugins/", "plugin-api/"), (),
     "std::regex recurses once a character; write a parser, or use POSIX regexec on bounded text"),
    (r"\bstd::async\b|\.detach\s*\(\s*\)", ("host/", "plugins/"), (), "a thread has an owner that joins it"),
    (call("system|popen"), ("host/", "plugins/"), ("plugins/syslog/tests/",),
     "start processes by posix_spawn, without a shell"),
    (call("ato[ilf]|stoi|stol|stoul|stoll|stoull|stod|strtok|rand|srand"), ("host/",), (),
     "parse with std::from_chars and check the whole text; draw from <random>"),
    (call("localtime|gmtime|ctime|asctime"), ("host/", "plugins/"), (),
     "not thread-safe: localtime_r, gmtime_r"),
    (call("assert"), ("host/",), (), "LONGHAUL_CHECK says what was wrong, in every build"),
    (r"\bco_(await|yield|return)\b", ("host/",), ("host/http/",), "g++ 12 miscompiles coroutines; use callbacks"),
    (call("signal", r"\((?![^()]*SIG_IGN)"), ("host/",), (), "sigaction, or a signalfd in the loop"),
    (r"\btime\.sleep\s*\(", ("tests/",), (), "wait for the event with a limit"),
]

# Where shared ownership is the point, and why. Everywhere: `alive_`, which late completions ask whether their owner lives.
SHARED_PTR = {
    "host/admin/admin_commands.cpp": "as in the catalog",
    "host/admin/admin_plans.cpp": "what of a plan is in the audit belongs to the completions of its records",
    "host/admin/admin_service.h": "likewise",
    "host/admin/log_requests.cpp": "as in the catalog",
    "host/admin/plan_runner.cpp": "a plan that is being performed belongs to the completions of its steps",
    "host/admin/plan_runner.h": "likewise",
    "host/admin/secret_service.cpp": "a rotation belongs to the completions of its steps",
    "host/admin/secret_service.h": "likewise",
    "host/base/event_loop.cpp": "a watch may end from inside its own callback",
    "host/catalog/catalog.cpp": "jobs go to the job thread and come back in the completion",
    "host/daemon/daemon.cpp": "as in the catalog",
    "host/daemon/instance_routes.cpp": "as in the catalog",
    "host/daemon/instances_watch.cpp": "as in the catalog",
    "host/http/api.cpp": "an act belongs to the completions of its record and of itself",
    "host/http/api.h": "likewise",
    "host/http/connection.h": "the body of an answer that goes on: answers are values that std::function carries",
    "host/http/event_source.cpp": "likewise",
    "host/http/event_source.h": "likewise",
    "host/http/request.h": "likewise",
    "host/store/store_executor.cpp": "std::function wants what it holds to be copyable",
    "host/store/store_queries.h": "likewise",
    "host/supervisor/disk_watch.cpp": "as in the catalog",
    "host/supervisor/disk_watch.h": "likewise",
    "host/supervisor/instance_start.cpp": "as in the catalog",
    "host/supervisor/name_readers.cpp": "as in the catalog",
    "host/worker/context_copy.cpp": "a reader keeps its snapshot while the next one is put in place",
    "host/worker/context_copy.h": "likewise",
}
ALIVE = re.compile(r"\bshared_ptr<bool> alive_|\balive_ = std::make_shared<bool>")

TODO = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TODO_GOOD = re.compile(r"\bTODO\((soon|perf|security)\): \S")
# Folders of build machines; written so that this line does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(work|farm|root|home/\w\w+|Users/\w\w+)/[\w.]")


COMPILED = [(re.compile(pattern), folders, places, remedy) for pattern, folders, places, remedy in BANNED]


# What is found in one file depends on that file alone: kept, so that the self-test need not read the whole tree anew
# for each violation that it plants.
@functools.lru_cache(maxsize=None)
def banned_in(path, text):
    found = []
    here = [row for row in COMPILED if path.startswith(row[1]) and not path.startswith(row[2])]
    for number, line in lines(text if path.endswith(".py") else without_comments(text)):
        for pattern, _, _, remedy in here:
            if match := pattern.search(line):
                found.append(Finding("banned", path, number, f"{match.group(0).strip()}: {remedy}"))
        if path.startswith("host/") and path not in SHARED_PTR and re.search(r"\b(shared_ptr|make_shared)\b", line) \
                and not ALIVE.search(line):
            found.append(Finding("banned", path, number, "shared_ptr: who owns it? Use unique_ptr and T&; where sharing is the "
                                 "point, give the reason in SHARED_PTR of tests/tidy/style.py"))
    return found


def check_banned(files):
    suffixes = (".h", ".hpp", ".c", ".cpp", ".py")
    for path, text in sources(files, "host/", "tests/", "plugins/", "plugin-api/", suffixes=suffixes):
        if not path.startswith("tests/tidy/"):
            yield from banned_in(path, text)


def check_headers(files):
    for path, text in sources(files, "host/", "plugins/", "plugin-api/", "tests/support/", suffixes=(".h", ".hpp")):
        comment = re.match(r"((//[^\n]*\n)+)|/\*.*?\*/", text, re.S)
        if not comment or len(comment.group(0)) < 30:
            yield Finding("headers", path, 1, "a header begins with a paragraph: what it is, which thread, what it owns")
        if path.startswith("host/") and "#pragma once" not in text:
            yield Finding("headers", path, 1, "#pragma once is missing")
        for number, line in lines(without_comments(text)):
            if re.match(r"\s*using namespace\b", line) and "_literals;" not in line:
                yield Finding("headers", path, number, "using namespace in a header reaches everyone; name what is used")


@functools.lru_cache(maxsize=None)
def texts_in(path, text):
    found = []
    if text.count("\n") > LINES_MAX and path.endswith((".h", ".hpp", ".c", ".cpp", ".py", ".cmake", ".sh")):
        found.append(Finding("size", path, LINES_MAX, f"{text.count(chr(10))} lines, at most {LINES_MAX}: which role is missing?"))
    for number, line in lines(text):
        if TODO.search(line) and not TODO_GOOD.search(line):
            found.append(Finding("todo", path, number, "write TODO(soon|perf|security): and what is to be done"))
        if match := MACHINE_PATH.search(line):
            found.append(Finding("machine", path, number, f"{match.group(0)}…: a path of one machine"))
    return found


def check_texts(files):
    for path, text in sorted(files.items()):
        if path != "LICENSE" and not path.startswith("tests/tidy/"):
            yield from texts_in(path, text)


def check_docs(files):
    """Links lead somewhere, decisions have their form, what two pages show is the same."""
    yield from check_shown_twice(files)
    numbers = {}
    for path, text in sorted(files.items()):
        if not path.endswith(".md"):
            continue
        for number, line in lines(re.sub(r"`[^`\n]*`", "", text)):
            for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line):
                if not re.match(r"^\w+:", target) and not leads_somewhere(files, path, target):
                    yield Finding("docs", path, number, f"the link to {target} leads nowhere")
        if path.startswith("docs/decisions/"):
            match = re.match(r"^docs/decisions/(\d{4})-[a-z0-9-]+\.md$", path)
            if not match:
                yield Finding("docs", path, 1, "a decision's file is NNNN-title.md")
                continue
            if match.group(1) in numbers:
                yield Finding("docs", path, 1, f"the number of {numbers[match.group(1)]}; take the next free one")
            numbers[match.group(1)] = path
            if not text.startswith(f"# {match.group(1)}: ") or "**Decision.**" not in text or "**Why.**" not in text:
                yield Finding("docs", path, 1, f"begins with \"# {match.group(1)}: …\" and has **Decision.** and **Why.**")


def check_shown_twice(files):
    """The plugin on the first page is the one that tests/consumer takes from plugin-api/README.md and builds."""
    readme, tested = files.get("README.md", ""), files.get("plugin-api/README.md", "")
    for match in re.finditer(r"^```(?:c\+\+|json|cmake)\n.*?^```$", readme, re.S | re.M):
        if match.group(0) not in tested:
            line = readme.count("\n", 0, match.start()) + 1
            yield Finding("docs", "README.md", line, "this block is not as in plugin-api/README.md, which is what is tested")


def leads_somewhere(files, path, target):
    parts = path.split("/")[:-1]
    for part in target.rstrip("/").split("/"):
        if part == "..":
            if not parts:
                return False
            parts.pop()
        elif part != ".":
            parts.append(part)
    wanted = "/".join(parts)
    return wanted == "" or wanted in files or any(name.startswith(wanted + "/") for name in files)
