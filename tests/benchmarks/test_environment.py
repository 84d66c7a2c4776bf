from scripts.benchmarks import environment

PIP = """
  error: subprocess-exited-with-error
      RuntimeError: Could not find required package: opencv.
  note: This error originates from a subprocess.
"""


def test_the_reason_of_pip_is_found():
    found = environment.failure_line(PIP)
    assert found == "RuntimeError: Could not find required package: opencv."
    no_wheel = "ERROR: No matching distribution found for ffcv==9\n\nhint: See above."
    assert environment.failure_line(no_wheel).endswith("found for ffcv==9")
    assert environment.failure_line("") == "pip failed without a word"


def test_what_does_not_install_is_kept_and_leaves_the_others(tmp_path):
    log, python = tmp_path / "log", tmp_path / "bin" / "python"
    python.parent.mkdir()
    fails = "case $* in *ffcv*) echo 'ERROR: no wheel' >&2; exit 1;; esac"
    python.write_text(f"#!/bin/sh\necho $* >>{log}\n{fails}\n")
    python.chmod(0o755)
    found = environment.prepare_environment(tmp_path)
    failed = {line: why for line, why in found.items() if why}
    assert failed == {"ffcv==1.0.2": "ERROR: no wheel"}
    assert environment.prepare_environment(tmp_path) == found
    assert log.read_text().count("\n") == len(found)  # none was tried again
