"""Writes ONNX's own backend test suite, one model a file, with what ONNX's checker and ONNX Runtime say of each.

usage: python onnx_suite.py FOLDER
"""

import json
import os
import sys
import warnings

import onnx
import onnxruntime
from onnx import TensorProto
from onnx.backend.test.case.node import collect_testcases

warnings.simplefilter("ignore")
onnxruntime.set_default_logger_severity(4)
options = onnxruntime.SessionOptions()
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.intra_op_num_threads = 1


def accepted(path):
    try:
        onnx.checker.check_model(path, full_check=True)
        onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    except Exception:
        return False
    return True


def shape_of(value):
    return list(value.dims) if isinstance(value, TensorProto) else list(getattr(value, "shape", ()))


folder = sys.argv[1]
index = []
for case in collect_testcases(""):
    path = os.path.join(folder, f"{case.name}.onnx")
    with open(path, "wb") as file:
        file.write(case.model.SerializeToString())
    outputs = {}
    for _, values in case.data_sets[:1]:
        for info, value in zip(case.model.graph.output, values):
            if info.type.HasField("tensor_type"):
                outputs[info.name] = shape_of(value)
    index.append({"path": path, "accepted": accepted(path), "outputs": outputs})
data = os.path.join(os.path.dirname(onnx.__file__), "backend", "test", "data")
for root, _, files in os.walk(data):
    for name in files:
        if name.endswith(".onnx"):
            path = os.path.join(root, name)
            index.append({"path": path, "accepted": accepted(path), "outputs": {}})
print(json.dumps({"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__, "models": index}))
