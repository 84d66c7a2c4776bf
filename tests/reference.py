"""Slow, plain float64 references, written from the paper and not from our code.

Sums are loops over the indices that the formulas name. Arrays are `(batch, height,
width, channels)`; gradients are those of `sum(upstream * output)`.
"""

import numpy as np

# Unit round-off: the most that rounding to the nearest number errs, as a share of it.
UNIT = {
    "float64": 2.0**-53,
    "float32": 2.0**-24,
    "float16": 2.0**-11,
    "bfloat16": 2.0**-8,
}


def relative(actual, expected):
    """Return the largest difference over the largest expected magnitude."""
    actual = np.asarray(actual, np.float64)
    expected = np.asarray(expected, np.float64)
    assert actual.shape == expected.shape
    return np.abs(actual - expected).max() / np.abs(expected).max()


def rounding_bound(dtype, terms=1, steps=3):
    """Bound what rounding does to a sum of products, over the largest such sum.

    Beside its additions a result goes through `steps` roundings: of two factors and of
    itself, unless told. The `terms` are added in float32, in `dtype` itself or in
    parts, as the processor's kernels have it; in `dtype` each addition rounds once
    more. A rounding errs by at most the unit round-off, up or down by chance, and n of
    them add up like the root of n (Higham and Mary, "A new approach to probabilistic
    rounding error analysis", 2019); the few steps are all counted as of one sign.

    Args:
        dtype: Number format, or a Keras policy such as mixed_bfloat16.
        terms: Terms of the longest sum.
        steps: Roundings of a result beside its additions; 2 for a root or an exp.
    """
    return (steps + terms**0.5) * UNIT[dtype.removeprefix("mixed_")]


def network_bound(dtype, terms, steps=3):
    """Bound what rounding does to the outputs of a network, over the largest of them.

    Each layer adds its own roundings to those that arrive, which it scales as it does
    the signal; those of different layers are independent, so their squares add.

    Args:
        dtype: As for `rounding_bound`.
        terms: Terms of a sum of each layer.
        steps: Roundings in each layer, with those of its normalisation.
    """
    return sum(rounding_bound(dtype, n, steps) ** 2 for n in terms) ** 0.5


def training_bound(dtype, terms, steps):
    """Bound how far rounding drives apart two programs that train the same network.

    Over the largest weight of a tensor that moved by its own size at most. A step's
    gradient passes every layer twice, forward and backward, and has the errors of both
    programs; steps are independent of each other.
    """
    return steps**0.5 * 2 * network_bound(dtype, [*terms, *terms])


def channel_windows(channels, radius, groups):
    """Give for each channel the channels that section 3.3 sums over, group by group."""
    depth = channels // groups
    for i in range(channels):
        first = i // depth * depth
        yield i, [j for j in range(first, first + depth) if abs(j - i) <= radius]


def lrn(x, radius, bias, alpha, beta, groups=1):
    """Section 3.3, `alpha` per squared term."""
    x = np.asarray(x, np.float64)
    y = np.empty_like(x)
    for i, window in channel_windows(x.shape[-1], radius, groups):
        total = sum(x[..., j] ** 2 for j in window)
        y[..., i] = x[..., i] / (bias + alpha * total) ** beta
    return y


def lrn_gradient(x, upstream, radius, bias, alpha, beta, groups=1):
    """Sum the Jacobian's terms one by one."""
    x, upstream = np.asarray(x, np.float64), np.asarray(upstream, np.float64)
    gradient = np.zeros_like(x)
    for i, window in channel_windows(x.shape[-1], radius, groups):
        scale = bias + alpha * sum(x[..., j] ** 2 for j in window)
        gradient[..., i] += upstream[..., i] * scale**-beta
        for j in window:
            slope = -beta * scale ** (-beta - 1) * alpha * 2 * x[..., j]
            gradient[..., j] += upstream[..., i] * x[..., i] * slope
    return gradient


def map_windows(height, width, size):
    """Give each pixel and the window around it, clipped at the border of the map."""
    radius = size // 2
    for r in range(height):
        for c in range(width):
            rows = range(max(r - radius, 0), min(r + radius + 1, height))
            columns = range(max(c - radius, 0), min(c + radius + 1, width))
            yield r, c, [(i, j) for i in rows for j in columns]


def in_map_norm(x, size, bias, alpha, beta):
    """Spec 2.3: the sum runs over pixels of one map."""
    x = np.asarray(x, np.float64)
    y = np.empty_like(x)
    for r, c, window in map_windows(*x.shape[1:3], size):
        total = sum(x[:, i, j] ** 2 for i, j in window)
        y[:, r, c] = x[:, r, c] / (bias + alpha * total) ** beta
    return y


def in_map_norm_gradient(x, upstream, size, bias, alpha, beta):
    """Sum the Jacobian's terms one by one."""
    x, upstream = np.asarray(x, np.float64), np.asarray(upstream, np.float64)
    gradient = np.zeros_like(x)
    for r, c, window in map_windows(*x.shape[1:3], size):
        scale = bias + alpha * sum(x[:, i, j] ** 2 for i, j in window)
        gradient[:, r, c] += upstream[:, r, c] * scale**-beta
        for i, j in window:
            slope = -beta * scale ** (-beta - 1) * alpha * 2 * x[:, i, j]
            gradient[:, i, j] += upstream[:, r, c] * x[:, r, c] * slope
    return gradient


