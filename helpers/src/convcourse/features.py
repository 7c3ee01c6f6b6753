"""What a layer computes: its activations, a map of them, and how well they separate classes."""

from typing import Any

import numpy as np

from convcourse.wire import recording


def activations(model: Any, layer: str | Any, x: np.ndarray, batch_size: int = 256) -> np.ndarray:
    """Compute the output of one layer for every image.

    Args:
        model: A built Keras model.
        layer: One of its layers, or the layer's name.
        x: Images, (N, H, W, C) float32.
        batch_size: How many images to compute at a time.

    Returns:
        (N, ...) float32, the layer's output for each image.

    Raises:
        ValueError: If the model has no layer of that name; the message lists the names.
    """
    import keras

    if isinstance(layer, str):
        names = [one.name for one in model.layers]
        if layer not in names:
            raise ValueError(f"the model has no layer {layer!r}; it has {', '.join(names)}")
        layer = model.get_layer(layer)
    part = keras.Model(model.inputs, layer.output)
    # Called, since predict would first trace it, which takes longer than these images do.
    batches = (x[at : at + batch_size] for at in range(0, len(x), batch_size))
    outputs = [keras.ops.convert_to_numpy(part([batch], training=False)) for batch in batches]
    return np.concatenate(outputs).astype(np.float32, copy=False)


def last_maps(model: Any) -> Any:
    """Build the part of a network that ends with its last maps, before their mean or a flattening.

    Args:
        model: A built Keras model with one input and one output. A subclassed one must consist of
            layers and of ``keras.ops``.

    Returns:
        A Keras model from images to (N, H, W, C), which shares the model's weights. Maps of a
        single position do not count: they are means already.

    Raises:
        ValueError: If the way from the input to the last maps cannot be followed.
    """
    import keras

    try:
        given, [end] = model.inputs, model.outputs
    except (AttributeError, TypeError, ValueError):  # a class: call it on a tensor without values
        try:
            [known] = recording.inputs_of(model)
            given = keras.Input(known.shape, dtype=known.dtype)
            end = model.call(given)
        except Exception as error:
            raise ValueError(
                "the layers of this network cannot be followed: build it with "
                "keras.Model(inputs, outputs), or use only layers and keras.ops in its call"
            ) from error
    maps = []

    def noted(operation: Any, *args: Any, **settings: Any) -> Any:
        output = operation(*args, **settings)
        if len(getattr(output, "shape", ())) == 4 and output.shape[1:3] != (1, 1):
            maps.append(output)
        return output

    whole = keras.Model(given, end)
    again = keras.models.clone_model(whole, clone_function=lambda layer: layer, call_function=noted)
    if not maps:
        raise ValueError("this network has no maps: nothing in it has height and width")
    return keras.Model(again.inputs, maps[-1])


def tsne(features: np.ndarray, seed: int = 0, perplexity: float = 30.0) -> np.ndarray:
    """Map features to the plane so that near rows stay near.

    This is t-distributed stochastic neighbor embedding (van der Maaten and Hinton 2008), as
    scikit-learn computes it, after a projection to 50 principal components. Distances between
    groups mean little.

    Args:
        features: (N, ...) floats, flattened for each image.
        seed: On one machine, the same seed gives the same map.
        perplexity: About how many neighbors each image has; it must be smaller than N.

    Returns:
        Places in the plane, (N, 2) float32.

    Raises:
        ValueError: If there are too few images for the perplexity.
    """
    from sklearn.decomposition import PCA
    from sklearn.manifold import TSNE
    from threadpoolctl import threadpool_limits

    rows = _rows(features)
    if rows.shape[0] <= perplexity:
        raise ValueError(f"{rows.shape[0]} images are too few for a perplexity of {perplexity:g}")
    # One thread: these steps are so short that on a busy machine several threads wait for each
    # other far longer than they compute, minutes instead of a second.
    with threadpool_limits(1):
        if min(rows.shape) > 50:
            rows = PCA(50, random_state=seed).fit_transform(rows)
        maker = TSNE(perplexity=perplexity, init="pca", random_state=seed)
        return maker.fit_transform(rows).astype(np.float32)


def linear_probe(
    train_features: np.ndarray,
    train_labels: np.ndarray,
    test_features: np.ndarray,
    test_labels: np.ndarray,
    seed: int = 0,
) -> float:
    """Measure how well a linear classifier separates the classes on frozen features.

    It trains one linear support vector machine for each class, on features standardized with the
    mean and standard deviation of the training features.

    Args:
        train_features: (N, ...) floats, flattened for each image.
        train_labels: Their classes, (N,) integers.
        test_features: (M, ...) floats, flattened for each image.
        test_labels: Their classes, (M,) integers.
        seed: Seed of the solver.

    Returns:
        Accuracy on the test images, from 0 to 1.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import LinearSVC

    # LinearSVC is one-vs-rest by itself; few iterations are enough to compare layers.
    probe = make_pipeline(
        StandardScaler(), LinearSVC(C=0.01, dual="auto", random_state=seed, max_iter=2_000)
    )
    probe.fit(_rows(train_features), np.ravel(train_labels))
    return float(probe.score(_rows(test_features), np.ravel(test_labels)))


def _rows(features: np.ndarray) -> np.ndarray:
    features = np.asarray(features, np.float64)
    return features.reshape(len(features), -1)
