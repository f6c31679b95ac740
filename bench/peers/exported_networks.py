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

CLASSES = 10
SEED = 1
FITTED = 2000
RIDGE = 1e-3


class Network(nn.Module):
    """`features` gives a vector of `width`; the head is fitted afterwards."""

    def __init__(self, width):
        super().__init__()
        self.head = nn.Linear(width, CLASSES)

    def forward(self, x):
        return self.head(self.features(x))


def conv_norm(inputs, outputs, kernel=3, stride=1, groups=1, activation=nn.ReLU):
    layers = [
        nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
    ]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.first = conv_norm(inputs, outputs, stride=stride)
        self.second = conv_norm(outputs, outputs, activation=None)
        same = inputs == outputs and stride == 1
        self.shortcut = nn.Identity() if same else conv_norm(inputs, outputs, 1, stride, activation=None)

    def forward(self, x):
        return F.relu(self.second(self.first(x)) + self.shortcut(x))


class ResNet(Network):
    def __init__(self):
        super().__init__(64)
        self.stem = nn.Sequential(conv_norm(3, 16), nn.MaxPool2d(3, 2, 1))
        widths = [(16, 16, 1), (16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
        self.blocks = nn.Sequential(*(BasicBlock(*width) for width in widths))

    def features(self, x):
        return torch.flatten(F.adaptive_avg_pool2d(self.blocks(self.stem(x)), 1), 1)


class SqueezeExcite(nn.Module):
    def __init__(self, width, squeezed, activation, gate):
        super().__init__()
        self.reduce, self.expand = nn.Conv2d(width, squeezed, 1), nn.Conv2d(squeezed, width, 1)
        self.activation, self.gate = activation(), gate()

    def forward(self, x):
        return x * self.gate(self.expand(self.activation(self.reduce(F.adaptive_avg_pool2d(x, 1)))))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, expansion, stride, activation, gate, squeeze_activation, kernel=3):
        super().__init__()
        wide = inputs * expansion
        self.residual = inputs == outputs and stride == 1
        self.layers = nn.Sequential(
            conv_norm(inputs, wide, 1, activation=activation),
            conv_norm(wide, wide, kernel, stride, groups=wide, activation=activation),
            SqueezeExcite(wide, max(8, wide // 4), squeeze_activation, gate),
            conv_norm(wide, outputs, 1, activation=None),
        )

    def forward(self, x):
        return x + self.layers(x) if self.residual else self.layers(x)


class MobileNetV3(Network):
    def __init__(self):
        super().__init__(96)
        forms = [(16, 16, 2, 1, nn.ReLU), (16, 24, 3, 2, nn.ReLU), (24, 24, 3, 1, nn.Hardswish), (24, 40, 4, 2, nn.Hardswish)]
        self.layers = nn.Sequential(
            conv_norm(3, 16, stride=2, activation=nn.Hardswish),
            *(InvertedResidual(*form, nn.Hardsigmoid, nn.ReLU) for form in forms),
            conv_norm(40, 96, 1, activation=nn.Hardswish),
        )

    def features(self, x):
        return F.adaptive_avg_pool2d(self.layers(x), 1).flatten(1)


class EfficientNet(Network):
    def __init__(self):
        super().__init__(96)
        forms = [(16, 16, 1, 1), (16, 24, 4, 2), (24, 24, 4, 1), (24, 40, 4, 2)]
        self.layers = nn.Sequential(
            conv_norm(3, 16, stride=2, activation=nn.SiLU),
            *(InvertedResidual(*form, nn.SiLU, nn.Sigmoid, nn.SiLU, 5 if i % 2 else 3) for i, form in enumerate(forms)),
            conv_norm(40, 96, 1, activation=nn.SiLU),
        )

    def features(self, x):
        return self.layers(x).mean((2, 3))


def mlp(width, hidden):
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))


class Attention(nn.Module):
    """Of all tokens `[N, T, C]`, with a bias for each pair of them where one is given."""

    def __init__(self, width, heads, tokens=None):
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.bias = None if tokens is None else nn.Parameter(0.5 * torch.randn(heads, tokens, tokens))

    def forward(self, x, mask=None):
        batch, tokens, width = x.shape
        parts = self.qkv(x).reshape(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4)
        query, key, value = parts.unbind(0)
        scores = (query * (width // self.heads) ** -0.5) @ key.transpose(-2, -1)
        if self.bias is not None:
            scores = scores + self.bias.unsqueeze(0)
        if mask is not None:
            windows = mask.shape[0]
            scores = scores.view(-1, windows, self.heads, tokens, tokens) + mask.unsqueeze(1).unsqueeze(0)
            scores = scores.view(-1, self.heads, tokens, tokens)
        mixed = (scores.softmax(-1) @ value).transpose(1, 2).reshape(batch, tokens, width)
        return self.out(mixed)


class VitBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.before, self.attention = nn.LayerNorm(width), Attention(width, heads)
        self.between, self.mlp = nn.LayerNorm(width), mlp(width, 4 * width)

    def forward(self, x):
        x = x + self.attention(self.before(x))
        return x + self.mlp(self.between(x))


class Vit(Network):
    def __init__(self, width=64):
        super().__init__(width)
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.token = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.2 * torch.randn(1, 65, width))
        self.blocks = nn.Sequential(*(VitBlock(width, 4) for _ in range(3)))
        self.norm = nn.LayerNorm(width)

    def features(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(tokens.shape[0], -1, -1), tokens], 1) + self.positions
        return self.norm(self.blocks(tokens))[:, 0]


class SwinBlock(nn.Module):
    def __init__(self, width, side, window, shift):
        super().__init__()
        self.side, self.window, self.shift = side, window, shift
        self.before, self.attention = nn.LayerNorm(width), Attention(width, 4, window**2)
        self.between, self.mlp = nn.LayerNorm(width), mlp(width, 2 * width)
        regions = torch.zeros(1, side, side, 1)
        parts = (slice(0, -window), slice(-window, -shift), slice(-shift, None)) if shift else (slice(None),)
        for i, rows in enumerate(parts):
            for j, columns in enumerate(parts):
                regions[:, rows, columns] = 3 * i + j
        cut = self.cut(regions).squeeze(-1)
        self.register_buffer("mask", ((cut[:, None] - cut[:, :, None]) != 0) * -100.0 if shift else None)

    def cut(self, x):
        across = self.side // self.window
        x = x.view(-1, across, self.window, across, self.window, x.shape[-1])
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.window**2, x.shape[-1])

    def join(self, x):
        across = self.side // self.window
        x = x.view(-1, across, across, self.window, self.window, x.shape[-1])
        return x.permute(0, 1, 3, 2, 4, 5).reshape(-1, self.side, self.side, x.shape[-1])

    def forward(self, x):
        y = self.before(x)
        if self.shift:
            y = torch.roll(y, (-self.shift, -self.shift), (1, 2))
        y = self.join(self.attention(self.cut(y), self.mask))
        if self.shift:
            y = torch.roll(y, (self.shift, self.shift), (1, 2))
        x = x + y
        return x + self.mlp(self.between(x))


