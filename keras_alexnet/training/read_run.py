"""How many neighbours a run reads together, where that is left to where they lie."""

from keras_alexnet.memory import free_memory
from keras_alexnet.storage import slow_to_seek
from keras_alexnet.training.devices.plan import DevicePlan
from keras_alexnet.training.run_dataset import RunDataset
from keras_alexnet.training.state.stopping import any_worker
from tfrecords.plain_text import say

# From here on longer runs save little (results/order): a run is read in a tenth of the
# time of its records one by one, and a disk that takes 10 ms to get there gives a
# megabyte or more each time.
LONG_RUN = 32


def choose_read_run(dataset: RunDataset, plan: DevicePlan) -> int:
    """Return 1, or a long run where single records would be slow; say so then.

    Args:
        dataset: What is read.
        plan: The devices. With several workers each must call this; all get the same.
    """
    size = sum(shard.bytes for shard in dataset.manifest.splits["train"])
    reason = slow_to_seek(dataset.folder)
    free = free_memory()
    slow = reason is not None and (free is None or size > free / 2)
    if not any_worker(slow, plan.strategy):
        return 1
    if plan.is_chief:
        say(
            f"Order: runs of {LONG_RUN} records ({reason or 'so it is for a worker'}, "
            "and the training pictures do not fit in memory); --read-run 1, in a new "
            "run, reads each for itself."
        )
    return LONG_RUN
