"""Quantizes a model with ONNX Runtime's own `quantize_static`, at the settings that Wayside is compared at.

    python ort_quantize_static.py MODEL IMAGES OUT --method MinMax

QDQ, unsigned activations, signed symmetric weights, one scale a channel, after `quant_pre_process` (which folds BatchNorm).
IMAGES is an .npy file with the calibration images as float32 [N, 3, H, W], preprocessed already, or a .json file that names
picture files and how to preprocess them: {"files", "shorterSide", "size", "mean", "std", "channels"}.
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


def ready(path):
    """Images of an .npy file, one at a time, read as they are needed."""
    for image in numpy.load(path, mmap_mode="r"):
        yield numpy.ascontiguousarray(image)


def decoded(path):
    """Picture files: decoded, shorter side to a size, the centre cut out, normalised."""
    from PIL import Image, ImageOps

    with open(path) as file:
        how = json.load(file)
    height, width = how["size"]
    mean, std = (numpy.array(how[key], numpy.float32)[:, None, None] for key in ("mean", "std"))
    for name in how["files"]:
        picture = ImageOps.exif_transpose(Image.open(name)).convert("RGB")
        shrink = how["shorterSide"] / min(picture.size)
        full = tuple(max(how["shorterSide"], int(side * shrink)) for side in picture.size)
        left, top = round((full[0] - width) / 2), round((full[1] - height) / 2)
        pixels = picture.resize(full, Image.Resampling.BILINEAR).crop((left, top, left + width, top + height))
        planes = (numpy.asarray(pixels, numpy.float32).transpose(2, 0, 1) / 255 - mean) / std
        yield numpy.ascontiguousarray(planes[::-1] if how["channels"] == "BGR" else planes)


class Images(CalibrationDataReader):
    """One image at a time, in a batch of its own."""

    def __init__(self, path, name):
        self.images = decoded(path) if path.endswith(".json") else ready(path)
        self.name = name

    def get_next(self):
        image = next(self.images, None)
        return None if image is None else {self.name: image[None]}


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
