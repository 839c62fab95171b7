"""Colours and sizes shared by all renderers: a light and a dark palette."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "DARK",
    "FONTS",
    "LIGHT",
    "THEMES",
    "Theme",
    "ThemeName",
    "contrast",
    "edge_width",
    "gradient_fill",
    "group_fill",
    "mix",
]

ThemeName = Literal["light", "dark"]

# Viewers and dot use the first family they have; the last ones before sans-serif cover Chinese, Japanese and Korean.
FONTS = (
    "Helvetica,Arial,DejaVu Sans,Noto Sans CJK SC,PingFang SC,Microsoft YaHei,"
    "Hiragino Sans GB,WenQuanYi Micro Hei,sans-serif"
)


@dataclass(frozen=True, slots=True)
class Theme:
    """A palette; every colour is written ``#RRGGBB``."""

    name: ThemeName
    background: str
    foreground: str
    muted: str
    line: str
    positive: str
    negative: str
    positive_fill: str
    negative_fill: str
    positive_text: str
    negative_text: str
    node: str
    zero: str
    dim: str
    dim_text: str
    frame: str
    active: str
    active_fill: str


# Orange and blue stay apart for every kind of colour blindness; the sign is printed beside them all the same.
LIGHT = Theme(
    name="light",
    background="#FFFFFF",
    foreground="#1B1F24",
    muted="#57606A",
    line="#6E7781",
    positive="#D55E00",
    negative="#0072B2",
    positive_fill="#FFE3CF",
    negative_fill="#D3E8F8",
    positive_text="#A34700",
    negative_text="#005A8E",
    node="#FFFFFF",
    zero="#F3F4F6",
    dim="#D0D7DE",
    dim_text="#6E7781",
    frame="#F5F7F9",
    active="#7A3E9D",
    active_fill="#F3E6FA",
)
DARK = Theme(
    name="dark",
    background="#0D1117",
    foreground="#E6EDF3",
    muted="#A9B1BA",
    line="#8B949E",
    positive="#F0883E",
    negative="#58A6FF",
    positive_fill="#4A2A12",
    negative_fill="#12365C",
    positive_text="#FFB77C",
    negative_text="#9CCBFF",
    node="#161B22",
    zero="#21262D",
    dim="#30363D",
    dim_text="#848D97",
    frame="#11161D",
    active="#D2A8FF",
    active_fill="#3B2457",
)
THEMES: dict[ThemeName, Theme] = {theme.name: theme for theme in (LIGHT, DARK)}


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def mix(start: str, end: str, share: float) -> str:
    """Return the colour ``share`` of the way from ``start`` (0) to ``end`` (1), channel by channel.

    >>> mix("#000000", "#FFFFFF", 0.5)
    '#808080'
    """
    channels = (a + (b - a) * share for a, b in zip(_channels(start), _channels(end), strict=True))
    return "#" + "".join(f"{math.floor(channel + 0.5):02X}" for channel in channels)


def contrast(first: str, second: str) -> float:
    """Return the contrast ratio of two colours, 1 to 21 (WCAG 2.2, relative luminance of sRGB).

    >>> round(contrast("#000000", "#FFFFFF"), 2)
    21.0
    """
    dark, light = sorted((_luminance(first), _luminance(second)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(channel: float) -> float:
    return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)


def gradient_fill(theme: Theme, gradient: float | None, largest: float) -> str:
    """Return the fill of a card: hue by the sign of ``gradient``, strength by its share of ``largest``.

    Args:
        theme: the palette.
        gradient: the node's gradient, or None where none has been computed.
        largest: the largest finite magnitude of a gradient in the picture.

    >>> gradient_fill(LIGHT, None, 1.0), gradient_fill(LIGHT, 0.0, 1.0), gradient_fill(LIGHT, -2.0, 2.0)
    ('#FFFFFF', '#F3F4F6', '#D3E8F8')
    """
    if gradient is None:
        return theme.node
    if gradient == 0.0 or math.isnan(gradient):
        return theme.zero
    full = theme.positive_fill if gradient > 0.0 else theme.negative_fill
    return mix(theme.node, full, 0.25 + 0.75 * _share(gradient, largest))


def group_fill(theme: Theme, norm: float | None, largest: float) -> str:
    """Return the fill of a card for a group: the norm of its gradients has a size and no sign.

    >>> group_fill(LIGHT, None, 1.0), group_fill(LIGHT, 2.0, 2.0)
    ('#FFFFFF', '#F3E6FA')
    """
    if norm is None or norm == 0.0 or math.isnan(norm):
        return theme.node
    return mix(theme.node, theme.active_fill, 0.25 + 0.75 * _share(norm, largest))


def edge_width(contribution: float | None, largest: float) -> float:
    """Return the stroke width of an edge, 0.8 to 3, by the square root of its share of ``largest``.

    >>> edge_width(4.0, 4.0), edge_width(None, 4.0)
    (3.0, 0.8)
    """
    if contribution is None or contribution == 0.0 or math.isnan(contribution):
        return 0.8
    return 0.8 + 2.2 * _share(contribution, largest)


def _share(number: float, largest: float) -> float:
    """Return sqrt(|number| / largest), at most 1; an infinite number counts as the largest."""
    if math.isinf(number) or largest == 0.0:
        return 1.0
    return math.sqrt(min(1.0, abs(number) / largest))
