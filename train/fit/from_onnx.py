"""VGG16's convolutions out of an ONNX file -> features that `fit --init` takes.

    python -m train.from_onnx MODEL.onnx features.safetensors --licence TEXT --note TEXT

The file is one that Keras' VGG16 was exported to, with or without its head. Its kernels take blue,
green and red from 0 to 255 less a mean; here they are rewritten for the input that torchvision's
VGG16 takes, so that the same film gives the same features. Needs `pip install onnx`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import save_file
from torch import nn
from torchvision.models import vgg16

from bonefx.errors import RecipeError
from train.files import write_atomically

KERAS_MEAN_BGR = (103.939, 116.779, 123.68)  # of ImageNet, in grey levels
TORCHVISION_MEAN_RGB = (0.485, 0.456, 0.406)  # of torchvision's input
TORCHVISION_STD_RGB = (0.229, 0.224, 0.225)

StateDict = dict[str, torch.Tensor]


def convert_features(
    layers: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> StateDict:
    """Name VGG16's convolutions as torchvision does, and rewrite the first one's input.

    Args:
        layers: Kernel (C, D, 3, 3) and bias (C,) of the 13 convolutions, in their order; the first
            one's D is blue, green, red.

    Raises:
        RecipeError: They are not those of VGG16.
    """
    convolutions = {
        name: layer for name, layer in vgg16().features.named_modules()
        if isinstance(layer, nn.Conv2d)
    }  # fmt: skip
    shapes = [tuple(layer.weight.shape) for layer in convolutions.values()]
    if [kernel.shape for kernel, _ in layers] != shapes:
        raise RecipeError("these are not VGG16's 13 convolutions; export Keras' VGG16 to ONNX")
    first = _convert_first_layer(*(torch.from_numpy(np.array(part)) for part in layers[0]))
    rest = [tuple(torch.from_numpy(np.array(part)) for part in layer) for layer in layers[1:]]
    return {
        f"features.{name}.{part}": value.contiguous()
        for name, layer in zip(convolutions, [first, *rest], strict=True)
        for part, value in zip(("weight", "bias"), layer, strict=True)
    }


def _convert_first_layer(
    kernel: torch.Tensor, bias: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Fold Keras' input, 255 * BGR - mean, into a kernel that takes torchvision's."""
    mean = torch.tensor(KERAS_MEAN_BGR).flip(0)
    scale, offset = (
        255 * torch.tensor(TORCHVISION_STD_RGB),
        255 * torch.tensor(TORCHVISION_MEAN_RGB) - mean,
    )
    rgb = kernel.flip(1)
    return rgb * scale[None, :, None, None], bias + (rgb.sum((2, 3)) * offset).sum(1)


def read_convolutions(path: Path) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Read the convolutions of an ONNX file, in the order in which they run."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    names = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
    return [
        (numpy_helper.to_array(values[kernel]), numpy_helper.to_array(values[bias]))
        for kernel, bias in names
    ]


def main(argv: Sequence[str] | None = None) -> None:
    """Write the features with what a card must say about them."""
    parser = argparse.ArgumentParser(prog="from_onnx", description=__doc__)
    parser.add_argument("model", type=Path, metavar="MODEL.onnx")
    parser.add_argument("out", type=Path, metavar="FEATURES.safetensors")
    parser.add_argument("--licence", required=True, metavar="TEXT")
    parser.add_argument("--note", required=True, metavar="TEXT")
    options = parser.parse_args(argv)
    state = convert_features(read_convolutions(options.model))
    facts = {"licence": options.licence, "note": options.note}
    write_atomically(options.out, lambda part: save_file(state, part, metadata=facts))


if __name__ == "__main__":
    main()
