"""Files and folders that no CMakeLists.txt takes up: they look like code and are none."""
import posixpath
import re

from tree import Finding, sources

# Folders that tests/CMakeLists.txt takes up by a pattern, not by name.
BY_PATTERN = {"unit"}


def named_in_cmake(files):
    """All that CMake files name as sources: paths from the root, and ends of paths after a ${variable}."""
    paths, ends = set(), set()
    for name, text in files.items():
        if name.endswith(("CMakeLists.txt", ".cmake")):
            for token in re.findall(r"[\w./${}+-]+\.(?:cpp|c)\b", text):
                if "}" in token:
                    ends.add(token[token.rindex("}") + 1:])
                else:
                    paths.add(posixpath.normpath(posixpath.join(posixpath.dirname(name), token)))
    return paths, tuple(end for end in ends if "/" in end)


def check_sources(files):
    paths, ends = named_in_cmake(files)
    for path, _ in sources(files, "host/", "plugins/", "tests/", suffixes=(".c", ".cpp")):
        if re.match(r"^tests/(unit/\w+/\w+_test\.cpp|abi/[\d.]+/plugin/plugin\.c|hostile/plugins/\w+\.(c|cpp))$", path):
            continue  # a pattern takes them up
        if path not in paths and not path.endswith(ends):
            yield Finding("wiring", path, 1, "no CMakeLists.txt names this file; add it, or remove it")


def check_test_folders(files):
    wiring = files.get("tests/CMakeLists.txt", "")
    folders = {path.split("/")[1] for path in files if path.startswith("tests/") and path.count("/") >= 2}
    for folder in sorted(folders - BY_PATTERN):
        if not re.search(rf"\b{folder}\b", wiring):
            yield Finding("wiring", f"tests/{folder}", 1, "tests/CMakeLists.txt does not take up this folder; none of it runs")
    rooms = {path.split("/")[2] for path in files if path.startswith("tests/unit/") and path.count("/") >= 3}
    for room in sorted(rooms):
        here = f"tests/unit/{room}/"
        if not any(path.startswith(here) and path.endswith("_test.cpp") for path in files):
            yield Finding("wiring", here, 1, "a unit folder without a *_test.cpp tests nothing")
        if room != "plugin_api" and f"host/{room}/CMakeLists.txt" not in files:
            yield Finding("wiring", here, 1, f"tests/unit/<room> is linked with longhaul_<room>; there is no host/{room}")
    for path, text in sources(files, "tests/", "plugins/", suffixes=("_test.cpp",)):
        if "TEST_CASE" in text and not re.search(r"\b(REQUIRE|CHECK|FAIL|STATIC_REQUIRE)\w*\s*\(", text):
            yield Finding("wiring", path, 1, "no REQUIRE and no CHECK: this test cannot fail")


def check_rooms_listed(files):
    """Each folder with a CMakeLists.txt is reached by an add_subdirectory of its parent."""
    for path in sorted(files):
        if not re.match(r"^(host|plugins)/.+/CMakeLists\.txt$", path) or path.endswith("/tests/CMakeLists.txt"):
            continue
        folder = posixpath.dirname(path)
        parent = files.get(posixpath.join(posixpath.dirname(folder), "CMakeLists.txt"), "")
        if not re.search(rf"\b{re.escape(posixpath.basename(folder))}\b", parent):
            yield Finding("wiring", path, 1, "the CMakeLists.txt above does not add this folder")
