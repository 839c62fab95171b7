"""A scene as SVG: one frame of it, or all of them as an animation by CSS."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from autograd.formatting import number
from viz.dot import SLOT_SIZE, TEXT_SIZE, TITLE_SIZE, edge_colour, gradient_colour, picture_id
from viz.escaping import markup
from viz.font_metrics import text_width
from viz.layout import Box, Link, Placement, Point, place
from viz.scene import Card, Scene, Wire
from viz.shapes import ARROW, CAP, PAD, ROW_LINE, TIP, TITLE_LINE, decimal, outline, pair, points, tip_of
from viz.theme import FONTS, Theme, edge_width, gradient_fill

__all__ = ["film_svg", "frame_svg"]

_MARGIN, _CAPTION = 18.0, 34.0
_SLOT_LINE = 32.0
_LANE = 16.0  # between edges of groups that depend on each other
_ACTIVE_EDGE = 3.2
_PREFIX = "\0"  # of class names; no cleaned text holds it
_FADE, _GROW = 0.22, 0.55  # seconds of a change, and of an edge that grows


@dataclass(frozen=True, slots=True)
class _Piece:
    """Markup that is seen in the frames from ``start`` up to, not including, ``stop``.

    ``shade`` names colours instead: the markup is always seen, before ``start`` in the second of them. What is
    late comes in a film when the edges of the step have grown.
    """

    start: int
    stop: int
    svg: str
    shade: tuple[str, str] | None = None
    is_late: bool = False


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where everything stands: cards without the room for labels on their left, routes from card to card."""

    placement: Placement
    boxes: list[Box]
    lefts: list[float]
    routes: list[list[Point]]
    width: float
    height: float


def frame_svg(scene: Scene, theme: Theme, frame: int, description: str) -> str:
    """Return one frame of ``scene`` as an ``<svg>`` element; ``description`` is the text for screen readers."""
    stage = _stage(scene)
    lines = []
    for piece in _pieces(scene, stage, theme):
        if piece.shade is not None:
            lines.append(f'<g fill="{piece.shade[piece.start > frame]}">{piece.svg}</g>')
        elif piece.start <= frame < piece.stop:
            lines.append(piece.svg)
    lines.append(_caption(scene.captions[frame], theme, ""))
    return _document(stage, theme, description, "", lines)


def film_svg(scene: Scene, theme: Theme, seconds: float, description: str) -> str:
    """Return ``scene`` as an ``<svg>`` element that plays its frames in a loop, ``seconds`` each, the last one longer.

    Without animation (a reader who prefers less motion, a program that does not animate) it shows its last frame.
    """
    stage, last = _stage(scene), len(scene.captions) - 1
    clock = _Clock(last + 1, seconds)
    lines = []
    for piece in _pieces(scene, stage, theme):
        if piece.shade is not None:
            name = clock.shade(piece.start, piece.shade) if piece.start > 0 else ""
            lines.append(f'<g{name} fill="{piece.shade[0]}">{piece.svg}</g>')
        elif piece.start == 0 and piece.stop > last:
            lines.append(piece.svg)
        else:
            hidden = "" if piece.stop > last else ' opacity="0"'
            svg = piece.svg.replace(' pathLength="1"', f'{clock.growth(piece.start)} pathLength="1"')
            lines.append(f"<g{clock.life(piece.start, piece.stop, piece.is_late)}{hidden}>{svg}</g>")
    for frame, caption in enumerate(scene.captions):
        hidden = ' opacity="0"' if frame < last else ""
        lines.append(_caption(caption, theme, clock.life(frame, frame + 1) + hidden if last else ""))
    lines.append(clock.bar(stage, theme))
    prefix = picture_id(description + theme.name + str(seconds) + "".join(lines))
    style = clock.style()
    return _document(stage, theme, description, style, lines).replace(_PREFIX, f"{prefix}-")


