"""Makes steady.tflite, which answers happy 0.9 for any crop: python tests/make_steady_model.py

It is kept as a file so that the tests of recognition need no TensorFlow.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
import numpy as np
import tensorflow as tf

from emotion import model_file

PROBABILITIES = (0.02, 0.01, 0.01, 0.9, 0.02, 0.01, 0.03)

image = keras.Input((48, 48, 1))
dense = keras.layers.Dense(7, activation="softmax")
model = keras.Model(image, dense(keras.layers.GlobalAveragePooling2D()(image)))
dense.set_weights([np.zeros((1, 7)), np.log(PROBABILITIES)])
path = Path(__file__).with_name("steady.tflite")
path.write_bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())
model_file.attach(path, model_file.FER2013, {"size": 48})
