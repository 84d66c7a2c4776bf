"""The network as it was run (`released`), in PyTorch, from the weights of ours."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from scripts.benchmarks.answer import GROUPS, channels_first

TOWERS = 2


class AlexNet(nn.Module):
    """Pictures `(batch, 3, side, side)` to logits `(batch, classes)`, float32.

    Args:
        weights: `conv1/kernel` of (height, width, in, out) to `fc8/bias`, as ours.
        side: Of the pictures in pixels.
        dropout: Rate of the original dropout, which drops in training and scales
            otherwise.
    """

    def __init__(
        self, weights: Mapping[str, np.ndarray], side: int, dropout: float
    ) -> None:
        super().__init__()
        self.dropout = dropout
        # Zeros until the last window fits: cuda-convnet's rounding up.
        self.border = (0, (11 - side) % 4) * 2
        self.convolutions = nn.ModuleList(
            _convolution(weights, number) for number in range(1, 6)
        )
        self.dense = nn.ModuleList(_dense(weights, number) for number in (6, 7, 8))
        self.norm = nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75, k=2.0)
        self.pool = nn.MaxPool2d(3, 2)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.convolutions[0](functional.pad(images, self.border))
        x = functional.relu(self.pool(self._norm_towers(x)))
        x = self._norm_towers(functional.relu(self.convolutions[1](x)))
        x = self.pool(norm_in_map(x))
        for convolution in self.convolutions[2:]:
            x = functional.relu(convolution(x))
        x = torch.flatten(self.pool(x), 1)
        for dense in self.dense[:2]:
            x = functional.relu(dense(x))
            # Of inverted dropout, so scaled: 0 or 1 in training, the rate otherwise.
            x = functional.dropout(x, self.dropout, self.training) * (1 - self.dropout)
        return self.dense[2](x)

    def _norm_towers(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.norm(tower) for tower in x.chunk(TOWERS, 1)], 1)


def norm_in_map(x: torch.Tensor) -> torch.Tensor:
    """Divide by the activity in the 5 x 5 pixels around, clipped at the border."""
    total = functional.avg_pool2d(x * x, 5, 1, 2, count_include_pad=True)
    return x / (1.0 + 0.001 * total) ** 0.75


def optimizer(
    network: AlexNet, rate: float, bias_rate: float, decay: float
) -> torch.optim.SGD:
    """Momentum inside which the kernels, and not the biases, decay."""
    groups: dict[bool, list[Any]] = {True: [], False: []}
    for name, parameter in network.named_parameters():
        groups[name.endswith("bias")].append(parameter)
    return torch.optim.SGD(
        [
            {"params": groups[False], "weight_decay": decay},
            {"params": groups[True], "lr": bias_rate * rate, "weight_decay": 0.0},
        ],
        lr=rate,
        momentum=0.9,
    )


def _convolution(weights: Mapping[str, np.ndarray], number: int) -> nn.Conv2d:
    kernel = weights[f"conv{number}/kernel"]
    side, groups = kernel.shape[0], GROUPS[number - 1]
    stride, padding = (4, 0) if number == 1 else (1, side // 2)
    layer = nn.Conv2d(
        kernel.shape[2] * groups,
        kernel.shape[3],
        side,
        stride=stride,
        padding=padding,
        groups=groups,
    )
    return _filled(layer, kernel.transpose(3, 2, 0, 1), weights[f"conv{number}/bias"])


def _dense(weights: Mapping[str, np.ndarray], number: int) -> nn.Linear:
    kernel, bias = channels_first(weights, number)
    return _filled(nn.Linear(*kernel.shape), kernel.T, bias)


def _filled(layer: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(np.ascontiguousarray(kernel)))
        layer.bias.copy_(torch.from_numpy(bias))
    return layer
