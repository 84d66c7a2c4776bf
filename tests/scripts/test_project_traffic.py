import json

import project_traffic


def test_projection_is_written_with_its_assumptions(tmp_path, capsys):
    path = tmp_path / "p.json"
    options = project_traffic.ProjectOptions(gpu_rate=1000, json=path)
    project_traffic.project(options)
    assert "not measured" in capsys.readouterr().out
    document = json.loads(path.read_text())
    assert document["assumed"]["gpu_rate"] == 1000
    rows = document["same_batch_a_gpu"]
    alone = [row for row in rows if row["machines"] * row["gpus"] == 1]
    assert [row["speed_up_all_hidden"] for row in alone] == [1.0]
    assert {"data parallel", "hybrid a", "hybrid b", "hybrid c"} == {
        row["way"] for row in rows
    }
    assert document["input_of_8_gpus"]["images_per_second"] == 8000
    sent = {(row["way"], row["devices"]): row["float32"] for row in document["bytes"]}
    assert sent["towers", 2] == 60_030_976  # half of what 256 images take
    assert sent["data parallel", 8] == 426_756_568
    assert sent["hybrid", 8] == 141_176_448
