"""Quantizes a model with ONNX Runtime's own `quantize_static`, at the settings that Wayside is compared at.

    python ort_quantize_static.py MODEL IMAGES.npy OUT --method MinMax

QDQ, unsigned activations, signed symmetric weights, one scale a channel, after `quant_pre_process` (which folds BatchNorm).
IMAGES.npy holds the calibration images as float32 [N, 3, H, W], preprocessed already.
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

import numpy
import onnxruntime
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process


class Images(CalibrationDataReader):
    """One image at a time, read from the file as it is needed."""

    def __init__(self, path, name):
        self.images = numpy.load(path, mmap_mode="r")
        self.name = name
        self.next = 0

    def get_next(self):
        if self.next == len(self.images):
            return None
        image = numpy.ascontiguousarray(self.images[self.next : self.next + 1])
        self.next += 1
        return {self.name: image}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("images")
    parser.add_argument("out")
    parser.add_argument("--method", choices=["MinMax", "Entropy", "Percentile"], default="MinMax")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    onnxruntime.set_default_logger_severity(3)

    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(sys.stderr):
        folded = os.path.join(folder, "folded.onnx")
        quant_pre_process(arguments.model, folded)
        preprocessed = time.monotonic()
        session = onnxruntime.InferenceSession(folded, providers=["CPUExecutionProvider"])
        name = session.get_inputs()[0].name
        del session
        quantize_static(
            folded,
            arguments.out,
            Images(arguments.images, name),
            quant_format=QuantFormat.QDQ,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            per_channel=True,
            calibrate_method=CalibrationMethod[arguments.method],
        )
    seconds = {"preprocess": preprocessed - started, "quantize": time.monotonic() - preprocessed}
    json.dump({"seconds": seconds}, sys.stdout)


if __name__ == "__main__":
    main()
