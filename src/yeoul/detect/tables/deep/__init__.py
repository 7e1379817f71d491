"""Scorers that train networks: Keras 3 on JAX (extra `deep`), imported when something is fitted or loaded.

Training runs Keras' own `fit`; what stands around it is preparation (gaps, scaling, windows) and reading of errors.
"""
