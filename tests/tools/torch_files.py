"""Make the small files of PyTorch that the tests of `weights` read.

In an environment that has torch and torchvision, not ours:

    python tests/tools/torch_files.py tests/keras_alexnet/weights/torch_files
"""

import io
import sys
from pathlib import Path

import numpy as np

FILTERS, UNITS, CLASSES, SIDE = (8, 16, 16, 16, 8), 16, 3, 99


def main(out: Path) -> None:
    """Write state dicts of both forms, of odd kinds, and what they answer."""
    import torch
    from PIL import Image
    from torch import nn
    from torchvision import transforms

    torch.manual_seed(1)
    network = small_alexnet().eval()
    state = network.state_dict()
    torch.save(state, out / "zip.pth")
    torch.save(state, out / "old.pth", _use_new_zipfile_serialization=False)
    odd = {f"module.{name}": tensor for name, tensor in state.items()}
    odd["module.classifier.6.weight"] = (
        state["classifier.6.weight"].t().contiguous().t()
    )
    odd["module.classifier.6.bias"] = torch.tensor([0.0, 1.5, -2.0]).to(torch.bfloat16)
    odd["module.classifier.4.bias"] = state["classifier.4.bias"].half()
    odd["module.classifier.1.bias"] = torch.nn.Parameter(state["classifier.1.bias"])
    torch.save({"epoch": 3, "state_dict": odd}, out / "odd.pth")
    torch.save(nn.Sequential(nn.Linear(2, 2)), out / "module.pth")
    coarse = np.random.default_rng(0).integers(0, 256, (5, 6, 3), np.uint8)
    picture = Image.fromarray(coarse).resize((450, 384), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(SIDE),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    images = prepare(picture)[None]
    with torch.no_grad():
        first, logits = network.features[0](images), network(images)
    np.savez_compressed(
        out / "answers.npz",
        picture=np.frombuffer(buffer.getvalue(), np.uint8),
        images=images.numpy(),
        conv1=first.numpy(),
        logits=logits.numpy(),
        torch=torch.__version__,
        **{name: tensor.numpy() for name, tensor in state.items()},
    )


def small_alexnet():
    """Return torchvision's alexnet with fewer filters, for pictures of 99 pixels."""
    from torch import nn

    a, b, c, d, e = FILTERS
    network = nn.Module()
    network.features = nn.Sequential(
        *(nn.Conv2d(3, a, 11, 4, 2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(a, b, 5, padding=2), nn.ReLU(), nn.MaxPool2d(3, 2)),
        *(nn.Conv2d(b, c, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(c, d, 3, padding=1), nn.ReLU()),
        *(nn.Conv2d(d, e, 3, padding=1), nn.ReLU(), nn.MaxPool2d(3, 2)),
    )
    network.classifier = nn.Sequential(
        *(nn.Dropout(), nn.Linear(e * 4, UNITS), nn.ReLU()),
        *(nn.Dropout(), nn.Linear(UNITS, UNITS), nn.ReLU(), nn.Linear(UNITS, CLASSES)),
    )
    network.forward = lambda x: network.classifier(network.features(x).flatten(1))
    return network


if __name__ == "__main__":
    main(Path(sys.argv[1]))
