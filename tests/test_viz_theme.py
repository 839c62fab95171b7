"""Colours: readable in both themes, on every fill a card can have."""

from __future__ import annotations

import math

import pytest

from viz.dot import edge_colour, gradient_colour
from viz.theme import DARK, LIGHT, THEMES, contrast, edge_width, gradient_fill, group_fill

GRADIENTS = [sign * (step / 64) ** 2 for sign in (-1.0, 1.0) for step in range(1, 65)]


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("gradient", [None, 0.0, math.nan, math.inf, -math.inf, *GRADIENTS])
def test_every_text_has_contrast(theme, gradient):
    fill = gradient_fill(theme, gradient, 1.0)
    for text in (theme.foreground, theme.muted, gradient_colour(gradient, theme)):
        assert contrast(text, fill) >= 4.5, (text, fill)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
def test_text_on_groups_frames_and_the_background_has_contrast(theme):
    grounds = [group_fill(theme, norm, 1.0) for norm in (None, 0.0, math.nan, 1e-9, 0.1, 0.5, 1.0, math.inf)]
    for ground in (*grounds, theme.frame, theme.background):
        for text in (theme.foreground, theme.muted):
            assert contrast(text, ground) >= 4.5, (text, ground)


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("contribution", [None, 0.0, math.nan, 1.0, -1.0])
def test_edges_stand_out_from_the_background(theme, contribution):
    assert contrast(edge_colour(contribution, theme), theme.background) >= 3.0


def test_contrast_of_known_pairs():
    assert contrast("#FFFFFF", "#FFFFFF") == 1.0
    assert contrast("#777777", "#FFFFFF") == pytest.approx(4.48, abs=0.01)


def test_fill_grows_with_the_gradient():
    fills = [gradient_fill(LIGHT, gradient, 1.0) for gradient in (0.01, 0.1, 1.0)]
    assert fills[-1] == LIGHT.positive_fill
    assert contrast(fills[0], LIGHT.node) < contrast(fills[1], LIGHT.node) < contrast(fills[2], LIGHT.node)


@pytest.mark.parametrize("largest", [0.0, 1.0, 1e308, 5e-324])
def test_infinite_gradients_are_drawn_full(largest):
    assert gradient_fill(DARK, math.inf, largest) == DARK.positive_fill
    assert gradient_fill(DARK, -math.inf, largest) == DARK.negative_fill
    assert edge_width(-math.inf, largest) == pytest.approx(3.0)


def test_edge_width_stays_between_its_bounds():
    widths = [edge_width(contribution, 1.0) for contribution in (None, 0.0, math.nan, 1e-300, 0.25, 1.0)]
    assert widths == sorted(widths)
    assert (widths[0], widths[-1]) == (0.8, 3.0)
