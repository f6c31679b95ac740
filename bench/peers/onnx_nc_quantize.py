"""Quantizes a model with onnx-neural-compressor, the successor of Intel Neural Compressor's adaptor for ONNX Runtime.

    python onnx_nc_quantize.py MODEL PICTURES OUT [--per-channel]

Static, everything else left to it but for one scale a channel with --per-channel. PICTURES is read by `pictures.py`; all of
them are used. Version 1.0 ends with an AssertionError in `topological_sort` for nodes without a name, which ONNX allows: they
are given one first.
"""

import argparse
import os
import tempfile

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnx
from onnx_neural_compressor import data_reader
from onnx_neural_compressor.quantization import config, quantize

from pictures import count, pictures


class Reader(data_reader.CalibrationDataReader):
    """One picture at a time, in a batch of its own."""

    def __init__(self, path, name):
        self.path, self.name = path, name
        self.rewind()

    def rewind(self):
        self.left = pictures(self.path)

    def get_next(self):
        picture = next(self.left, None)
        return None if picture is None else {self.name: picture}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("pictures")
    parser.add_argument("out")
    parser.add_argument("--per-channel", action="store_true")
    arguments = parser.parse_args()

    model = onnx.load(arguments.model)
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"node{index}"
    settings = config.StaticQuantConfig(
        Reader(arguments.pictures, model.graph.input[0].name),
        calibration_sampling_size=count(arguments.pictures),
        per_channel=arguments.per_channel,
    )
    with tempfile.TemporaryDirectory() as folder:
        named, quantized = (os.path.join(folder, name) for name in ("named.onnx", "quantized.onnx"))
        onnx.save(model, named)
        quantize(named, quantized, settings)
        onnx.save(onnx.load(quantized), arguments.out)  # one file: the package writes the weights beside it


if __name__ == "__main__":
    main()
