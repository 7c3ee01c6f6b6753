"""What the course's notebooks import."""

import os

# TensorFlow chooses oneDNN's convolutions by itself on newer processors only. On an older one,
# 11's networks train three times as fast with them. TensorFlow looks here when it is imported.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
