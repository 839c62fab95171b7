"""Lesson 14. A GPT 变换器: names again, by attention, in the shape of the large ones.

No state is carried along. Each letter looks at all letters before it at once, by attention (注意力): its query (查询)
is compared with their keys (键), and it takes the mean of their values (值), weighted by how well they agree. The
engine, the loss and the training are those of every lesson before: one algorithm for every kind of network. --text
takes a file of other words.
"""

import math
import random
import time

from lesson import Lesson
from samples import invent, words

import autograd
import nn
import viz
from autograd import Value

lesson = Lesson(__doc__, reads="names.txt")
letters, X_train, X_test, y_train, y_test = words(lesson.file)
loss = nn.softmax_cross_entropy
SIZE, HEADS, PLACES = 16, 4, max(12, *map(len, X_train + X_test))


def add(xs: list[Value], ys: list[Value]) -> list[Value]:
    return [x + y for x, y in zip(xs, ys, strict=True)]


class GPT(nn.Module):
    """One block of a transformer between two embeddings and the logits."""

    def __init__(self) -> None:
        rng = random.Random(0)
        self.letter = nn.Embedding(len(letters), SIZE, init="normal", seed=rng)
        self.place = nn.Embedding(PLACES, SIZE, init="normal", seed=rng)  # 位置嵌入: attention does not know the order
        self.norm1, self.attend = nn.LayerNorm(SIZE), nn.CausalSelfAttention(SIZE, HEADS, seed=rng)
        self.think = nn.Residual(
            nn.LayerNorm(SIZE), nn.Linear(SIZE, 4 * SIZE, seed=rng), "relu", nn.Linear(4 * SIZE, SIZE, seed=rng)
        )
        self.out = nn.Linear(SIZE, len(letters), init="xavier", seed=rng)

    def begin(self, word: list[int]) -> list[list[Value]]:
        """Return what stands at each place before attention: letter plus place."""
        return [add(self.letter(letter), self.place(t)) for t, letter in enumerate(word)]

    def forward(self, word: list[int]) -> list[list[Value]]:
        """Return the logits of the next letter, at each letter."""
        xs = self.begin(word)
        seen = self.attend([self.norm1(x) for x in xs])
        # x + f(x), twice (残差连接): the sum passes the gradient on as it is, to every place that was seen
        return [self.out(self.think(add(x, y))) for x, y in zip(xs, seen, strict=True)]


model = GPT()
lesson.figure("parameters 参数个数", len(model.parameters()), "4,363")
# 因果: what is told at a letter depends on no letter behind it. The gradient says so, exactly.
xs = [model.norm1(x) for x in model.begin(X_test[0])]
autograd.sum(model.attend(xs)[1]).backward()
lesson.figure("gradient of the second place at the third and behind", sum(v.grad**2 for x in xs[2:] for v in x), "0")

begun = time.perf_counter()
history = nn.fit(
    model, X_train, y_train, loss=loss, optimizer=nn.Adam(model.parameters(), lr=0.01), epochs=15, seed=1,
    progress=False, schedule=nn.schedules.cosine(), validation=(X_test, y_test),
)  # fmt: skip
taped = (time.perf_counter() - begun) / 15 / len(X_train)
lesson.figure("loss held out (RNN 2.32, GRU 2.29, pairs 2.47)", history.validation_loss[-1], "2.29")
lesson.figure("letters held out that are right 准确率", history.validation_accuracy[-1], "28%")
begun = time.perf_counter()
for word, nexts in zip(X_train[:30], y_train, strict=False):
    loss(model(word), nexts).backward()
lesson.measured("a name, forward and backward: eager", f"{(time.perf_counter() - begun) / 30 * 1e6:.0f} µs")
lesson.measured("    in the training, through tapes, with all that it takes", f"{taped * 1e6:.0f} µs")
draw = random.Random(1)
print("  " + " ".join(invent(model, letters, draw) for _ in range(10)))
viz.plot_history(history, lesson.picture("training.png", "Loss and accuracy per letter"))

# a[t][s] = softmax over s ≤ t of q[t] · k[s] / √d: how much of letter s is in letter t, for each head (多头).
word = X_test[max(range(len(X_test)), key=lambda i: len(X_test[i]))]
maps, d = [[[0.0] * len(word) for _ in word] for _ in range(HEADS)], SIZE // HEADS
weight, bias = model.attend.in_proj_weight, model.attend.in_proj_bias
projected = [
    [autograd.dot(w, model.norm1(x)) + b for w, b in zip(weight, bias, strict=True)] for x in model.begin(word)
]
for head in range(HEADS):
    for t in range(len(word)):
        q, at = projected[t][head * d : head * d + d], SIZE + head * d
        scores = [autograd.dot(q, projected[s][at : at + d]) / math.sqrt(d) for s in range(t + 1)]
        maps[head][t][: t + 1] = [share.data for share in autograd.softmax(scores)]
titles = [f"head {head + 1}" for head in range(HEADS)]
caption = (
    f"Attention over “{''.join(letters[i] for i in word)}”: a row per letter, how much it takes of those before it"
)
viz.plot_images(maps, lesson.picture("attention.png", caption), titles=titles, columns=HEADS)
