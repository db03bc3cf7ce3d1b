"""The README's tour of the command line, made by running it: `tour_test.py --write` puts what it printed between the marks
in README.md; as a test it runs the tour again and holds the README to it, but for times, numbers and the widths of columns."""
import os
import pwd
import re
import socket
import subprocess
import sys
import unittest
from pathlib import Path

import harness

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- tour: tests/integration/tour_test.py --write -->\n", "<!-- tour ends -->\n"

# What an operator types, and the exit code; "chat: " is said by Alice, "chat hears: " what comes to her by itself.
STEPS = [
    ("longhaul ps", 0),
    ("longhaul user add alice --email alice@example.com --role operate", 0),
    ("chat: new incident Disk full on db1", 0),
    ("chat: list my incidents", 0),
    ("chat: mirror 1", 0),
    ("longhaul entry add 1 Which host is it exactly?", 0),
    ("chat hears: Which host", 0),
    ("chat: say incident-1 db1.example.com", 0),
    ("longhaul entries 1", 0),
    ("longhaul ask 1 --to alice --option yes --option no May I restart db1?", 0),
    ("chat hears: answer q1", 0),
    ("chat: list my tasks", 0),
    ("chat: answer q1 yes", 0),
    ("chat: answer q1 no", 0),
    ("longhaul incident close 1", 0),
    ("longhaul incidents 99", 4),
    ("longhaul test desk", 0),
    ("longhaul is-active desk", 0),
    ("longhaul audit", 0),
]


class Alice:
    """At the chat's socket, as with socat."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(harness.WAIT_S)
        self.socket.connect(str(path))
        self.file = self.socket.makefile("rw")
        self.heard = []
        self.say("hello alice")

    def close(self):
        self.file.close()
        self.socket.close()

    def read(self):
        line = self.file.readline()
        if not line:
            raise AssertionError("the chat ended the connection")
        if line.startswith("["):
            self.heard.append(line)
        return line.rstrip("\n")

    def hear(self, part):
        while not any(part in line for line in self.heard):
            self.read()
        number = next(line for line in self.heard if part in line).split()[0]
        return "".join(line for line in self.heard if line.startswith(number + " "))

    def say(self, line):
        """What is answered, without what comes by itself."""
        self.file.write(line + "\n")
        self.file.flush()
        answer = []
        while (got := self.read()) not in ("ok", "no"):
            if got.startswith("| "):
                answer.append(got[2:])
        return "\n".join(answer) + "\n"


def run_tour(daemon):
    """[(step, what was printed)]"""
    path = daemon.run / "chat.sock"
    daemon.run_instance("desk", "chat", {"listen": f"unix:{path}"})
    alice = None
    told = []
    for step, code in STEPS:
        if step.startswith("chat: "):
            alice = alice or Alice(path)
            text = alice.say(step[len("chat: "):])
        elif step.startswith("chat hears: "):
            text = alice.hear(step[len("chat hears: "):])
        else:
            command = [str(harness.BIN / "longhaul"), "--address", f"unix:{daemon.socket}", *step.split()[1:]]
            done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                  text=True, timeout=harness.WAIT_S, check=False)
            if done.returncode != code:
                raise AssertionError(f"{step}: exit {done.returncode}, wanted {code}\n{done.stdout}")
            text = done.stdout
        # Whoever runs it is root in the README.
        me = re.escape(pwd.getpwuid(os.getuid()).pw_name)
        told.append((step, re.sub(rf"\b{me}\b", "root", text).replace(str(daemon.folder), "/srv")))
    if alice:
        alice.close()
    return told


def block(told):
    lines = []
    for step, text in told:
        if step.startswith("chat hears: "):
            shown = ""
        elif step.startswith("chat: "):
            shown = f"chat> {step[len('chat: '):]}\n"
        else:
            shown = f"$ {step}\n"
        lines.append(shown + text.rstrip("\n") + ("\n" if text else ""))
    # The chat's tables have a fence of their own.
    return "````console\n" + "\n".join(lines).rstrip("\n") + "\n````\n"


def shape(text):
    """Without what differs from run to run."""
    text = re.sub(r"\d+(\.\d+)? (ms|s|min) ago|just now", "AGO", text)
    text = re.sub(r"\b\d+(\.\d+)? (ms|s|min)\b", "SPAN", text)
    text = re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}", "GUID", text)
    text = re.sub(r"\d+", "N", text)
    return [re.sub(r"[ =-]+", " ", line).strip() for line in text.splitlines()]


class Tour(harness.DaemonTest):
    def test_the_readme_shows_what_the_command_line_says(self):
        written = README.read_text().split(BEGIN, 1)[1].split(END, 1)[0]
        self.assertEqual(shape(written), shape(block(run_tour(self.daemon("chat")))),
                         "tests/integration/tour_test.py --write mends the README")


def write():
    daemon = harness.Daemon(["chat"])
    try:
        daemon.start()
        text = block(run_tour(daemon))
    finally:
        daemon.end()
    before, rest = README.read_text().split(BEGIN, 1)
    README.write_text(before + BEGIN + text + END + rest.split(END, 1)[1])


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        write()
    else:
        unittest.main()
