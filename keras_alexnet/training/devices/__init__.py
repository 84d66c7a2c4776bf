"""Where a run computes."""

from typing import Literal

StrategyName = Literal["none", "towers", "mirrored", "multiworker"]
