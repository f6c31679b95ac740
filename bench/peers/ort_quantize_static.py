"""Quantizes a model with ONNX Runtime's own `quantize_static`, at the settings that Wayside is compared at.

    python ort_quantize_static.py MODEL IMAGES OUT --method MinMax [--defaults]

QDQ, unsigned activations, signed symmetric weights, one scale a channel, after `quant_pre_process` (which folds BatchNorm). A model of an
operator set below 13, which knows no scales a channel, is converted to 17 first.
With --defaults the types and the granularity are the peer's own instead: signed activations, one scale a tensor.
IMAGES is read by `pictures.py`; all of them are used.
Prints one JSON object: {"seconds": {"preprocess": s, "quantize": s}}.
"""

import argparse
import contextlib
import json
import logging
import os
import sys
import tempfile
import time

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnx
import onnxruntime
from onnx import version_converter
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process

from pictures import pictures


# From 13 on QuantizeLinear has an axis.
OLDEST_OPSET = 13
OPSET = 17


def recent(path, folder):
    """The model, of an operator set that the quantizer can write scales a channel for."""
    model = onnx.load(path)
    opset = next(entry.version for entry in model.opset_import if entry.domain in ("", "ai.onnx"))
    if opset >= OLDEST_OPSET:
        return path
    converted = os.path.join(folder, "converted.onnx")
    onnx.save(version_converter.convert_version(model, OPSET), converted)
    return converted


class Images(CalibrationDataReader):
    """One image at a time, in a batch of its own."""

    def __init__(self, path, name):
        self.images = pictures(path)
        self.name = name

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {self.name: image}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("images")
    parser.add_argument("out")
    parser.add_argument("--method", choices=["MinMax", "Entropy", "Percentile"], default="MinMax")
    parser.add_argument("--defaults", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        folded = os.path.join(folder, "folded.onnx")
        quant_pre_process(recent(arguments.model, folder), folded)
        preprocessed = time.monotonic()
        session = onnxruntime.InferenceSession(folded, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        del session
        unsigned = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8, "per_channel": True}
        quantize_static(
            folded,
            arguments.out,
            Images(arguments.images, name),
            quant_format=QuantFormat.QDQ,
            **({} if arguments.defaults else unsigned),
            calibrate_method=CalibrationMethod[arguments.method],
        )
    seconds = {"preprocess": preprocessed - started, "quantize": time.monotonic() - preprocessed}
    json.dump({"seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
