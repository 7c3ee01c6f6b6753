"""The course's use of walled processes: kernels and judges that start with TensorFlow loaded."""