class _Clock:
    """The animations that pieces need, by name, and the style that defines them.

    ``_PREFIX`` stands for the prefix of the picture, which is made from its content.
    """

    def __init__(self, frames: int, seconds: float) -> None:
        self.frames, self.seconds = frames, seconds
        self.total = (frames + 1.5) * seconds  # the last frame stays on
        self.rules: dict[str, str] = {}

    def _at(self, frame: int, seconds: float = 0.0) -> str:
        return f"{100 * min(1.0, (frame * self.seconds + seconds) / self.total):.2f}".rstrip("0").rstrip(".") + "%"

    def _fade(self) -> float:
        return min(_FADE, self.seconds / 4)

    def _grown(self) -> float:
        return min(_GROW, self.seconds / 2)

    def _named(self, name: str, keyframes: str) -> str:
        self.rules[name] = keyframes
        return f' class="{_PREFIX}{name}"'

    def life(self, start: int, stop: int, is_late: bool = False) -> str:
        """Return the class of what is seen from frame ``start`` until ``stop``."""
        fade, steps = self._fade(), []
        wait = self._grown() - fade / 2 if is_late else 0.0
        if start > 0:
            steps.append(f"0%,{self._at(start, wait)}{{opacity:0}}")
        shown = ("0%" if start == 0 else self._at(start, wait + fade)) + ","
        if stop >= self.frames:
            steps.append(f"{shown}100%{{opacity:1}}")
        else:
            steps.append(f"{shown}{self._at(stop)}{{opacity:1}}{self._at(stop, fade)},100%{{opacity:0}}")
        name = f"{'w' if is_late else 'v'}{start}-{'' if stop >= self.frames else stop}"
        return self._named(name, "".join(steps))

    def shade(self, start: int, colours: tuple[str, str]) -> str:
        """Return the class of what has the second colour until frame ``start``, then the first."""
        lit, dim = colours
        steps = f"0%,{self._at(start)}{{fill:{dim}}}{self._at(start, self._fade())},100%{{fill:{lit}}}"
        return self._named(f"c{start}-{lit[1:]}", steps)

    def growth(self, start: int) -> str:
        """Return the class of an edge that grows at the start of its frame."""
        grown = self._at(start, self._grown())
        steps = f"0%,{self._at(start)}{{stroke-dashoffset:1}}{grown},100%{{stroke-dashoffset:0}}"
        return self._named(f"d{start}", steps)

    def bar(self, stage: _Stage, theme: Theme) -> str:
        """Return a line below the picture that grows with the time, full in the last frame."""
        if self.frames < 2:
            return ""
        end = self._at(self.frames - 1)
        name = self._named("t", f"0%{{transform:scaleX(0)}}{end},100%{{transform:scaleX(1)}}")
        y = decimal(stage.height - 3)
        return (
            f'<rect y="{y}" width="{decimal(stage.width)}" height="3" fill="{theme.dim}"/>'
            f'<rect{name} y="{y}" width="{decimal(stage.width)}" height="3" fill="{theme.active}"/>'
        )

    def style(self) -> str:
        """Return the style sheet: nothing moves where the reader prefers less motion."""
        if not self.rules:
            return ""
        frames = "".join(f"@keyframes {_PREFIX}{name}{{{steps}}}" for name, steps in self.rules.items())
        dashes = ",".join(f".{_PREFIX}{name}" for name in self.rules if name.startswith("d"))
        names = ",".join(f".{_PREFIX}{name}" for name in self.rules)
        each = "".join(f".{_PREFIX}{name}{{animation-name:{_PREFIX}{name}}}" for name in self.rules)
        dashed = f"{dashes}{{stroke-dasharray:1}}" if dashes else ""
        total = f"{self.total:.2f}".rstrip("0").rstrip(".")
        return (
            f"<style>{frames}@media(prefers-reduced-motion:no-preference){{"
            f"{names}{{animation:{total}s linear infinite}}{dashed}{each}}}</style>"
        )


def _document(stage: _Stage, theme: Theme, description: str, style: str, lines: Iterable[str]) -> str:
    width, height = decimal(stage.width), decimal(stage.height)
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{markup(description)}" width="{width}" '
            f'height="{height}" viewBox="0 0 {width} {height}" font-family="{FONTS}" font-size="{TEXT_SIZE}">',
            f"<title>{markup(description)}</title>",
            *([style] if style else []),
            f'<rect width="{width}" height="{height}" fill="{theme.background}"/>',
            *(line for line in lines if line),
            "</svg>",
            "",
        ]
    )


def _caption(text: str, theme: Theme, name: str) -> str:
    x, y = decimal(_MARGIN), decimal(_MARGIN + 10)
    return (
        f'<text{name} x="{x}" y="{y}" fill="{theme.muted}" font-size="{TITLE_SIZE}" xml:space="preserve">'
        f"{markup(text)}</text>"
    )


