"""The options of pictures and listings: declared once, and the same wherever they are taken."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, get_type_hints

import pytest

import viz
from autograd import Value
from viz.options import ListingOptions, PageOptions, PictureOptions

PICTURES: dict[str, Callable[..., object]] = {
    "draw_dot": viz.draw_dot,
    "to_dot": viz.to_dot,
    "to_svg": viz.to_svg,
    "draw": lambda root, **options: viz.draw(root, "/nowhere/picture.svg", **options),
}
TAKERS = [(getattr(viz, name), PictureOptions) for name in PICTURES] + [
    (viz.print_graph, ListingOptions),
    (viz.to_html, PageOptions),
    (viz.explore, PageOptions),
]


@pytest.mark.parametrize(("function", "kind"), TAKERS)
def test_signature_and_help_name_every_option(function: Callable[..., Any], kind: type):
    parameters = inspect.signature(function).parameters
    for name in get_type_hints(kind):
        assert parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
        assert f"\n    {name}: " in str(inspect.getdoc(function))
    assert "options" not in parameters
    assert "**options" not in str(function.__doc__)


def test_help_tells_defaults_and_choices():
    assert "theme: Literal['light', 'dark'] = 'light'" in str(inspect.signature(viz.draw)).replace("typing.", "")
    assert "theme: the colours. One of 'light', 'dark'.\n" in str(viz.draw.__doc__)
    assert "150 if None" in str(viz.to_svg.__doc__)


KNOWN = ", ".join(get_type_hints(PictureOptions))
BAD = [
    ({"them": "dark"}, TypeError, rf"unknown option 'them': the options are {KNOWN}; did you mean 'theme'\?$"),
    ({"colour": 1}, TypeError, rf"unknown option 'colour': the options are {KNOWN}$"),
    ({"theme": "sepia"}, ValueError, r"unknown theme 'sepia': choose one of light, dark$"),
    ({"theme": "Dark"}, ValueError, r"choose one of light, dark; did you mean 'dark'\?"),
    ({"theme": ["dark"]}, ValueError, r"choose one of light, dark$"),
    ({"limit": 0}, ValueError, "limit=0"),
    ({"limit": -1}, ValueError, "limit=-1"),
    ({"limit": True}, TypeError, "limit= takes a number of nodes"),
    ({"limit": "many"}, TypeError, "limit= takes a number of nodes, such as 150, not 'many'"),
    ({"parameters": [1.0]}, TypeError, "parameters= takes Values, not float"),
]


@pytest.mark.parametrize(("options", "error", "message"), BAD)
@pytest.mark.parametrize("name", PICTURES)
def test_a_wrong_option_or_value_is_refused_everywhere(name, options, error, message):
    with pytest.raises(error, match=message):
        PICTURES[name](Value(1.0), **options)


def test_a_listing_takes_its_own_options(capsys):
    w, x = Value(2.0, "w"), Value(3.0, "x")
    viz.print_graph(w * x, parameters=(parameter for parameter in [w]))
    origins = [line.split()[2] for line in capsys.readouterr().out.splitlines()[1:3]]
    assert origins == ["parameter", "input"]
    with pytest.raises(TypeError, match=r"unknown option 'theme': the options are parameters, .*style, limit"):
        viz.print_graph(x, theme="dark")
    assert capsys.readouterr().out == ""


def test_parameters_may_be_an_iterator():
    w = Value(2.0, "w")
    assert "shape=cylinder" in viz.to_dot(w * 3, parameters=iter([w]))
