from keras_alexnet import load
from keras_alexnet.figures.grad_cam import draw


def test_the_map_is_that_of_the_likeliest_class(run, red, drawn, tmp_path):
    draw([run, red], tmp_path / "out.png")
    found = load(run).explain(red, "grad_cam")
    assert (drawn[0].axes[2].images[0].get_array() == found.map).all()
    shown = f"{found.label} {found.probability:.1%}"
    assert drawn[0].axes[1].get_title() == shown
