"""The networks `released` and `paper` in PyTorch, from the weights of ours."""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scripts.benchmarks.answer import GROUPS


class AlexNet(nn.Module):
    """Pictures `(batch, 3, side, side)` to logits `(batch, classes)`, float32.

    Weights are as `answer.channels_first` gives them. The original dropout drops in
    training and scales otherwise.
    """

    def __init__(
        self,
        weights: dict[str, np.ndarray],
        side: int,
        dropout: float,
        preset: str = "released",
    ) -> None:
        super().__init__()
        self.dropout, self.paper = dropout, preset == "paper"
        # Zeros until the last window fits: cuda-convnet's rounding up.
        self.border = (0, (11 - side) % 4) * 2
        found = {name: torch.from_numpy(array) for name, array in weights.items()}
        self.weights = nn.ParameterDict(found)
        # Of the sum, not of a term: a fifth of the paper's alpha as it was run.
        alpha = 5e-4 if self.paper else 1e-4
        self.norm = nn.LocalResponseNorm(5, alpha=alpha, beta=0.75, k=2.0)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self._convolve(1, functional.pad(images, self.border))
        if self.paper:
            x = self.pool(self._norm_towers(functional.relu(x)))
        else:
            x = functional.relu(self.pool(self._norm_towers(x)))
        x = self._norm_towers(functional.relu(self._convolve(2, x)))
        x = self.pool(x if self.paper else norm_in_map(x))
        for number in (3, 4, 5):
            x = functional.relu(self._convolve(number, x))
        x = torch.flatten(self.pool(x), 1)
        for number in (6, 7):
            x = functional.relu(functional.linear(x, *self._of(f"fc{number}")))
            # Of inverted dropout, so scaled: 0 or 1 in training, the rate otherwise.
            x = functional.dropout(x, self.dropout, self.training) * (1 - self.dropout)
        return functional.linear(x, *self._of("fc8"))

    def _of(self, layer: str) -> tuple[torch.Tensor, torch.Tensor]:
        return self.weights[f"{layer}/kernel"], self.weights[f"{layer}/bias"]

    def _convolve(self, number: int, x: torch.Tensor) -> torch.Tensor:
        kernel, bias = self._of(f"conv{number}")
        stride, padding = (4, 0) if number == 1 else (1, kernel.shape[-1] // 2)
        groups = GROUPS[number - 1]
        return functional.conv2d(x, kernel, bias, stride, padding, groups=groups)

    def _norm_towers(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.norm(tower) for tower in x.chunk(2, 1)], 1)


def norm_in_map(x: torch.Tensor) -> torch.Tensor:
    """Divide by the activity in the 5 x 5 pixels around, clipped at the border."""
    total = functional.avg_pool2d(x * x, 5, 1, 2, count_include_pad=True)
    return x / (1.0 + 0.001 * total) ** 0.75


def optimizer(network: AlexNet, rate: float, bias_rate: float, decay: float):
    """Momentum inside which the kernels, and not the biases, decay."""
    groups: dict[str, list] = {"kernel": [], "bias": []}
    for name, parameter in network.weights.items():
        groups[name.split("/")[1]].append(parameter)
    kernels = {"params": groups["kernel"], "weight_decay": decay}
    biases = {"params": groups["bias"], "lr": bias_rate * rate, "weight_decay": 0.0}
    fused = groups["kernel"][0].is_cuda
    return torch.optim.SGD([kernels, biases], lr=rate, momentum=0.9, fused=fused)