# -- where everything stands -------------------------------------------------------------------------------------------
def _stage(scene: Scene) -> _Stage:
    labels = [0.0] * len(scene.cards)
    for wire in scene.wires:
        wide = max((text_width(line, SLOT_SIZE, bold=True) for line in wire.lines), default=0.0)
        labels[wire.head] = max(labels[wire.head], wide + 2 - 14)  # the bend takes some of it
    bodies = [_body(card, scene) for card in scene.cards]
    forward = [index for index, wire in enumerate(scene.wires) if wire.tail < wire.head]
    links = [Link(scene.wires[i].tail, scene.wires[i].head, scene.wires[i].slot) for i in forward]
    placement = place(_with_room(bodies, labels), links)
    widest = _widest(placement, labels)
    if any(
        right - left - widest[left] < body.width - 0.1
        for (left, right), body in zip(placement.spans, bodies, strict=True)
    ):  # the widest card of a column is another than the one with the longest label: that needs room before all
        placement = place(_with_room(bodies, [widest[left] for left, _ in placement.spans]), links)
        widest = _widest(placement, labels)
    first = min((left + widest[left] for left, _ in placement.spans), default=0.0)
    dx, dy = _MARGIN - min(first, 0.0), _MARGIN + _CAPTION
    lefts = [left + widest[left] + dx for left, _ in placement.spans]
    routes: list[list[Point]] = [[] for _ in scene.wires]
    for index, route in zip(forward, placement.routes, strict=True):
        points = [(x + dx, y + dy) for x, y in route]
        routes[index] = [*points, (lefts[scene.wires[index].head], points[-1][1])]
    spans = [(left, right + dx) for left, (_, right) in zip(lefts, placement.spans, strict=True)]
    middles = [middle + dy for middle in placement.middles]
    bottom = placement.height + dy
    for index, wire in enumerate(scene.wires):
        if not routes[index]:
            bottom += _LANE
            start, end = (spans[wire.tail][1], middles[wire.tail]), (lefts[wire.head], middles[wire.head])
            routes[index] = [start, (start[0] + 12, bottom), (end[0] - 18, bottom), end]
    captions = max(text_width(caption, TITLE_SIZE) for caption in scene.captions)
    placed = Placement(spans, middles, routes, placement.width, placement.height)
    width = max(placement.width + dx, captions + _MARGIN) + _MARGIN
    return _Stage(placed, bodies, lefts, routes, width, bottom + _MARGIN)


def _with_room(bodies: list[Box], labels: list[float]) -> list[Box]:
    """Return the boxes of cards with room for labels before them."""
    return [Box(box.width + label, box.height, box.slots or (0.0,)) for box, label in zip(bodies, labels, strict=True)]


def _widest(placement: Placement, labels: list[float]) -> dict[float, float]:
    """Return the longest label of each column; cards of one column are equally wide, and so is the room before them."""
    widest: dict[float, float] = {}
    for (left, _), label in zip(placement.spans, labels, strict=True):
        widest[left] = max(widest.get(left, 0.0), label)
    return widest


def _body(card: Card, scene: Scene) -> Box:
    title = text_width(card.title, TITLE_SIZE, bold=True)
    if card.subtitle:
        title += 6 + text_width(card.subtitle, TEXT_SIZE)
    gradients = max((text_width(_signed(card, x), TEXT_SIZE, bold=True) for _, x in card.gradients), default=0.0)
    rows = [text_width(name, TEXT_SIZE) + 12 + max(36.0, text_width(text, TEXT_SIZE)) for name, text in card.rows]
    rows.append(text_width(scene.gradient_row, TEXT_SIZE) + 12 + max(36.0, gradients))
    width = max([title, *rows]) + 2 * PAD + _slots_width(card) + (TIP if card.kind == "input" else 0.0)
    height = _body_height(card)
    line = (height - 4) / len(card.slots) if card.slots else 0.0
    slots = tuple(line * (position - (len(card.slots) - 1) / 2) for position in range(len(card.slots)))
    return Box(width, height + (3 * CAP if card.kind == "parameter" else 0.0), slots)


def _text_height(card: Card) -> float:
    return TITLE_LINE + (len(card.rows) + 1) * ROW_LINE + 7


def _body_height(card: Card) -> float:
    return max(_text_height(card), len(card.slots) * _SLOT_LINE + 4)


def _slots_width(card: Card) -> float:
    return max((text_width(text, SLOT_SIZE) + 11 for text, _ in card.slots), default=0.0)


def _signed(card: Card, gradient: float) -> str:
    return number(gradient, sign=card.kind != "group")


