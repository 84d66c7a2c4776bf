"""Caffe's files written byte by byte, by none of the code that reads them."""

import struct

import numpy as np

from keras_alexnet.presets import Preset
from keras_alexnet.weights.fitting import weight_shapes

TYPES = {"conv": 4, "fc": 14, "relu": 18, "norm": 15, "pool": 17}  # of V1
ORDERS = {
    "caffe_alexnet": ("relu", "norm", "pool"),
    "caffenet": ("relu", "pool", "norm"),
}


def varint(value: int) -> bytes:
    data = bytearray()
    while value >= 0x80:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def field(number: int, value: bytes | int | str) -> bytes:
    """One field of a message: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def blob(array: np.ndarray, form: str = "shape") -> bytes:
    """A BlobProto, with its sides as in V2, as in V1, or with double numbers."""
    sides = b"".join(map(varint, array.shape))
    shape = field(7, field(1, sides))
    if form == "four sides":
        four = (1,) * (4 - array.ndim) + array.shape
        shape = b"".join(field(n, side) for n, side in enumerate(four, 1))
    if form == "double":
        return field(8, array.astype("<f8").tobytes()) + shape
    if form == "unpacked":
        numbers = array.ravel().tolist()
        return b"".join(b"\x2d" + struct.pack("<f", x) for x in numbers) + shape
    return field(5, array.astype("<f4").tobytes()) + shape


def layers_of(preset: str) -> list[str]:
    """Names of the layers of Caffe's net in their order."""
    names = []
    for number in range(1, 6):
        steps = ORDERS[preset] if number < 3 else ("relu",)
        steps = (*steps, "pool") if number == 5 else steps
        names += [f"conv{number}", *(f"{step}{number}" for step in steps)]
    return [*names, "fc6", "relu6", "fc7", "relu7", "fc8"]


def caffemodel(tensors, names, version="V2", form="shape") -> bytes:
    """A network's file: its name, the layers in their order, and what we skip."""
    data = field(1, "AlexNet") + field(6, 1)
    for name in names:
        parts = [f"{name}.{part}" for part in ("kernel", "bias")]
        blobs = [blob(tensors[part], form) for part in parts if part in tensors]
        kind = name.rstrip("0123456789")
        if version == "V2":
            body = b"".join(field(7, each) for each in blobs)
            data += field(100, field(1, name) + field(2, kind) + body + field(10, 0))
        elif version == "V1":
            body = b"".join(field(6, each) for each in blobs)
            data += field(2, body + field(4, name) + field(5, TYPES[kind]))
        else:
            body = b"".join(field(50, each) for each in blobs)
            data += field(2, field(1, field(1, name) + field(2, kind) + body))
    return data


def random_tensors(preset: Preset, classes: int, seed: int = 0):
    """Weights in Caffe's layout: OIHW and (units, inputs), BGR, CHW."""
    generator = np.random.default_rng(seed)
    tensors = {}
    for name, shape in weight_shapes(preset, classes).items():
        turned = shape[::-1] if len(shape) < 4 else (shape[3], shape[2], *shape[:2])
        # Of He's size, so that no layer dies or explodes.
        scale = (2 / max(1, np.prod(turned[1:]))) ** 0.5
        values = generator.normal(0, scale if len(shape) > 1 else 0.1, turned)
        tensors[name] = values.astype("float32")
    return tensors


def prototxt(preset: str, small: Preset, classes: int) -> str:
    """What OpenCV needs beside the weights."""
    text = 'name: "x"\ninput: "data"\ninput_dim: 1 input_dim: 3 input_dim: '
    text += f"{small.input_size} input_dim: {small.input_size}\n"
    bottom = "data"
    for name in layers_of(preset):
        kind, number = name[:-1], int(name[-1])
        if kind == "conv":
            stride, pad, size = {1: (4, 0, 11), 2: (1, 2, 5)}.get(number, (1, 1, 3))
            said = f"num_output: {small.filters[number - 1]} kernel_size: {size} "
            said += f"stride: {stride} pad: {pad} group: {small.groups[number - 1]}"
            options = f'type: "Convolution" convolution_param {{ {said} }}'
        elif kind == "fc":
            units = classes if number == 8 else small.units
            options = (
                f'type: "InnerProduct" inner_product_param {{num_output: {units}}}'
            )
        elif kind == "norm":
            said = "local_size: 5 alpha: 0.0001 beta: 0.75"
            options = f'type: "LRN" lrn_param {{ {said} }}'
        elif kind == "pool":
            said = "pool: MAX kernel_size: 3 stride: 2"
            options = f'type: "Pooling" pooling_param {{ {said} }}'
        else:
            options = 'type: "ReLU"'
        text += (
            f'layer {{ name: "{name}" bottom: "{bottom}" top: "{name}" {options} }}\n'
        )
        bottom = name
    return text