class Swin(Network):
    def __init__(self):
        super().__init__(64)
        self.patches = nn.Conv2d(3, 32, 2, 2)
        self.first = nn.Sequential(SwinBlock(32, 16, 4, 0), SwinBlock(32, 16, 4, 2))
        self.merged, self.merge = nn.LayerNorm(128), nn.Linear(128, 64, bias=False)
        self.second = nn.Sequential(SwinBlock(64, 8, 4, 0), SwinBlock(64, 8, 4, 2))
        self.norm = nn.LayerNorm(64)

    def features(self, x):
        x = self.first(self.patches(x).permute(0, 2, 3, 1))
        quarters = [x[:, 0::2, 0::2], x[:, 1::2, 0::2], x[:, 0::2, 1::2], x[:, 1::2, 1::2]]
        x = self.second(self.merge(self.merged(torch.cat(quarters, -1))))
        return self.norm(x).mean((1, 2))


class ConvNextBlock(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.spatial, self.norm, self.mlp = nn.Conv2d(width, width, 7, 1, 3, groups=width), nn.LayerNorm(width), mlp(width, 4 * width)
        self.scale = nn.Parameter(torch.full((width,), 0.5))

    def forward(self, x):
        y = self.mlp(self.norm(self.spatial(x).permute(0, 2, 3, 1))) * self.scale
        return x + y.permute(0, 3, 1, 2)


class ChannelNorm(nn.Module):
    """LayerNorm over the channels of an image."""

    def __init__(self, width):
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, x):
        return self.norm(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


class ConvNext(Network):
    def __init__(self):
        super().__init__(64)
        self.layers = nn.Sequential(
            nn.Conv2d(3, 32, 2, 2), ChannelNorm(32), ConvNextBlock(32), ConvNextBlock(32),
            ChannelNorm(32), nn.Conv2d(32, 64, 2, 2), ConvNextBlock(64), ConvNextBlock(64),
        )
        self.norm = nn.LayerNorm(64)

    def features(self, x):
        return self.norm(self.layers(x).mean((-2, -1)))


class DenseLayer(nn.Module):
    def __init__(self, inputs, growth):
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(inputs), nn.ReLU(), nn.Conv2d(inputs, 4 * growth, 1, bias=False),
            nn.BatchNorm2d(4 * growth), nn.ReLU(), nn.Conv2d(4 * growth, growth, 3, 1, 1, bias=False),
        )

    def forward(self, x):
        return torch.cat([x, self.layers(x)], 1)


