# %% another="count-size-answer"
def output_size(n, f, stride=1, padding="valid"):
    if padding == "same":
        return len(range(0, n, stride))
    places = [start for start in range(0, n, stride) if start + f <= n]
    if not places:
        raise ValueError("the filter is larger than the image")
    return len(places)

# %% another="count-layers-answer"
def conv_params(m, n, c_in, c_out, bias=True):
    return np.zeros((m, n, c_in, c_out)).size + (c_out if bias else 0)

def dense_params(inputs, units, bias=True):
    return conv_params(1, 1, inputs, units, bias)

def batch_norm_params(channels):
    return [4 * channels, 2 * channels]

# %% wrong="count-table-answer"
def layer_table(layers, shape=(32, 32, 3)):
    # Treats every layer as a convolution.
    rows = []
    for layer in layers:
        size = layer.get("size", 1)
        shape = (shape[0] - size + 1, shape[1] - size + 1, layer.get("filters", 1))
        rows.append((layer["kind"], shape, size * size, size * size))
    return rows

# %% wrong="count-field-answer"
def receptive_field(layers):
    # Forgets the strides.
    field, fields = 1, []
    for layer in layers:
        field += layer.get("size", 1) - 1
        fields.append(field)
    return fields
