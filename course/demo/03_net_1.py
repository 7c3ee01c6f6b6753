# %% another="net1-build"
def build_net1(input_shape=(32, 32, 3), classes=10):
    inputs = x = keras.Input(input_shape)
    for filters in (32, 64, 64):
        x = keras.layers.Conv2D(filters, (3, 3))(x)
        x = keras.layers.ReLU()(x)
        x = keras.layers.MaxPooling2D()(x)
    x = keras.layers.Reshape((-1,))(x)
    x = keras.layers.Dense(512, activation=keras.activations.relu)(x)
    scores = keras.layers.Dense(classes)(x)
    return keras.Model(inputs, keras.layers.Softmax()(scores))

# %% another="net1-compile-answer"
def compile_net1(model):
    model.compile(
        keras.optimizers.Adam(),
        keras.losses.SparseCategoricalCrossentropy(),
        metrics=[keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    )
    return model

# %% another="net1-evaluate-answer"
def evaluate_net1(model, x, y):
    return model.evaluate(x, y, verbose=0, return_dict=True)

# %% another="net1-predict-answer"
def predict_first(model, x_test):
    row = model.predict(x_test, verbose=0)[0]
    return row.tolist().index(max(row)), list(row)

# %% another="net1-overfit-answer"
def overfit_epoch(history):
    best, lowest = None, float("inf")
    for epoch, loss in enumerate(history["val_loss"], start=1):
        if loss < lowest:
            best, lowest = epoch, loss
    return best if best < len(history["val_loss"]) else None

# %% wrong="net1-predict-answer"
def predict_first(model, x_test):
    # Counts the classes from 1.
    probabilities = model.predict(x_test[:1], verbose=0)[0]
    return int(np.argmax(probabilities)) + 1, probabilities

# %% wrong="net1-overfit-answer"
def overfit_epoch(history):
    # Counts from 0 and never returns None.
    return int(np.argmin(history["val_loss"]))
