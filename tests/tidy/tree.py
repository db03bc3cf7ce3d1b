"""The tree as the checks see it: paths and texts in memory. The self-test plants violations in a copy."""
import functools
import os
import re
from collections import namedtuple

Finding = namedtuple("Finding", "check path line message")

SKIPPED_FOLDERS = re.compile(r"^(build.*|\.git|\.cache|node_modules|__pycache__)$")
SOURCE = (".h", ".hpp", ".c", ".cpp")


def read_tree(root):
    """path -> text of every file that is text, and of pictures none: links lead to them."""
    files = {}
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if not SKIPPED_FOLDERS.match(name)]
        for name in sorted(set(names) - {".git"}):
            path = os.path.join(folder, name)
            if name.endswith(".png"):
                files[os.path.relpath(path, root)] = ""
                continue
            try:
                with open(path, encoding="utf-8") as file:
                    files[os.path.relpath(path, root)] = file.read()
            except (UnicodeDecodeError, FileNotFoundError):
                continue  # corpora and the like; a file that an editor just took away
    return files


def sources(files, *folders, suffixes=SOURCE):
    for path in sorted(files):
        if path.endswith(suffixes) and path.startswith(folders):
            yield path, files[path]


def lines(text):
    return enumerate(text.split("\n"), start=1)


@functools.lru_cache(maxsize=None)
def without_comments(text):
    """The same lines with comments and string literals blanked, so that words in prose are not taken for code."""
    def blank(match):
        kept = re.sub(r"[^\n]", " ", match.group(0))
        return kept if match.group(0).startswith("/") else '"' + kept[1:-1] + '"'
    return re.sub(r'//[^\n]*|/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', blank, text, flags=re.S)
