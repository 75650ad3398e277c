"""The training step under JAX, with everything that it changes staying on the device.

Keras' train_on_batch hands every weight back after each batch and waits for the loss: between two
short steps an accelerator then has nothing to do. By Keras' own stateless functions, as its guide
to training loops in JAX has them.
"""

from collections.abc import Callable
from typing import Any

import keras
from keras import KerasTensor, ops
from numpy.typing import NDArray

from emotion.training.devices import ONE, Devices


class JaxStep:
    """Batch after batch for a compiled `model`; the answers need not be worked out yet.

    `loss` and `right` of targets and outputs are (batch,). `settle` puts what was learnt into the
    model's variables; what is changed there is seen after it.
    """

    def __init__(
        self,
        model: keras.Model,
        loss: Callable[[KerasTensor, KerasTensor], KerasTensor],
        right: Callable[[KerasTensor, KerasTensor], KerasTensor],
        devices: Devices = ONE,
    ) -> None:
        self._model, self._loss, self._right, self._devices = model, loss, right, devices
        self._state: list[list[Any]] | None = None
        self.trace()

    def trace(self) -> None:
        """Forget the compiled step, as what it was made of has changed."""
        self._step = self._devices.compiled(self._computed)

    def __call__(self, images: NDArray, targets: NDArray) -> tuple[Any, Any]:
        """Learn a batch; answers with its mean loss and its share of right answers."""
        if self._state is None:
            self._state = [[one.value for one in group] for group in self._groups()]
        spread = self._devices.spread(images), self._devices.spread(targets)
        *found, self._state = self._step(self._state, *spread)
        return found[0], found[1]

    def settle(self) -> None:
        """Write the state into the model's variables, and read it from them before the next."""
        for group, values in zip(self._groups(), self._state or [], strict=False):
            for variable, value in zip(group, values, strict=True):
                variable.assign(value)
        self._state = None

    def _groups(self) -> tuple[list[Any], ...]:
        model = self._model
        return (
            model.trainable_variables,
            model.non_trainable_variables,
            model.optimizer.variables,
        )

    def _computed(self, state: Any, images: Any, targets: Any) -> tuple[Any, Any, list[Any]]:
        import jax

        trainable, rest, optimiser = state

        def value(trainable: Any) -> Any:
            outputs, changed = self._model.stateless_call(trainable, rest, images, training=True)
            return ops.mean(self._loss(targets, outputs)), (outputs, changed)

        (loss, (outputs, rest)), slopes = jax.value_and_grad(value, has_aux=True)(trainable)
        trainable, optimiser = self._model.optimizer.stateless_apply(optimiser, slopes, trainable)
        right = ops.mean(self._right(targets, outputs))
        return loss, right, [trainable, rest, optimiser]
