"""Faults that end the host or outlive it: each in a daemon of its own, which is killed and started again."""
import signal
import time

import harness
import hostile
import oracle


def killed_beside(run, fault):
    """Class 14: what hides from the end of its host is ended by the host's next start, before anything else runs."""
    problems = []
    run.open({fault.plugin})
    try:
        daemon = run.daemon
        daemon.instance_file("hostile", '{"instances": [%s]}' % harness.json.dumps(run.configuration(fault)))
        daemon.wait_known(fault.instance)
        problems += run.happened(fault, time.monotonic() + hostile.INJECT_S)
        left = set(run.pids_told(fault.instance)) | set(oracle.processes_in(daemon.state / "data"))
        counts = run.oracle.given_counts()
        daemon.process.send_signal(signal.SIGKILL)
        daemon.process.wait(harness.WAIT_S)
        (daemon.instances / "hostile.yaml").unlink()
        daemon.start()
        problems += oracle.gone(left, "an earlier host")
        for name in oracle.SIBLINGS:
            daemon.wait(name)
        run.oracle = oracle.Oracle(daemon)
        problems += run.oracle.siblings_answered(counts)
        problems += run.oracle.host_answers()
        problems += run.oracle.store_is_true()
        run.record(fault, problems, run.proofs(fault))
        oracle.end(left)
    finally:
        run.close([])
