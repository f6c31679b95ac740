"""Small networks of attention and of products over tokens, and ConvNeXt, which takes their shape."""

import torch
from torch import nn

from network_parts import Network, mlp


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
