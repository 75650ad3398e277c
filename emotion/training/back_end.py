"""What computes: Keras and the back end that it uses."""

import os
from importlib import metadata as packages
from types import ModuleType

from emotion.errors import EmotionError
from emotion.quiet import silent_keras


def loaded() -> ModuleType:
    """Keras, without its chatter. Raises EmotionError when its back end is not installed."""
    try:
        with silent_keras():
            import keras
    except ImportError as error:
        raise EmotionError(
            f"Keras cannot start ({error}): pip install -r requirements.txt, which brings "
            "TensorFlow, or pip install jax, or torch; KERAS_BACKEND says which of them computes"
        ) from error
    return keras


def words() -> str:
    """Keras' back end and its devices, in words. Raises what `loaded` raises."""
    keras = loaded()
    with silent_keras():
        keras.ops.ones(1)  # the first use of a device is what talks
    name = keras.backend.backend()
    try:
        devices = ", ".join(keras.distribution.list_devices()) or "cpu"
    except AttributeError:  # the torch back end has no such list
        devices = str(keras.ops.ones(1).device)
    version = packages.version(name)
    return f"Keras {keras.__version__} on {name} {version}, {devices}, {os.cpu_count()} cores"
