"""What operators and authors get wrong: each mistake is a sentence with cause and remedy, and touches nothing else."""
import unittest
import urllib.parse

import harness

GOOD = "{ listen: \"127.0.0.1:0\", protocol: tcp }"


class BadInput(harness.DaemonTest):
    def setUp(self):
        self.host = self.daemon("syslog")
        self.host.run_instance("bystander", "syslog", {"listen": "127.0.0.1:0", "protocol": "tcp"})
        self.pids = (self.host.pid, self.host.worker_pid("bystander"))

    def untouched(self):
        self.assertIsNone(self.host.process.poll())
        bystander = self.host.instance("bystander")
        self.assertEqual(self.pids, (self.host.pid, bystander["current"]["pid"]))
        self.assertEqual(("running", 0), (bystander["state"], bystander["restartsCount"]))

    def explained(self, target, *words):
        """Waits until the daemon's explanation has all these words, in any case of letters; `longhaul explain` says it."""
        said = [""]

        def has_them():
            answer = self.host.request("GET", "/api/v1/explain?" + urllib.parse.urlencode({"target": target}))
            said[0] = str(answer.body) if answer.status != 200 else answer["text"]
            return answer.status == 200 and all(word.lower() in said[0].lower() for word in words)

        try:
            harness.until(has_them, f"explain {target} says {words}")
        except AssertionError as error:
            raise AssertionError(f"{error}; it says:\n{said[0]}") from None
        shown = " ".join(self.host.cli("explain", target, code=None)[1].lower().split())
        for word in words:
            self.assertIn(word.lower(), shown)
        self.untouched()

    def file(self, name, text):
        self.host.instance_file(name, text)
        return f"{name}.yaml"

    # ---- instance files
    def test_broken_yaml(self):
        file = self.file("broken", "instances:\n  - name: edge\n    plugin: [syslog\n")
        self.explained(file, "broken.yaml:")

    def test_a_key_twice(self):
        file = self.file("twice", f"instances:\n  - name: edge\n    plugin: syslog\n    plugin: syslog\n    parameters: {GOOD}\n")
        self.explained(file, "twice.yaml:4:", "plugin")

    def test_an_unknown_key(self):
        file = self.file("key", f"instances:\n  - name: edge\n    plugin: syslog\n    parametres: {GOOD}\n")
        self.explained(file, "key.yaml:4:", "parametres", "parameters")

    def test_an_unknown_parameter(self):
        file = self.file("parameter", "instances:\n  - name: edge\n    plugin: syslog\n    parameters: { lissten: \"127.0.0.1:0\" }\n")
        self.explained(file, "parameter.yaml:4:", "lissten", "listen")

    def test_a_wrong_type(self):
        file = self.file("type", "instances:\n  - name: edge\n    plugin: syslog\n"
                         "    parameters: { listen: \"127.0.0.1:0\", connectionsMax: many }\n")
        self.explained(file, "type.yaml:4:", "connectionsMax", "number")

    def test_a_value_that_is_no_option(self):
        file = self.file("option", "instances:\n  - name: edge\n    plugin: syslog\n    parameters: { protocol: tpc }\n")
        self.explained(file, "option.yaml:4:", "tpc", "tcp")

    def test_a_secret_in_the_open(self):
        self.host.drop("test_recorder")
        harness.until(lambda: len(self.host.api("GET", "/plugins")["plugins"]) == 2, "the recorder is admitted")
        file = self.file("secret", "instances:\n  - name: edge\n    plugin: test-recorder\n    parameters: { token: hunter2 }\n")
        self.explained(file, "secret.yaml:4:", "token", "${file:")
        everything = self.host.log_path.read_text() + "".join(self.host.cli("explain", file, code=None)[1:])
        self.assertNotIn("hunter2", everything)

    def test_an_address_twice(self):
        good = f"{{ listen: \"127.0.0.1:{harness.free_port()}\", protocol: tcp }}"
        file = self.file("clash", f"instances:\n  - name: edge\n    plugin: syslog\n    parameters: {good}\n"
                         f"  - name: third\n    plugin: syslog\n    parameters: {good}\n")
        self.explained(file, "clash.yaml", "edge", "third", "/tcp")

    def test_an_address_that_an_instance_was_given_by_the_system(self):
        address = "%s:%d" % self.host.address("bystander")
        self.file("clash", f"instances:\n  - name: edge\n    plugin: syslog\n    parameters: {{ listen: \"{address}\", protocol: tcp }}\n")
        self.host.wait_known("edge")
        self.explained("edge", f"{address}/tcp", "bystander")

    def test_a_missing_plugin_is_waited_for(self):
        self.file("missing", "instances:\n  - name: pulse\n    plugin: heartbeat\n    parameters: { intervalSeconds: 1 }\n")
        self.host.wait_known("pulse")
        self.assertEqual("held", harness.until(
            lambda: (instance := self.host.instance("pulse"))["state"] != "starting" and instance, "it is held")["state"])
        self.explained("pulse", "heartbeat", ".so")
        self.host.drop("heartbeat")  # the remedy
        harness.until(lambda: self.host.instance("pulse")["state"] == "running", "it runs once the file is there")
        self.untouched()

    def test_a_change_to_a_plugin_that_is_not_there_leaves_what_runs(self):
        self.file("edge", f"instances:\n  - name: edge\n    plugin: syslog\n    parameters: {GOOD}\n")
        self.host.wait_known("edge")
        self.host.wait("edge")
        before = self.host.instance("edge")["current"]
        self.file("edge", f"instances:\n  - name: edge\n    plugin: sylsog\n    parameters: {GOOD}\n")
        warned = harness.until(
            lambda: (instance := self.host.instance("edge"))["warnings"] and instance, "it says what is missing")
        self.assertIn("no plugin sylsog", warned["warnings"][0])
        self.assertEqual(("running", before["pid"]), (warned["state"], warned["current"]["pid"]))
        self.untouched()

    def test_mending_the_file_is_enough(self):
        self.explained(self.file("mended", "instances:\n  - name: edge\n    plugin: syslog\n    parameters: { listn: 1 }\n"), "listn")
        self.file("mended", f"instances:\n  - name: edge\n    plugin: syslog\n    parameters: {GOOD}\n")
        self.host.wait_known("edge")
        self.host.wait("edge")
        self.untouched()

    def test_a_removed_file_orphans_its_instance_alone(self):
        self.file("gone", f"instances:\n  - name: edge\n    plugin: syslog\n    parameters: {GOOD}\n"
                  f"  - name: third\n    plugin: syslog\n    parameters: {GOOD}\n")
        self.host.wait_known("edge")
        self.host.wait("edge")
        self.file("gone", f"instances:\n  - name: third\n    plugin: syslog\n    parameters: {GOOD}\n")
        harness.until(lambda: self.host.instance("edge")["state"] == "orphaned", "it is orphaned")
        self.explained("edge", "orphaned")

    # ---- plugin files
    def refused(self, name, data, *words):
        """The file is refused with these words, by `explain FILE` and in `plugins`."""
        self.host.write(self.host.plugins / name, data)
        self.explained(name, *words)
        self.assertIn("refused", self.host.cli("plugins"))
        rows = {row["path"].rsplit("/", 1)[1]: row for row in self.host.api("GET", "/plugins")["plugins"]}
        self.assertEqual("refused", rows[name]["state"])

    def built(self, name):
        return (harness.PLUGINS / f"{name}.so").read_bytes()

    def test_a_file_that_is_no_elf(self):
        self.refused("notes.so", b"These are my notes.\n" * 100, "ELF")

    def test_an_empty_file(self):
        self.refused("empty.so", b"", "empty.so")

    def test_half_a_file(self):
        whole = self.built("heartbeat")
        self.refused("half.so", whole[: len(whole) // 2], "half.so")

    def test_a_library_that_is_no_plugin(self):
        self.refused("entry.so", self.built("test_no_entry"), "longhaulPluginEntry")

    def test_a_missing_symbol(self):
        self.refused("symbol.so", self.built("test_missing_symbol"), "longhaulTestIsNowhere", "link it with")

    # What only shows in a worker: the file is admitted, the instance is refused and not tried again.
    def refused_instance(self, plugin, *words):
        self.host.drop(plugin)
        self.file("edge", "instances:\n  - name: edge\n    plugin: test-plugin\n    parameters: { mode: wait }\n")
        self.host.wait_known("edge")
        self.explained("edge", "refused", *words)
        self.assertEqual("refused", self.host.instance("edge")["state"])
        self.assertEqual(3, self.host.cli("is-active", "edge", code=None)[0])

    def test_a_newer_abi(self):
        self.refused_instance("test_newer_abi", "0.4", "0.5")

    def test_an_entry_that_says_no(self):
        self.refused_instance("test_refuses", "longhaulPluginEntry")

    # ---- the command line
    def test_a_name_that_is_nearly_right(self):
        code, out, err = self.host.cli("status", "bystandr", code=None)
        self.assertEqual((4, ""), (code, out))
        self.assertIn("bystander", err)

    def test_a_verb_that_is_nearly_right(self):
        code, out, err = self.host.cli("stauts", "bystander", code=None)
        self.assertEqual((2, ""), (code, out))
        self.assertIn("status", err)


if __name__ == "__main__":
    unittest.main()
