"""Quantizes a model with Intel Neural Compressor 2.6, the last that came with an adaptor for ONNX Runtime and still installs.

    python inc_quantize.py MODEL PICTURES OUT

Static, everything else left to it. PICTURES is read by `pictures.py`; all of them are used.
It leaves a workspace in the current folder: that is a temporary one here.
"""

import os
import sys
import tempfile

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

from neural_compressor import PostTrainingQuantConfig, quantization

from pictures import count, pictures


class Loader:
    """Pictures and labels; no accuracy is asked for, so that the labels do not matter."""

    batch_size = 1

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        for picture in pictures(self.path):
            yield picture, 0


def main():
    model, images, out = (os.path.abspath(path) for path in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        config = PostTrainingQuantConfig(approach="static", calibration_sampling_size=[count(images)])
        quantized = quantization.fit(model, config, calib_dataloader=Loader(images))
        if quantized is None:
            sys.exit("neural_compressor.quantization.fit found no quantized model: see its log above")
        quantized.save(out)
        os.chdir("/")


if __name__ == "__main__":
    main()
