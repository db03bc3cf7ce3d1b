#!/usr/bin/env python3
"""What reviewers would otherwise have to look for. tidy.py ROOT: prints path:line: check: remedy, exits 1 on findings."""
import sys

import arrows
import style
import wiring
from tree import read_tree

CHECKS = [
    arrows.check_arrows, arrows.check_outside,
    style.check_banned, style.check_headers, style.check_texts, style.check_docs,
    wiring.check_sources, wiring.check_test_folders, wiring.check_rooms_listed,
]


def findings_in(files):
    return [finding for check in CHECKS for finding in check(files)]


if __name__ == "__main__":
    found = findings_in(read_tree(sys.argv[1]))
    for finding in found:
        print(f"{finding.path}:{finding.line}: {finding.check}: {finding.message}")
    print(f"tidy: {len(found)} findings")
    sys.exit(1 if found else 0)
