"""What a GPU's host would wait for in a graph, read from TensorFlow's kernels.

TensorFlow's wheel knows its GPU kernels where there is no GPU, and which of their
arguments lie in the host's memory. A tensor that a GPU kernel computes and that another
kernel takes from the host is copied there, and the host waits until it is computed: it
gives the GPU nothing more to do meanwhile.
"""

from collections.abc import Iterator
from typing import Any

import tensorflow as tf
from tensorflow.python.framework import kernels, op_def_registry

_HANDLES = (tf.resource, tf.variant)
# Known before the step: constants are wherever they are needed.
_GIVEN = ("Const", "Placeholder")


def host_waits(graph: tf.Graph) -> list[str]:
    """Return the tensors that the host would wait for, as `operation <- operation`.

    Control flow is not looked into: a branch waits for its predicate, which counts.
    """
    return [wait for operation in graph.get_operations() for wait in _waits(operation)]


def without_kernel(graph: tf.Graph) -> set[str]:
    """Return the kinds of operations that have no GPU kernel, and run on the host."""
    operations = (op for op in graph.get_operations() if op.type not in _GIVEN)
    return {operation.type for operation in operations if _kernel(operation) is None}


def _waits(operation: tf.Operation) -> Iterator[str]:
    kernel = _kernel(operation)
    names = _names(op_def_registry.get(operation.type).input_arg, operation)
    for name, tensor in zip(names, operation.inputs, strict=True):
        from_host = kernel is None or name in kernel.host_memory_arg
        given = tensor.op.type in _GIVEN or tensor.dtype in _HANDLES
        if from_host and not given and not _is_on_host(tensor):
            yield f"{operation.type} <- {tensor.op.type}"


def _is_on_host(tensor: tf.Tensor) -> bool:
    kernel = _kernel(tensor.op)
    names = _names(op_def_registry.get(tensor.op.type).output_arg, tensor.op)
    return kernel is None or names[tensor.value_index] in kernel.host_memory_arg


def _kernel(operation: tf.Operation) -> Any:
    """Return the GPU kernel of an operation on tensors of its types, or None."""
    known = kernels.get_registered_kernels_for_op(operation.type).kernel
    on_gpus = (k for k in known if k.device_type in ("GPU", "DEFAULT"))
    return next((k for k in on_gpus if _takes(k, operation)), None)


def _takes(kernel: Any, operation: tf.Operation) -> bool:
    for constraint in kernel.constraint:
        types = operation.get_attr(constraint.name)
        types = types if isinstance(types, list) else [types]
        allowed = constraint.allowed_values.list.type
        if not all(each.as_datatype_enum in allowed for each in types):
            return False
    return True


def _names(arguments: Any, operation: tf.Operation) -> list[str]:
    """Return the name of the argument that each tensor of an operation belongs to."""
    names = []
    for argument in arguments:
        count = 1
        if argument.number_attr:
            count = operation.get_attr(argument.number_attr)
        elif argument.type_list_attr:
            count = len(operation.get_attr(argument.type_list_attr))
        names += [argument.name] * count
    return names
