"""Warm kernels and judges: walled processes that start with TensorFlow already loaded."""
