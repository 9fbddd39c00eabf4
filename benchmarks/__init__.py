"""Timings beside Keras, PyTorch, JAX and hmmlearn: run ``python -m benchmarks.layers`` etc."""
