"""Ten small networks for CIFAR-10, written by both of PyTorch's exporters.

    python exported_networks.py CIFAR10_DIR OUT_DIR [--networks NAME...]

Their weights are random, their normalisations measured and their heads fitted on 2,000 training images by ridge regression: enough for
scores that mean something. OUT_DIR/NAME-torchscript.onnx has an open batch, OUT_DIR/NAME-dynamo.onnx a batch of one.
Prints one JSON object: {"networks": [NAME, ...]}.
"""

import argparse
import contextlib
import json
import logging
import os
import sys
import warnings

import numpy
import torch
from torch import nn
from torch.nn import functional as F

from attention_networks import ConvNext, Mixer, Swin, Vit
from convolutional_networks import DenseNet, EfficientNet, GoogleNet, MobileNetV3, ResNet, ShuffleNet
from network_parts import CLASSES

SEED = 1
FITTED = 2000
RIDGE = 1e-3

NETWORKS = {
    "ResNet": ResNet, "MobileNetV3": MobileNetV3, "EfficientNet": EfficientNet, "ViT": Vit, "Swin": Swin,
    "ConvNeXt": ConvNext, "DenseNet": DenseNet, "ShuffleNetV2": ShuffleNet, "GoogLeNet": GoogleNet, "MLP-Mixer": Mixer,
}


def training_images(folder):
    """Images as `--normalize imagenet` takes them, and their labels."""
    records = numpy.fromfile(os.path.join(folder, "data_batch_1.bin"), numpy.uint8, FITTED * 3073).reshape(-1, 3073)
    mean, std = (numpy.array(values, numpy.float32)[:, None, None] for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    images = (records[:, 1:].reshape(-1, 3, 32, 32).astype(numpy.float32) / 255 - mean) / std
    return torch.from_numpy(images), torch.from_numpy(records[:, 0].astype(numpy.int64))


def vary(network):
    """Normalisations as training leaves them: no two channels alike."""
    for module in network.modules():
        if isinstance(module, (nn.BatchNorm2d, nn.LayerNorm)):
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.2)


@torch.no_grad()
def fit(network, images, labels):
    vary(network)
    norms = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        norm.momentum = None  # the mean over all batches
    network.train()
    for batch in images.split(250):
        network.features(batch)
    network.eval()
    features = torch.cat([network.features(batch) for batch in images.split(250)]).double()
    targets = F.one_hot(labels, CLASSES).double() * 10
    mean = features.mean(0)
    centred = features - mean
    gram = centred.T @ centred
    gram += RIDGE * gram.diagonal().mean() * torch.eye(len(mean), dtype=gram.dtype)
    weights = torch.linalg.solve(gram, centred.T @ (targets - targets.mean(0)))
    network.head.weight.copy_(weights.T)
    network.head.bias.copy_(targets.mean(0) - mean @ weights)


def export(network, path, dynamo):
    image = torch.zeros(1, 3, 32, 32)
    names = {"input_names": ["input"], "output_names": ["logits"]}
    if dynamo:
        torch.onnx.export(network, (image,), path, dynamo=True, external_data=False, verbose=False, **names)
    else:
        axes = {"input": {0: "batch"}, "logits": {0: "batch"}}
        torch.onnx.export(network, (image,), path, dynamo=False, opset_version=17, dynamic_axes=axes, **names)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cifar10")
    parser.add_argument("out")
    parser.add_argument("--networks", nargs="+", choices=NETWORKS, default=list(NETWORKS))
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    images, labels = training_images(arguments.cifar10)
    with contextlib.redirect_stdout(sys.stderr):
        for name in arguments.networks:
            torch.manual_seed(SEED)
            network = NETWORKS[name]()
            fit(network, images, labels)
            for exporter in ("torchscript", "dynamo"):
                export(network, os.path.join(arguments.out, f"{name}-{exporter}.onnx"), exporter == "dynamo")
    json.dump({"networks": arguments.networks}, sys.stdout)


if __name__ == "__main__":
    main()
