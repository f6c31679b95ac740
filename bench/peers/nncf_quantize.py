"""Quantizes a model with NNCF's post-training quantization on its ONNX backend.

    python nncf_quantize.py MODEL PICTURES OUT [--best]

Without --best everything that NNCF decides is left to it: the preset for performance (symmetric activations), fast bias
correction, the file as it is. With it: BatchNorm folded first by ONNX Runtime's `quant_pre_process` (so that there are biases
to correct), the mixed preset (asymmetric activations) and the slower bias correction, layer by layer.
PICTURES is read by `pictures.py`; all of them are used.
"""

import argparse
import os
import tempfile

os.environ["NNCF_CI"] = "1"  # no telemetry
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import nncf
import onnx
from onnxruntime.quantization.shape_inference import quant_pre_process

from pictures import count, pictures


class Source:
    """The pictures anew, every time that they are asked for."""

    def __init__(self, path):
        self.path = path

    def __iter__(self):
        return pictures(self.path)


def folded(path):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "folded.onnx")
        quant_pre_process(path, out)
        return onnx.load(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pictures")
    parser.add_argument("out")
    parser.add_argument("--best", action="store_true")
    arguments = parser.parse_args()

    model = folded(arguments.model) if arguments.best else onnx.load(arguments.model)
    name = model.graph.input[0].name
    best = {"preset": nncf.QuantizationPreset.MIXED, "fast_bias_correction": False} if arguments.best else {}
    data = nncf.Dataset(Source(arguments.pictures), lambda picture: {name: picture})
    onnx.save(nncf.quantize(model, data, subset_size=count(arguments.pictures), **best), arguments.out)


if __name__ == "__main__":
    main()
