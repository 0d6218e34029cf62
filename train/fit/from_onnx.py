"""Convert the convolutions of a Keras VGG16 in ONNX format to features for `fit --init`.

    python -m train.fit.from_onnx MODEL.onnx features.safetensors --licence TEXT --note TEXT

The input is an ONNX export of Keras' VGG16, with or without its head. Its kernels expect blue,
green and red from 0 to 255 minus a mean. They are converted to the input of torchvision's VGG16, so
that the same film gives the same features.
"""

from __future__ import annotations

import argparse
import sys
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

KERAS_MEAN_BGR = (103.939, 116.779, 123.68)  # ImageNet mean of Keras' VGG16, in grey levels
TORCHVISION_MEAN_RGB = (0.485, 0.456, 0.406)  # mean of torchvision's input, in [0, 1]
TORCHVISION_STD_RGB = (0.229, 0.224, 0.225)

StateDict = dict[str, torch.Tensor]


def convert_features(
    layers: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
) -> StateDict:
    """Convert VGG16's convolutions to torchvision's names and input.

    Args:
        layers: Kernel (C, D, 3, 3) and bias (C,) of the 13 convolutions, in order; D of the first
            one is blue, green, red.

    Raises:
        RecipeError: The shapes are not those of VGG16.
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
    """Convert a kernel for Keras' input, 255 * BGR - mean, to torchvision's normalised RGB."""
    mean = torch.tensor(KERAS_MEAN_BGR).flip(0)
    scale, offset = (
        255 * torch.tensor(TORCHVISION_STD_RGB),
        255 * torch.tensor(TORCHVISION_MEAN_RGB) - mean,
    )
    rgb = kernel.flip(1)
    return rgb * scale[None, :, None, None], bias + (rgb.sum((2, 3)) * offset).sum(1)


def read_convolutions(path: Path) -> list[tuple[NDArray[np.float32], NDArray[np.float32]]]:
    """Read the kernels and biases of all convolutions of an ONNX file, in execution order."""
    import onnx
    from onnx import numpy_helper

    graph = onnx.load(path).graph
    values = {tensor.name: tensor for tensor in graph.initializer}
    names = [node.input[1:3] for node in graph.node if node.op_type == "Conv"]
    return [
        (numpy_helper.to_array(values[kernel]), numpy_helper.to_array(values[bias]))
        for kernel, bias in names
    ]


def main(argv: Sequence[str] | None = None) -> int:
    """Convert an ONNX file; store licence and note, which the model card states, as metadata."""
    parser = argparse.ArgumentParser(
        prog="python -m train.fit.from_onnx",
        description="Convert the convolutions of a Keras VGG16 in ONNX format for `fit --init`.",
    )
    parser.add_argument("model", type=Path, metavar="MODEL.onnx", help="ONNX file to read")
    parser.add_argument(
        "out", type=Path, metavar="FEATURES.safetensors", help="safetensors file to write"
    )
    parser.add_argument(
        "--licence",
        required=True,
        metavar="TEXT",
        help="licence of the weights, for the model card",
    )
    parser.add_argument(
        "--note", required=True, metavar="TEXT", help="origin of the weights, for the model card"
    )
    options = parser.parse_args(argv)
    state = convert_features(read_convolutions(options.model))
    facts = {"licence": options.licence, "note": options.note}
    write_atomically(options.out, lambda part: save_file(state, part, metadata=facts))
    return 0


if __name__ == "__main__":
    sys.exit(main())
