"""Lesson 13. A recurrent net 循环神经网络: names, letter by letter.

The net reads one letter at a time and keeps a state (隐藏状态), a list of numbers that stands for all letters so far.
The same weights serve every step, so a word may have any length. It learns to tell the next letter; asked again and
again, it invents names. --text takes a file of other words.
"""

import math
import random
import time

from lesson import Lesson
from samples import invent, words

import nn
import viz
from autograd import Value

lesson = Lesson(__doc__, reads="names.txt")
letters, X_train, X_test, y_train, y_test = words(lesson.file)
loss = nn.softmax_cross_entropy  # of a sequence: the mean over its letters


class Reader(nn.Module):
    """Tells at each letter the next one."""

    def __init__(self, cell: nn.Module) -> None:
        self.embed = nn.Embedding(len(letters), 8, seed=1)  # 嵌入: 8 numbers for a letter
        self.cell, self.out = cell, nn.Linear(32, len(letters), init="xavier", seed=3)

    def states(self, word: list[int]) -> list[list[Value]]:
        """Return the states: of an RNN, h[t] = tanh(W_ih x[t] + b_ih + W_hh h[t-1] + b_hh), from h = 0."""
        states: list[list[Value]] = []
        for letter in word:
            states.append(self.cell(self.embed(letter), states[-1] if states else None))
        return states

    def forward(self, word: list[int]) -> list[list[Value]]:
        """Return the logits of the next letter, at each letter."""
        return [self.out(h) for h in self.states(word)]


# What there is to beat: every letter as likely as any other, and the share of each letter after the one before it.
lesson.figure("every letter as likely: loss 损失", math.log(len(letters)), "3.30")
pairs = [[0.1] * len(letters) for _ in letters]
for word, nexts in zip(X_train, y_train, strict=True):
    for before, after in zip(word, nexts, strict=True):
        pairs[before][after] += 1
told = [
    [-math.log(pairs[a][b] / sum(pairs[a])) for a, b in zip(word, nexts, strict=True)]
    for word, nexts in zip(X_test, y_test, strict=True)
]
lesson.figure(
    "counted pairs of letters 二元统计: loss held out", sum(sum(x) / len(x) for x in told) / len(told), "2.47"
)

cells = {"RNN": (nn.RNNCell(8, 32, seed=2), "2.32"), "GRU 门控": (nn.GRUCell(8, 32, seed=2), "2.29")}
runs, models = {}, {}
for name, (cell, stated) in cells.items():
    models[name] = model = Reader(cell)
    optimizer, held_out = nn.Adam(model.parameters(), lr=0.01), (X_test, y_test)
    begun = time.perf_counter()
    runs[name] = nn.fit(
        model, X_train, y_train, loss=loss, optimizer=optimizer, epochs=15, seed=1, progress=False,
        schedule=nn.schedules.cosine(), validation=held_out,
    )  # fmt: skip
    lesson.measured(f"{name}: {len(model.parameters())} parameters, 15 epochs", f"{time.perf_counter() - begun:.1f} s")
    lesson.figure(f"{name}: loss held out", runs[name].validation_loss[-1], stated)
    draw = random.Random(1)  # 采样: each letter is drawn by the shares that the net gives
    print("  " + " ".join(invent(model, letters, draw) for _ in range(10)))
viz.plot_history(runs, lesson.picture("training.png", "Loss and accuracy per letter of both nets"))

# Backpropagation through time (时间反向传播): over k steps the gradient is multiplied k times by the derivative of a
# state by the one before. How much arrives? Its norm, for the loss of the last letter, as a mean over longer words.
lines, steps = {}, min(8, max(map(len, X_test)))
long_words = [(word, nexts) for word, nexts in zip(X_test, y_test, strict=True) if len(word) >= steps]
for name, model in models.items():
    norms = [0.0] * steps
    for word, nexts in long_words:
        states = model.states(word)
        loss(model.out(states[-1]), nexts[-1]).backward()
        for back in range(steps):
            norms[back] += math.hypot(*(v.grad for v in states[-1 - back])) / len(long_words)
    lines[name] = (list(range(steps)), norms)
for name, stated in (("RNN", "4.9%"), ("GRU 门控", "21%")):
    norms = lines[name][1]
    lesson.figure(f"{name}: of the gradient, {steps - 1} steps back 梯度消失", norms[-1] / norms[0], stated)
caption = "How much of the last letter's gradient arrives at the states before it"
viz.plot_lines(lines, lesson.picture("through_time.png", caption), x="steps back 往回的步数", y="norm 范数", log="y")
