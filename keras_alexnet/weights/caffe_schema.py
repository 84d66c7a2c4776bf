"""The part of `caffe.proto` that weights are in, made in code: no protoc, no Caffe.

Fields that are not named here are skipped, which is what protobuf does with any. The
numbers are those of Caffe's `src/caffe/proto/caffe.proto`.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_PACKAGE = "keras_alexnet_caffe"
_KIND = descriptor_pb2.FieldDescriptorProto
_TYPES = {
    "string": _KIND.TYPE_STRING,
    "bytes": _KIND.TYPE_BYTES,  # a string of others, of any encoding
    "int32": _KIND.TYPE_INT32,
    "int64": _KIND.TYPE_INT64,
    "float": _KIND.TYPE_FLOAT,
    "double": _KIND.TYPE_DOUBLE,
}
# Message: field -> (number, type, whether it is repeated). Packed or not is the same to
# a parser. Enumerations are read as numbers.
_MESSAGES = {
    "BlobShape": {"dim": (1, "int64", True)},
    "BlobProto": {
        "num": (1, "int32", False),
        "channels": (2, "int32", False),
        "height": (3, "int32", False),
        "width": (4, "int32", False),
        "data": (5, "float", True),
        # A BlobShape, which is measured before it is read: a byte may be a side.
        "shape": (7, "bytes", False),
        "double_data": (8, "double", True),
    },
    "V0LayerParameter": {
        "name": (1, "bytes", False),
        "type": (2, "bytes", False),
        "blobs": (50, "BlobProto", True),
    },
    "V1LayerParameter": {
        "layer": (1, "V0LayerParameter", False),
        "name": (4, "bytes", False),
        "type": (5, "int32", False),
        "blobs": (6, "BlobProto", True),
    },
    "LayerParameter": {
        "name": (1, "bytes", False),
        "type": (2, "bytes", False),
        "blobs": (7, "BlobProto", True),
    },
    "NetParameter": {
        "name": (1, "bytes", False),
        "layers": (2, "V1LayerParameter", True),
        "layer": (100, "LayerParameter", True),
    },
}


@cache
def message(name: str) -> Any:
    """Return the class of one of Caffe's messages, for example `BlobProto`."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_schema())
    found = pool.FindMessageTypeByName(f"{_PACKAGE}.{name}")
    return message_factory.GetMessageClass(found)


def field_number(of: str, name: str) -> int:
    """Return the number of a field of a message."""
    return _MESSAGES[of][name][0]


def _schema() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="keras_alexnet_caffe.proto", package=_PACKAGE, syntax="proto2"
    )
    for message_name, fields in _MESSAGES.items():
        described = file.message_type.add(name=message_name)
        for name, (number, kind, repeated) in fields.items():
            label = _KIND.LABEL_REPEATED if repeated else _KIND.LABEL_OPTIONAL
            field = described.field.add(name=name, number=number, label=label)
            if kind in _TYPES:
                field.type = _TYPES[kind]
                field.options.packed = repeated
            else:
                field.type = _KIND.TYPE_MESSAGE
                field.type_name = f".{_PACKAGE}.{kind}"
    return file
