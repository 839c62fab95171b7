"""Lesson 11. Digits 手写数字: the recipe as written, why it falls short, and one that works.

The text trains 784-10-10 with softmax and Adam at its usual rate, 0.001, for 10 epochs, and prints no result. On the
digits of scikit-learn (8 × 8 pixels) the same recipe ends far from good: 1,438 images in mini-batches of 32 are 45
steps an epoch, and 450 steps of about 0.001 move a weight by less than 0.45. MNIST has 60,000 images: 18,750 steps.
"""

from lesson import Lesson
from samples import digits

import nn
import viz

lesson = Lesson(__doc__)
X_train, X_test, y_train, y_test = digits()
loss = nn.softmax_cross_entropy  # softmax and cross-entropy (交叉熵) in one stable node


def train(hidden: int, rate: float, epochs: int) -> tuple[nn.MLP, nn.History]:
    model = nn.MLP(64, [hidden, 10], seed=1)
    optimizer = nn.Adam(model.parameters(), lr=rate)
    history = nn.fit(model, X_train, y_train, loss=loss, optimizer=optimizer, epochs=epochs, seed=1)
    return model, history


model, as_written = train(hidden=10, rate=0.001, epochs=10)
lesson.figure(
    "10-10 as written: digits held out that are right 准确率", nn.accuracy(model, X_test, y_test, loss), "70%"
)
model, longer = train(hidden=10, rate=0.01, epochs=30)
lesson.figure("10-10, ten times the rate, three times the epochs", nn.accuracy(model, X_test, y_test, loss), "92%")
model, wider = train(hidden=32, rate=0.005, epochs=20)
lesson.figure("64-32-10", nn.accuracy(model, X_test, y_test, loss), "97%")
runs = {"10-10 as written": as_written, "10-10, longer 更久": longer, "64-32-10": wider}
viz.plot_history(runs, lesson.picture("training.png", "Loss and accuracy of the three trainings"))

# 混淆矩阵: which digits are taken for which; a row per true class, a column per answer.
table = nn.confusion(model, X_test, y_test, loss)
print("\n     " + "".join(f"{k:4}" for k in range(10)))
for true_class, row in enumerate(table):
    print(f"  {true_class}: " + "".join(f"{count or '·':>4}" for count in row))
print()

answers = [max(range(10), key=scores.__getitem__) for scores in nn.predict(model, X_test)]
wrong = [i for i, answer in enumerate(answers) if answer != y_test[i]]
lesson.figure("digits held out", len(y_test), "359")
lesson.figure("those that are wrong", len(wrong), "11")
lesson.figure(
    "the sum of the table beside its diagonal 对角线", sum(map(sum, table)) - sum(table[k][k] for k in range(10)), "11"
)
viz.plot_images(
    [[X_test[i][8 * row : 8 * row + 8] for row in range(8)] for i in wrong],
    lesson.picture("wrong.png", "Every digit that the network gets wrong: what it is → what it was taken for"),
    titles=[f"{y_test[i]} → {answers[i]}" for i in wrong],
    columns=5,
)
