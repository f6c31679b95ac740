"""What the small networks have in common."""

from torch import nn

CLASSES = 10


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


def mlp(width, hidden):
    return nn.Sequential(nn.Linear(width, hidden), nn.GELU(), nn.Linear(hidden, width))
