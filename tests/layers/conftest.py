import tensorflow as tf

POLICIES = ("float32", "mixed_bfloat16", "mixed_float16")

# Half a unit in the last place of the computing type, over the largest value.
ROUNDING = {"float32": 1e-5, "mixed_bfloat16": 2**-8, "mixed_float16": 2**-11}


def forward_and_gradients(layer, x, upstream, jit_compile=None, **options):
    """Return the output and the gradients of sum(upstream * output): input, weights.

    With `jit_compile` True or False it runs as a compiled or an ordinary graph.
    """
    x = tf.convert_to_tensor(x)

    def run(x, upstream):
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, **options)
            total = tf.reduce_sum(tf.cast(y, tf.float32) * upstream)
        weights = [variable.value for variable in layer.trainable_variables]
        return y, *tape.gradient(total, [x, *weights])

    if not layer.built:
        layer.build(x.shape)
    if jit_compile is not None:
        run = tf.function(run, jit_compile=jit_compile)
    return [tf.cast(t, tf.float32).numpy() for t in run(x, tf.constant(upstream))]


def reload(layer, x, folder):
    """Save a model of one layer as .keras; return it and what comes back."""
    import keras

    inputs = keras.Input(x.shape[1:])
    model = keras.Model(inputs, layer(inputs))
    model.save(folder / "model.keras")
    return model, keras.models.load_model(folder / "model.keras")
