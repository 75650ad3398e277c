"""The devices that a training computes on: one, or all that JAX sees, by Keras' distribution."""

import contextlib
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from emotion import model
from emotion.errors import EmotionError
from emotion.training.processes import Processes


class Devices:
    """One device, which needs nothing to be said; and what several of them have in common."""

    count = 1

    def __init__(self, processes: Processes | None = None) -> None:
        self.processes = processes or Processes()

    def scope(self) -> contextlib.AbstractContextManager[object]:
        """Where networks are built that all devices train."""
        return contextlib.nullcontext()

    def compiled(self, computed: Callable) -> Callable:
        """`computed` under JAX; its results are whole on every device."""
        import jax

        return jax.jit(computed)

    def spread(self, batch: NDArray) -> Any:
        """A batch, each device having its part of it."""
        return batch

    def predict(self, network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        """As `model.predict`, for a network that was built within `scope`."""
        return model.predict(network, images)


class SeveralDevices(Devices):
    """`devices`, by Keras' names, of all processes: the same weights on each, other images."""

    def __init__(self, devices: list[str], processes: Processes) -> None:
        super().__init__(processes)
        self.count = len(devices)
        self._parallel = keras.distribution.DataParallel(devices=devices)
        mesh = self._parallel.device_mesh
        self._whole = keras.distribution.TensorLayout([], mesh).backend_layout
        self._predictors: dict[int, Callable] = {}

    def scope(self) -> contextlib.AbstractContextManager[object]:
        return self._parallel.scope()

    def compiled(self, computed: Callable) -> Callable:
        import jax

        return jax.jit(computed, out_shardings=self._whole)

    def spread(self, batch: NDArray) -> Any:
        """The last batch of an epoch, where it cannot be divided, is computed by every device."""
        import jax

        divides = len(batch) % self.count == 0
        layout = self._parallel.get_data_layout(batch.shape).backend_layout
        chosen = layout if divides else self._whole
        return jax.make_array_from_callback(batch.shape, chosen, lambda part: batch[part])

    def predict(self, network: keras.Model, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        def asked(trainable: Any, rest: Any, images: Any) -> Any:
            return network.stateless_call(trainable, rest, images, training=False)[0]

        asking = self._predictors.setdefault(id(network), self.compiled(asked))
        groups = network.trainable_variables, network.non_trainable_variables
        weights = [[variable.value for variable in group] for group in groups]
        parts = [
            np.asarray(asking(*weights, self.spread(batch[..., None])))
            for batch in model.batches(images)
        ]
        return np.concatenate(parts).astype(np.float32)


ONE = Devices()


def visible(processes: Processes, batch_size: int) -> tuple[Devices, str]:
    """All devices that Keras' back end sees, and a line about those that take no part, or "".

    Raises EmotionError when a batch cannot be divided among the devices of several processes.
    """
    back_end = keras.backend.backend()
    if back_end != "jax":
        return Devices(), _idle(back_end)
    names = keras.distribution.list_devices()
    if len(names) == 1:
        return Devices(), ""
    count = max(n for n in range(1, len(names) + 1) if batch_size % n == 0)
    if count == len(names):
        return SeveralDevices(names, processes), ""
    near = batch_size // len(names) * len(names) or len(names)
    if processes.count > 1:
        raise EmotionError(
            f"BATCH_SIZE={batch_size} must be a multiple of {len(names)}, the devices of all "
            f"processes: give {near} or {near + len(names)}"
        )
    told = (
        f"{count} of {len(names)} devices take part, as BATCH_SIZE={batch_size} is no multiple of "
        f"more of them: {near} is"
    )
    return SeveralDevices(names[:count], processes) if count > 1 else Devices(), told


def _idle(back_end: str) -> str:
    if back_end == "torch":
        import torch

        count = torch.cuda.device_count()
    else:
        count = len(keras.distribution.list_devices("gpu"))
    return f"1 of {count} GPUs takes part: KERAS_BACKEND=jax uses all of them" if count > 1 else ""
