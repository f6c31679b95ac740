"""Small networks of convolutions."""

import torch
from torch import nn
from torch.nn import functional as F

from network_parts import Network, conv_norm


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
