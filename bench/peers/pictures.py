"""Calibration pictures as the harness hands them to every peer: one at a time, preprocessed.

PATH is an .npy file with float32 [N, 3, H, W], preprocessed already, or a .json file that names picture files and how to
preprocess them: {"files", "shorterSide", "size", "mean", "std", "channels"}.
"""

import json

import numpy


def ready(path):
    """Pictures of an .npy file, read as they are needed."""
    for picture in numpy.load(path, mmap_mode="r"):
        yield numpy.ascontiguousarray(picture)


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


def pictures(path):
    """Arrays of float32 [1, 3, H, W]."""
    for picture in decoded(path) if path.endswith(".json") else ready(path):
        yield picture[None]


def count(path):
    """How many pictures there are."""
    if path.endswith(".json"):
        with open(path) as file:
            return len(json.load(file)["files"])
    return len(numpy.load(path, mmap_mode="r"))
