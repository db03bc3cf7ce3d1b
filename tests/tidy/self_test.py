#!/usr/bin/env python3
"""Does tidy have teeth? Plants one violation after the other into a copy of the tree and expects each to be found, in its
file and by its check; and leaves alone what only looks like one. self_test.py ROOT"""
import sys
import unittest

import tidy
from tree import read_tree

ROOT = sys.argv.pop(1)
TREE = read_tree(ROOT)
KNOWN = tidy.findings_in(TREE)  # of the tree as it is: another ctest's business

# (what, check, path, text to add at the end of the file, or a whole new file)
HEADER = "// A paragraph about what this is, which thread, and what it owns.\n#pragma once\n"
PLANTED = [
    ("an arrow that the table does not have", "arrows", "host/base/text.cpp", '#include "host/store/store.h"\n'),
    ("an arrow back up", "arrows", "host/store/store_executor.cpp", '#include "host/store/sqlite/sqlite_store.h"\n'),
    ("the plugin's side in a room of the host", "arrows", "host/catalog/catalog.cpp", '#include "longhaul/server.h"\n'),
    ("an include by a bare name", "arrows", "host/base/text.cpp", '#include "text.h"\n'),
    ("a room without a row", "arrows", "host/newroom/CMakeLists.txt", "longhaul_room(newroom SOURCES a.cpp DEPENDS base)\n"),
    ("Boost.DLL outside of the worker", "outside", "host/catalog/catalog.cpp", "#include <boost/dll.hpp>\n"),
    ("dlopen outside of the worker", "outside", "host/catalog/catalog.cpp", "#include <dlfcn.h>\n"),
    ("SQLite outside of its room", "outside", "host/logs/log_files.cpp", "#include <sqlite3.h>\n"),
    ("the real store named in a room", "outside", "host/services/reply.cpp", "class SqliteStore;\n"),
    ("the real launcher named in a room", "outside", "host/lifecycle/exit_reason.cpp", "class PosixWorkerLauncher;\n"),
    ("a plugin that sees the host", "outside", "plugins/syslog/src/batch.cpp", '#include "host/base/text.h"\n'),
    ("a dependency of plugin-api", "outside", "plugin-api/include/longhaul/sdk.hpp", "#include <nlohmann/json.hpp>\n"),
    ("a sleep in the host", "banned", "host/base/text.cpp", "void f() { std::this_thread::sleep_for(1s); }\n"),
    ("a sleep in a test", "banned", "tests/unit/base/base_test.cpp", "void f() { ::usleep(10); }\n"),
    ("a plain sleep", "banned", "tests/unit/base/base_test.cpp", "void f() { sleep(1); }\n"),
    ("a sleep in a Python test", "banned", "tests/integration/new.py", "import time\ntime.sleep(1)\n"),
    ("cout in a room", "banned", "host/base/text.cpp", "void f() { std::cout << 1; }\n"),
    ("printf in a room", "banned", "host/base/text.cpp", 'void f() { std::printf("x"); }\n'),
    ("std::regex in a plugin", "banned", "plugins/syslog/src/rules.cpp", "std::regex r;\n"),
    ("a detached thread", "banned", "host/base/text.cpp", "void f(std::thread t) { t.detach(); }\n"),
    ("a shell", "banned", "host/base/text.cpp", "int x = system(command);\n"),
    ("stoi", "banned", "host/base/text.cpp", "int x = std::stoi(text);\n"),
    ("localtime", "banned", "host/base/text.cpp", "auto x = ::localtime(&now);\n"),
    ("assert", "banned", "host/base/text.cpp", "void f() { assert(true); }\n"),
    ("a coroutine", "banned", "host/base/text.cpp", "auto f() { co_return; }\n"),
    ("signal()", "banned", "host/base/text.cpp", "void f() { signal(SIGTERM, g); }\n"),
    ("a shared_ptr without a reason", "banned", "host/base/text.cpp", "std::shared_ptr<int> p;\n"),
    ("a header without a paragraph", "headers", "host/base/bare.h", "#pragma once\nint x();\n"),
    ("a header without a guard", "headers", "host/base/bare.h", HEADER.split("#")[0] + "int x();\n"),
    ("using namespace in a header", "headers", "host/base/text.h", "using namespace std;\n"),
    ("a file of 600 lines", "size", "host/base/text.cpp", "\n" * 600),
    ("a TODO without a category", "todo", "host/base/text.cpp", "// TO" + "DO: later\n"),
    ("a FIXME", "todo", "docs/ARCHITECTURE.md", "FIX" + "ME\n"),
    ("a path of one machine", "machine", "README.md", "see /" + "work/main\n"),
    ("another path of one machine", "machine", "cmake/test.sh", "cd /" + "home/someone/longhaul\n"),
    ("a link that leads nowhere", "docs", "docs/ARCHITECTURE.md", "[x](GONE.md)\n"),
    ("a decision without its form", "docs", "docs/decisions/9999-planted.md", "# 9999: planted\n"),
    ("a decision with a taken number", "docs", "docs/decisions/0001-taken.md", "# 0001: taken\n**Decision.** a\n**Why.** b\n"),
    ("a source that nobody builds", "wiring", "host/base/orphan.cpp", "int orphan;\n"),
    ("a source of a plugin that nobody builds", "wiring", "plugins/syslog/src/orphan.cpp", "int orphan;\n"),
    ("a folder of tests that nobody runs", "wiring", "tests/forgotten/a.txt", "x\n"),
    ("unit tests of no room", "wiring", "tests/unit/nothing/a_test.cpp", "TEST_CASE(\"a\") { CHECK(true); }\n"),
    ("a test that cannot fail", "wiring", "tests/unit/base/idle_test.cpp", "TEST_CASE(\"a\") { f(); }\n"),
    ("a room that nobody adds", "wiring", "plugins/lost/CMakeLists.txt", "add_library(lost lost.cpp)\n"),
]
# (what, check, path, old text, new text)
CHANGED = [
    ("an include without its library", "arrows", "host/ipc/CMakeLists.txt", "DEPENDS protocol base", "DEPENDS base"),
    ("a library without an include", "arrows", "host/lifecycle/CMakeLists.txt", "DEPENDS base", "DEPENDS base protocol"),
    ("a table of arrows that is gone", "arrows", "docs/ARCHITECTURE.md", "## Rooms", "## Rums"),
    ("a sample that nobody builds", "docs", "README.md", "char buffer[2048];", "char buffer[1024];"),
    ("an arrow that the table loses", "arrows", "docs/ARCHITECTURE.md", "| `protocol` |\n", "| |\n"),
]
# What looks like a violation and is none.
INNOCENT = [
    ("host/base/text.cpp", "// printf(1), std::cout and sleep(1) in prose\nauto x = \"system(1)\";\nring.sleep(1);\nlogs::printf(x);\n"),
    ("host/base/text.cpp", "// TODO(perf): measure this again\n"),
    ("host/worker/worker.cpp", '#include <boost/dll/shared_library.hpp>\n'),
    ("README.md", "see https://example.com/work/main and [x](docs/ARCHITECTURE.md#words)\n"),
]


class Tidy(unittest.TestCase):
    def found(self, path, text):
        return [finding for finding in tidy.findings_in({**TREE, path: text}) if finding not in KNOWN]

    def test_each_planted_violation_is_found(self):
        for what, check, path, text in PLANTED:
            with self.subTest(what):
                found = [f for f in self.found(path, TREE.get(path, "") + text) if f.check == check]
                self.assertTrue(any(path.startswith(f.path) for f in found), f"not found: {what}")

    def test_each_changed_line_is_found(self):
        for what, check, path, old, new in CHANGED:
            with self.subTest(what):
                self.assertIn(old, TREE[path], "the text to change is gone: mend this test")
                self.assertTrue(any(f.check == check for f in self.found(path, TREE[path].replace(old, new))), f"not found: {what}")

    def test_what_is_innocent_is_left_alone(self):
        for path, text in INNOCENT:
            with self.subTest(text):
                self.assertEqual([], self.found(path, TREE.get(path, "") + text))


if __name__ == "__main__":
    unittest.main()