# -- what is drawn -----------------------------------------------------------------------------------------------------
def _pieces(scene: Scene, stage: _Stage, theme: Theme) -> list[_Piece]:
    """Return everything but the captions, what lies below first."""
    end = len(scene.captions)
    below, over = [], []
    by_width = sorted(range(len(scene.wires)), key=lambda i: -_width(scene.wires[i], scene))
    for index in by_width:
        wire, route = scene.wires[index], stage.routes[index]
        title = f"<title>{markup(wire.tooltip)}</title>"
        below.append(_Piece(0, wire.frame, title + _edge(route, theme.dim, 0.8)))
        colour = edge_colour(wire.contribution, theme) if wire.contribution is not None else theme.line
        below.append(_Piece(wire.frame + 1, end, title + _edge(route, colour, _width(wire, scene))))
        returning, tip = _returning(wire, route, theme)
        over.append(_Piece(wire.frame, wire.frame + 1, returning))
        over.append(_Piece(wire.frame, wire.frame + 1, tip, is_late=True))
    cards = []
    for at, card in enumerate(scene.cards):
        cards += _card_pieces(scene, at, card, stage, theme)
    return below + over + cards


def _width(wire: Wire, scene: Scene) -> float:
    return 1.6 if wire.contribution is None else edge_width(wire.contribution, scene.largest_contribution)


def _card_pieces(scene: Scene, at: int, card: Card, stage: _Stage, theme: Theme) -> list[_Piece]:
    end = len(scene.captions)
    reached = card.gradients[0][0] if card.gradients else end
    box, (left, right) = stage.boxes[at], stage.placement.spans[at]
    middle = stage.placement.middles[at]
    top = middle - box.height / 2
    corners = (left, top, right, middle + box.height / 2)
    solid, width = (theme.foreground, 2.2) if card.is_output else (theme.line, 1.0)
    pieces = [
        _Piece(
            0,
            reached,
            f"<title>{markup(card.tooltip)}</title>" + _outline(card, corners, theme.node, theme.dim, width),
        )
    ]
    stops = [frame for frame, _ in card.gradients[1:]] + [end]
    for (frame, gradient), stop in zip(card.gradients, stops, strict=True):
        fill = gradient_fill(theme, gradient, scene.largest_gradient)
        title = f"<title>{markup(f'{card.tooltip}  {scene.gradient_row}={gradient!r}')}</title>"
        pieces.append(_Piece(frame, stop, title + _outline(card, corners, fill, solid, width)))
    pieces += _marks(scene, at, card, corners, theme)
    pieces += _texts(scene, card, box, corners, reached, theme)
    return pieces


def _marks(scene: Scene, at: int, card: Card, corners: tuple[float, float, float, float], theme: Theme) -> list[_Piece]:
    """Return the borders of a card while it is active, or an operand of what is."""
    frames = {frame: 3.0 for frame, active in enumerate(scene.active) if active == at}
    for wire in scene.wires:
        if wire.tail == at:
            frames.setdefault(wire.frame, 2.0)
    return [
        _Piece(frame, frame + 1, _outline(card, corners, "none", theme.active, width))
        for frame, width in sorted(frames.items())
    ]


def _texts(
    scene: Scene,
    card: Card,
    box: Box,
    corners: tuple[float, float, float, float],
    reached: int,
    theme: Theme,
) -> list[_Piece]:
    left, top, right, bottom = corners
    end, slots_width = len(scene.captions), _slots_width(card)
    text_left, text_right = left + PAD, right - PAD
    middle = (top + bottom) / 2
    plain: list[str] = []
    muted: list[str] = []
    if card.slots:
        text_left += slots_width
        rule = left + slots_width
        plain_slots = zip(card.slots, box.slots, strict=True)
        for (text, is_number), offset in plain_slots:
            (plain if is_number else muted).append(
                f'<text x="{decimal(rule - 5)}" y="{decimal(middle + offset + 3.5)}" text-anchor="end" '
                f'font-size="{SLOT_SIZE}">{markup(text)}</text>'
            )
        muted.append(_rule(rule, top, 0.8, bottom - top))
        if card.divider:
            y = middle + (box.slots[card.divider] + box.slots[card.divider - 1]) / 2
            muted.append(_rule(left, y, slots_width, 0.8))
    if card.kind == "input":
        text_right -= TIP
    inner = top + (2.5 * CAP if card.kind == "parameter" else 0.0) + (_body_height(card) - _text_height(card)) / 2
    centre = (text_left + text_right) / 2
    title = f'<tspan font-weight="bold" font-size="{TITLE_SIZE}">{markup(card.title)}</tspan>'
    if card.subtitle:
        title += f'<tspan dx="6">{markup(card.subtitle)}</tspan>'
    plain.append(f'<text x="{decimal(centre)}" y="{decimal(inner + 16)}" text-anchor="middle">{title}</text>')
    baseline = inner + TITLE_LINE
    for name, text in card.rows:
        baseline += ROW_LINE
        muted.append(_text(text_left, baseline - 4, name))
        plain.append(_text(text_right, baseline - 4, text, ' text-anchor="end"'))
    baseline += ROW_LINE - 4
    muted.append(_text(text_left, baseline, scene.gradient_row))
    pieces = [
        _Piece(reached, end, "".join(plain), (theme.foreground, theme.dim_text)),
        _Piece(reached, end, "".join(muted), (theme.muted, theme.dim_text)),
    ]
    ending = ' text-anchor="end"'
    pieces.append(_Piece(0, reached, _text(text_right, baseline, "–", f'{ending} fill="{theme.dim_text}"')))
    stops = [frame for frame, _ in card.gradients[1:]] + [end]
    for (frame, gradient), stop in zip(card.gradients, stops, strict=True):
        colour = theme.foreground if card.kind == "group" else gradient_colour(gradient, theme)
        attributes = f'{ending} fill="{colour}" font-weight="bold"'
        pieces.append(_Piece(frame, stop, _text(text_right, baseline, _signed(card, gradient), attributes)))
    return [piece for piece in pieces if piece.start < piece.stop or piece.shade]


