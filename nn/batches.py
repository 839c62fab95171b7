"""The batches of an epoch: rows of one shape each, in the random order of the epoch."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from nn.checked_samples import Samples, TableSamples, numbers_of, shape_of
from nn.generator import order_of_rows

__all__ = ["Batch", "Group", "batches", "count_batches", "grouped"]


class Group:
    """The samples of one shape.

    Attributes:
        shape: The shape of their rows and targets.
        rows: Their indices in X.
        samples: The samples themselves.
    """

    def __init__(self, shape: Any) -> None:
        self.shape = shape
        self.rows: list[int] = []
        self.samples: Sequence[tuple[Any, ...]] = []
        self._table: array[float] | None = None

    @property
    def targets(self) -> list[Any]:
        """The last part of each sample."""
        return self.samples.targets if isinstance(self.samples, TableSamples) else [one[-1] for one in self.samples]

    @property
    def table(self) -> array[float]:
        """The numbers of all samples one after another, those of each from left to right."""
        if self._table is None:
            parts = (numbers_of(part) for sample in self.samples for part in sample)
            self._table = array("d", list(chain.from_iterable(parts)))
        return self._table


class Batch:
    """Some rows of one shape.

    Attributes:
        group: The samples of this shape.
        places: The places of the rows in the group.
        rows: Their indices in X.
        epoch: The number of the epoch, counted from 1.
        where: The name of the batch in errors.
    """

    __slots__ = ("epoch", "group", "places", "rows", "where")

    def __init__(self, group: Group, places: list[int], epoch: int, where: str) -> None:
        self.group = group
        self.places = places
        self.rows = [group.rows[place] for place in places]
        self.epoch = epoch
        self.where = where

    def samples(self) -> list[Any]:
        """Return the samples."""
        return [self.group.samples[place] for place in self.places]

    def targets(self) -> list[Any]:
        """Return the targets of the samples."""
        samples = self.group.samples
        if isinstance(samples, TableSamples):  # whose rows are made when they are asked for
            return [samples.targets[place] for place in self.places]
        return [samples[place][1] for place in self.places]


def grouped(samples: Samples | Sequence[tuple[Any, ...]]) -> list[Group]:
    """Return the samples by shape, in the order of the first of each.

    >>> [group.rows for group in grouped([([1.0], 0), ([1.0, 2.0], 1), ([3.0], 1)])]
    [[0, 2], [1]]
    """
    if isinstance(samples, TableSamples):  # all of one shape
        whole = Group(tuple(map(shape_of, samples[0])))
        whole.rows, whole.samples, whole._table = list(range(len(samples))), samples, samples.table
        return [whole]
    groups: dict[Any, Group] = {}
    of_shape: dict[Any, list[tuple[Any, ...]]] = {}
    for row, sample in enumerate(samples):
        shape = tuple(map(shape_of, sample))
        group = groups.get(shape)
        if group is None:
            group = groups[shape] = Group(shape)
            group.samples = of_shape[shape] = []
        group.rows.append(row)
        of_shape[shape].append(sample)
    return list(groups.values())


def count_batches(groups: Sequence[Group], size: int) -> int:
    """Return the number of batches per epoch."""
    return sum(math.ceil(len(group.rows) / size) for group in groups)


def batches(groups: Sequence[Group], size: int, key: int, epoch: int) -> Iterator[Batch]:
    """Yield the batches of an epoch.

    The rows are taken in the order of the epoch. Each shape has a batch that fills up, and comes when it is full; those
    that are not full come at the end, in the order of their first rows.
    """
    total = count_batches(groups, size)
    order = order_of_rows(key, epoch, sum(len(group.rows) for group in groups))
    for made, (group, places) in enumerate(_filled(groups, order, size), start=1):
        yield Batch(group, places, epoch, f"epoch {epoch}, batch {made} of {total}")


def _filled(groups: Sequence[Group], order: list[int], size: int) -> Iterator[tuple[Group, list[int]]]:
    if len(groups) == 1:  # a row's place is its index
        for start in range(0, len(order), size):
            yield groups[0], order[start : start + size]
        return
    by_row = {row: (group, place) for group in groups for place, row in enumerate(group.rows)}
    filling: dict[int, tuple[Group, list[int]]] = {}
    for row in order:
        group, place = by_row[row]
        places = filling.setdefault(id(group), (group, []))[1]
        places.append(place)
        if len(places) == size:
            yield filling.pop(id(group))
    yield from filling.values()
