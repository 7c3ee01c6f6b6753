"""What the notebooks of the course import: data, training, plots and checks."""

import os

__version__ = "1.0.0"

# TensorFlow chooses oneDNN's convolutions by itself on newer processors only. On an older one,
# 11's networks train three times as fast with them. TensorFlow looks here when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