def _text(x: float, y: float, text: str, attributes: str = "") -> str:
    return f'<text x="{decimal(x)}" y="{decimal(y)}"{attributes}>{markup(text)}</text>'


def _rule(x: float, y: float, width: float, height: float) -> str:
    return f'<rect x="{decimal(x)}" y="{decimal(y)}" width="{decimal(width)}" height="{decimal(height)}" opacity=".6"/>'


def _outline(card: Card, corners: tuple[float, float, float, float], fill: str, stroke: str, width: float) -> str:
    thick = f' stroke-width="{decimal(width)}"' if width != 1.0 else ""
    return outline(card.kind, corners, fill, f'stroke="{stroke}"{thick}')


def _edge(route: list[Point], colour: str, width: float) -> str:
    x, y = route[-1]
    return (
        f'<path d="{_curve([*route[:-1], (x - ARROW + 1, y)])}" fill="none" stroke="{colour}" '
        f'stroke-width="{decimal(width)}"/><polygon points="{tip_of(route[-1], width)}" fill="{colour}"/>'
    )


def _returning(wire: Wire, route: list[Point], theme: Theme) -> tuple[str, str]:
    """Return the edge of the step, from the slot back to the operand with its product beside it, and its tip."""
    colour = edge_colour(wire.contribution, theme) if wire.contribution is not None else theme.active
    (x, y), half = route[0], 6.0
    tip = [(x, y), (x + 11, y - half), (x + 11, y + half)]
    path = _curve([(x + 9, y), *route[1:]][::-1])
    texts, fill = "", _product_colour(wire.contribution, theme)
    # A product stands at its slot; where groups pass many, their number stands at the group that gets them.
    one = wire.contribution is not None
    at_x, at_y, anchor = (route[-1][0] - 5, route[-1][1], "end") if one else (x + 14, y, "start")
    for at, line in enumerate(wire.lines):
        texts += (
            f'<text x="{decimal(at_x)}" y="{decimal(at_y + (-5.0, 12.5)[at])}" text-anchor="{anchor}" '
            f'font-size="{SLOT_SIZE}" font-weight="bold" fill="{fill}" stroke="{theme.background}" stroke-width="3" '
            f'paint-order="stroke">{markup(line)}</text>'
        )
    return (
        f'<path d="{path}" pathLength="1" fill="none" stroke="{colour}" stroke-width="{_ACTIVE_EDGE}"/>{texts}',
        f'<polygon points="{points(tip)}" fill="{colour}"/>',
    )


def _product_colour(contribution: float | None, theme: Theme) -> str:
    """Return the colour of a product's text."""
    return theme.foreground if contribution is None else gradient_colour(contribution, theme)


def _curve(route: list[Point]) -> str:
    """Return path data: straight where two points are level, else a bend that starts and ends level."""
    parts = [f"M {pair(route[0])}"]
    for (x0, y0), (x1, y1) in pairwise(route):
        if math.isclose(y0, y1, abs_tol=0.05):
            parts.append(f"H {decimal(x1)}")
        else:
            bend = (x1 - x0) / 2
            parts.append(f"C {pair((x0 + bend, y0))} {pair((x1 - bend, y1))} {pair((x1, y1))}")
    return " ".join(parts)
