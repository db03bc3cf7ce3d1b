"""Words completed in real shells, as one who types sees them: bash, and zsh and fish where they are installed. Each shell
runs on a terminal of its own; what is typed ends with a tab, and what the shell then shows is waited for."""
import os
import pty
import select
import shutil
import signal
import subprocess
import time
import unittest

from harness import BIN, WAIT_S, DaemonTest

PROMPT = "READY> "


class Terminal:
    def __init__(self, words, environment):
        self.seen = b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(environment, TERM="dumb", PATH=f"{BIN}:{os.environ['PATH']}")
            os.execvp(words[0], words)

    def wait(self, text):
        deadline = time.monotonic() + WAIT_S
        while text.encode() not in self.seen:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                raise AssertionError(f"{text!r} was not shown within {WAIT_S} s, but {self.seen!r}")
            self.seen += os.read(self.fd, 4096)

    def type(self, text, shown):
        self.seen = b""
        os.write(self.fd, text.encode())
        self.wait(shown)

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class CompletionTest(DaemonTest):
    def prepared(self):
        daemon = self.daemon()
        for name in ("edge-one", "edge-two"):
            daemon.put_instance(name, "absent")  # held: a name is all that is wanted
            daemon.wait_known(name)
        return daemon

    def script(self, daemon, shell, name):
        path = daemon.folder / name
        path.write_text(daemon.cli("completion", shell))
        return path

    def types(self, daemon, words, environment):
        """What is the same in bash and zsh: a verb, a name that is common to its begin, an option, its value."""
        terminal = Terminal(words, {"LONGHAUL_ADDRESS": f"unix:{daemon.socket}", **environment})
        self.addCleanup(terminal.end)
        terminal.wait(PROMPT)
        terminal.type("longhaul disa\t", "ble ")
        terminal.type("ed\t", "ge-")
        terminal.type("o\t", "ne ")
        terminal.type("--no-w\t", "ait ")
        terminal.type("--output=js\t", "on")
        terminal.type(f"\x15longhaul --address unix:{daemon.socket} status edge-t\t", "edge-two ")

    def test_bash(self):
        daemon = self.prepared()
        rc = daemon.folder / "bashrc"
        rc.write_text(f"PS1='{PROMPT}'\nbind 'set enable-bracketed-paste off'\n"
                      f"source {self.script(daemon, 'bash', 'longhaul.bash')}\n")
        self.types(daemon, ["bash", "--rcfile", str(rc), "-i"], {})

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_zsh(self):
        daemon = self.prepared()
        folder = daemon.folder / "zsh"
        folder.mkdir()
        self.script(daemon, "zsh", "zsh/_longhaul")
        (folder / ".zshrc").write_text(f"PS1='{PROMPT}'\nunset zle_bracketed_paste\nfpath=({folder} $fpath)\n"
                                       "autoload -Uz compinit && compinit -u -D\n")
        self.types(daemon, ["zsh", "-i"], {"ZDOTDIR": str(folder)})

    @unittest.skipUnless(shutil.which("fish"), "fish is not installed")
    def test_fish(self):
        daemon = self.prepared()
        script = self.script(daemon, "fish", "longhaul.fish")
        (daemon.folder / "a-file").touch()

        def complete(line):
            done = subprocess.run(["fish", "--no-config", "-c", f"source {script}; complete -C '{line}'"], cwd=daemon.folder,
                                  env={**os.environ, "HOME": str(daemon.folder), "PATH": f"{BIN}:{os.environ['PATH']}",
                                       "LONGHAUL_ADDRESS": f"unix:{daemon.socket}"},
                                  capture_output=True, text=True, timeout=WAIT_S, check=True)
            return done.stdout.split()
        self.assertEqual(["disable"], complete("longhaul disa"))
        self.assertEqual(["edge-one", "edge-two"], complete("longhaul status ed"))
        self.assertEqual(["--no-wait"], complete("longhaul disable --no-w"))
        self.assertEqual(["--output=json", "--output=jsonl"], complete("longhaul ps --output=js"))
        # Files where the program knows no word, and only there.
        self.assertIn("a-file", complete("longhaul apply -f a-"))
        self.assertNotIn("a-file", complete("longhaul status "))


if __name__ == "__main__":
    unittest.main()
