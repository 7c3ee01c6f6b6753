# %% another="load-rows-answer"
def rows_to_images(rows):
    red, green, blue = (rows[:, k * 1024 : (k + 1) * 1024].reshape(-1, 32, 32) for k in range(3))
    return np.stack([red, green, blue], axis=-1)

# %% another="load-onehot-answer"
def one_hot(labels, classes=10):
    return (np.reshape(labels, (-1, 1)) == np.arange(classes)).astype(np.float32)

# %% another="load-split-answer"
def stratified_split(labels, n_val, seed=0):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(labels))
    left = {int(c): int(np.sum(labels == c)) * n_val // len(labels) for c in set(labels.tolist())}
    val = []
    for position in order:
        label = int(labels[position])
        if left[label] > 0:
            left[label] -= 1
            val.append(int(position))
    return [int(p) for p in order if p not in set(val)], val

# %% wrong="load-standardise-answer"
def standardise(train, other):
    # Uses each set's own statistics.
    return tuple(
        ((x - x.mean(axis=(0, 1, 2))) / x.std(axis=(0, 1, 2))).astype("float32")
        for x in (train, other)
    )

# %% wrong="load-split-answer"
def stratified_split(labels, n_val, seed=0):
    # Takes the last images, regardless of their class.
    return np.arange(len(labels) - n_val), np.arange(len(labels) - n_val, len(labels))
