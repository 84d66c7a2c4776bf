from scripts.benchmarks import environment

PIP = """
  error: subprocess-exited-with-error

  × Getting requirements to build wheel did not run successfully.
      RuntimeError: Could not find required package: opencv.
  note: This error originates from a subprocess.
"""


def test_the_reason_of_pip_is_found():
    found = environment.failure_line(PIP)
    assert found == "RuntimeError: Could not find required package: opencv."
    no_wheel = "ERROR: No matching distribution found for ffcv==9\n\nhint: See above."
    assert environment.failure_line(no_wheel).endswith("found for ffcv==9")
    assert environment.failure_line("") == "pip failed without a word"


def test_what_does_not_install_is_kept_and_leaves_the_others(tmp_path, monkeypatch):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").touch()
    tried = []

    def install(python, line):
        tried.append(line)
        return "no wheel" if line.startswith("ffcv") else None

    monkeypatch.setattr(environment, "_install", install)
    found = environment.prepare_environment(tmp_path, lambda text: None)
    assert tried == environment.requirement_lines()
    assert found.failures == {"ffcv": "no wheel"}
    assert {"torch", "torchvision", "jax", "openvino"} < found.versions.keys()
    assert found.absent("torch", "ffcv") == "ffcv does not install here: no wheel"
    assert found.absent("torch", "jax") is None
    environment.prepare_environment(tmp_path, lambda text: None)
    assert len(tried) == len(environment.requirement_lines())