def pad_same(x, sizes, strides):
    """Zero-pad for `ceil(size / stride)` outputs, the odd zero at the end."""
    border = [(0, 0)]
    for length, size, stride in zip(x.shape[1:3], sizes, strides, strict=True):
        missing = max((-(-length // stride) - 1) * stride + size - length, 0)
        border.append((missing // 2, missing - missing // 2))
    return np.pad(x, [*border, (0, 0)]), border


def conv2d(x, kernel, strides=(1, 1)):
    """VALID convolution, one output pixel at a time."""
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    rows, columns = kernel.shape[:2]
    height = (x.shape[1] - rows) // strides[0] + 1
    width = (x.shape[2] - columns) // strides[1] + 1
    y = np.empty((x.shape[0], height, width, kernel.shape[-1]))
    for r in range(height):
        for c in range(width):
            top, left = r * strides[0], c * strides[1]
            patch = x[:, top : top + rows, left : left + columns]
            y[:, r, c] = np.tensordot(patch, kernel, 3)
    return y


def conv2d_gradients(x, kernel, upstream, strides=(1, 1)):
    """Return the gradients of the VALID convolution for its input and its kernel."""
    x, kernel = np.asarray(x, np.float64), np.asarray(kernel, np.float64)
    upstream = np.asarray(upstream, np.float64)
    rows, columns = kernel.shape[:2]
    dx, dk = np.zeros_like(x), np.zeros_like(kernel)
    for r in range(upstream.shape[1]):
        for c in range(upstream.shape[2]):
            top, left = r * strides[0], c * strides[1]
            place = np.s_[:, top : top + rows, left : left + columns]
            dx[place] += np.tensordot(upstream[:, r, c], kernel, (1, 3))
            dk += np.tensordot(x[place], upstream[:, r, c], (0, 0))
    return dx, dk


def tower_conv2d(x, kernel, groups, strides=(1, 1), padding="valid", bias=0.0):
    """Section 3.5: every tower convolves its own maps with its own kernels."""
    x = np.asarray(x, np.float64)
    if padding == "same":
        x, _ = pad_same(x, kernel.shape[:2], strides)
    towers = zip(
        np.split(x, groups, axis=-1), np.split(kernel, groups, axis=-1), strict=True
    )
    return np.concatenate([conv2d(a, k, strides) for a, k in towers], axis=-1) + bias


def tower_conv2d_gradients(
    x, kernel, upstream, groups, strides=(1, 1), padding="valid"
):
    """Return the gradients for the input, the kernel and the bias."""
    x = np.asarray(x, np.float64)
    height, width = x.shape[1:3]
    border = [(0, 0)] * 3
    if padding == "same":
        x, border = pad_same(x, kernel.shape[:2], strides)
    parts = [
        conv2d_gradients(*tower, strides)
        for tower in zip(
            np.split(x, groups, axis=-1),
            np.split(kernel, groups, axis=-1),
            np.split(np.asarray(upstream), groups, axis=-1),
            strict=True,
        )
    ]
    top, left = border[1][0], border[2][0]
    dx = np.concatenate([part[0] for part in parts], axis=-1)
    dk = np.concatenate([part[1] for part in parts], axis=-1)
    bias = np.asarray(upstream, np.float64).sum((0, 1, 2))
    return dx[:, top : top + height, left : left + width], dk, bias


def max_pool(x, size, stride):
    """Section 3.4, windows inside the map only."""
    height, width = ((n - size) // stride + 1 for n in x.shape[1:3])
    y = np.empty((x.shape[0], height, width, x.shape[-1]))
    for r in range(height):
        for c in range(width):
            top, left = r * stride, c * stride
            y[:, r, c] = x[:, top : top + size, left : left + size].max((1, 2))
    return y


def original_dropout(x, rate, mask=None):
    """Section 4.2: a 0/1 mask in training, `1 - rate` otherwise."""
    return x * mask if mask is not None else x * (1 - rate)


def paper_sgd_step(w, v, gradient, rate, momentum=0.9, decay=0.0005):
    """Section 5; returns the new weight and the new velocity."""
    v = momentum * v - decay * rate * w - rate * gradient
    return w + v, v


def alexnet_logits(model, preset, x):
    """Run the network of spec 2.1 in float64, in the order of its table."""
    weights = {layer.name: layer.get_weights() for layer in model.layers}

    def conv(x, name, groups, padding="same"):
        kernel, bias = weights[name]
        strides = (4, 4) if name == "conv1" else (1, 1)
        return tower_conv2d(x, kernel, groups, strides, padding, bias)

    def relu(x):
        return np.maximum(x, 0)

    def pool(x):
        return max_pool(x, 3, 2)

    def norm(x):
        return {
            "paper": lambda: lrn(x, 2, 2, 1e-4, 0.75, groups=2),
            "released": lambda: lrn(x, 2, 2, 2e-5, 0.75, groups=2),
            "caffe_alexnet": lambda: lrn(x, 2, 1, 2e-5, 0.75),
            "caffenet": lambda: lrn(x, 2, 1, 2e-5, 0.75),
        }[preset]()

    def dense(x, name):
        kernel, bias = weights[name]
        return x @ kernel.astype(np.float64) + bias

    x = conv(x, "conv1", 1, "valid")
    if preset == "released":
        x = relu(pool(norm(x)))
        x = relu(conv(x, "conv2", 2))
        x = pool(in_map_norm(norm(x), 5, 1, 4e-5, 0.75))
    elif preset == "caffenet":
        x = norm(pool(relu(x)))
        x = norm(pool(relu(conv(x, "conv2", 2))))
    else:
        x = pool(norm(relu(x)))
        x = pool(norm(relu(conv(x, "conv2", 2))))
    x = relu(conv(x, "conv3", 1))
    x = relu(conv(x, "conv4", 2))
    x = pool(relu(conv(x, "conv5", 2)))
    unit = 0.5 if preset in ("paper", "released") else 1.0
    x = unit * relu(dense(x.reshape(len(x), -1), "fc6"))
    x = unit * relu(dense(x, "fc7"))
    return dense(x, "fc8")
