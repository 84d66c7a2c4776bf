"""Write torchvision's AlexNet, and what it answers to pictures, for a comparison.

In an environment that has torch and torchvision, not ours:

    python tests/tools/torch_answers.py OUT PICTURE...
"""

import sys
from pathlib import Path

import numpy as np


def main(out: Path, pictures: list[str]) -> None:
    """Write `alexnet.pth`, and `answers.npz` with images, logits and file names."""
    import torch
    import torchvision
    from PIL import Image
    from torchvision import transforms

    torch.manual_seed(0)
    network = torchvision.models.alexnet(weights=None).eval()
    out.mkdir(parents=True, exist_ok=True)
    torch.save(network.state_dict(), out / "alexnet.pth")
    prepare = transforms.Compose(
        [
            transforms.Resize(256),
            transforms.CenterCrop(224),
            transforms.ToTensor(),
            transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ]
    )
    images = torch.stack([prepare(Image.open(p).convert("RGB")) for p in pictures])
    with torch.no_grad():
        logits = network(images)
    np.savez(
        out / "answers.npz",
        images=images.numpy(),
        logits=logits.numpy(),
        pictures=np.array(pictures),
        versions=f"torch {torch.__version__}, torchvision {torchvision.__version__}",
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