class DenseNet(Network):
    def __init__(self):
        super().__init__(64)
        first = [DenseLayer(24 + 12 * i, 12) for i in range(4)]
        transition = [nn.BatchNorm2d(72), nn.ReLU(), nn.Conv2d(72, 28, 1, bias=False), nn.AvgPool2d(2, 2)]
        second = [DenseLayer(28 + 12 * i, 12) for i in range(3)]
        self.layers = nn.Sequential(
            conv_norm(3, 24, stride=2), *first, *transition, *second, nn.BatchNorm2d(64), nn.ReLU()
        )

    def features(self, x):
        return F.adaptive_avg_pool2d(self.layers(x), (1, 1)).flatten(1)


class ShuffleUnit(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        half, self.stride = outputs // 2, stride
        taken = inputs if stride == 2 else inputs // 2
        self.main = nn.Sequential(
            conv_norm(taken, half, 1), conv_norm(half, half, 3, stride, half, None), conv_norm(half, half, 1)
        )
        self.side = nn.Sequential(conv_norm(inputs, inputs, 3, 2, inputs, None), conv_norm(inputs, half, 1)) if stride == 2 else None

    def forward(self, x):
        if self.stride == 2:
            y = torch.cat([self.side(x), self.main(x)], 1)
        else:
            kept, taken = x.chunk(2, 1)
            y = torch.cat([kept, self.main(taken)], 1)
        batch, channels, height, width = y.shape
        return y.view(batch, 2, channels // 2, height, width).transpose(1, 2).reshape(batch, channels, height, width)


class ShuffleNet(Network):
    def __init__(self):
        super().__init__(96)
        units = [(16, 32, 2), (32, 32, 1), (32, 64, 2), (64, 64, 1)]
        self.layers = nn.Sequential(conv_norm(3, 16), *(ShuffleUnit(*unit) for unit in units), conv_norm(64, 96, 1))

    def features(self, x):
        return self.layers(x).mean([2, 3])


class Inception(nn.Module):
    def __init__(self, inputs, one, three, five, pooled):
        super().__init__()
        self.one = conv_norm(inputs, one, 1)
        self.three = nn.Sequential(conv_norm(inputs, three // 2, 1), conv_norm(three // 2, three))
        self.five = nn.Sequential(conv_norm(inputs, five // 2, 1), conv_norm(five // 2, five, 5))
        self.pooled = nn.Sequential(nn.MaxPool2d(3, 1, 1, ceil_mode=True), conv_norm(inputs, pooled, 1))

    def forward(self, x):
        return torch.cat([self.one(x), self.three(x), self.five(x), self.pooled(x)], 1)


class GoogleNet(Network):
    def __init__(self):
        super().__init__(96)
        self.layers = nn.Sequential(
            conv_norm(3, 16), nn.MaxPool2d(3, 2, ceil_mode=True), Inception(16, 8, 24, 8, 8),
            nn.AvgPool2d(3, 2, 1), Inception(48, 24, 40, 16, 16),
        )

    def features(self, x):
        return torch.flatten(F.adaptive_avg_pool2d(self.layers(x), (1, 1)), 1)


class MixerBlock(nn.Module):
    def __init__(self, tokens, width):
        super().__init__()
        self.before, self.tokens = nn.LayerNorm(width), mlp(tokens, 2 * tokens)
        self.between, self.channels = nn.LayerNorm(width), mlp(width, 2 * width)

    def forward(self, x):
        x = x + self.tokens(self.before(x).transpose(1, 2)).transpose(1, 2)
        return x + self.channels(self.between(x))


class Mixer(Network):
    def __init__(self):
        super().__init__(64)
        self.patches = nn.Conv2d(3, 64, 4, 4)
        self.blocks = nn.Sequential(*(MixerBlock(64, 64) for _ in range(3)))
        self.norm = nn.LayerNorm(64)

    def features(self, x):
        return self.norm(self.blocks(self.patches(x).flatten(2).transpose(1, 2))).mean(1)


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
