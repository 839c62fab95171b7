"""Lesson 12. A convolutional net 卷积神经网络: the same few weights at every place of the image.

A fully connected layer has a weight for every pixel and learns each place by itself. A convolution (卷积) has one small
kernel (卷积核) that is laid on every place: far fewer weights, each of them trained by all places at once, and what it
finds moves with the image.
"""

import time

from lesson import Lesson
from samples import digits

import nn
import viz
from autograd import Value, no_grad

lesson = Lesson(__doc__)
X_train, X_test, y_train, y_test = digits()
loss = nn.softmax_cross_entropy


def image(pixels: list[float]) -> list[list[list[float]]]:
    """Return [channel 通道][row 行][column 列]: one channel of 8 × 8."""
    return [[pixels[8 * row : 8 * row + 8] for row in range(8)]]


def shifted(pixels: list[float]) -> list[float]:
    """Return the image, one pixel to the right."""
    return [0.0 if i % 8 == 0 else pixels[i - 1] for i in range(64)]


def numbers(maps: list[list[list[Value]]]) -> list[list[list[float]]]:
    return [[[v.data for v in row] for row in one] for one in maps]


# One number of the output is a dot product of the kernel with a patch (局部区域), plus a bias:
#     y[o][i][j] = b[o] + Σ over a, b of w[o][0][a][b] · x[0][i + a][j + b]
conv, x = nn.Conv2d(1, 8, 3, seed=1), image(X_test[0])
by_hand = sum(conv.weight[5][0][a][b].data * x[0][2 + a][4 + b] for a in range(3) for b in range(3))
y = conv(x)[5][2][4] - conv.bias[5]
lesson.figure("y[5][2][4] less the sum by hand", abs(y.data - by_hand), "<1e-15")
# Shift the image, and what is found shifts too (平移等变性): a theorem about sums, and so exact.
here, there = numbers(conv(x)), numbers(conv(image(shifted(X_test[0]))))
moved = max(abs(there[o][i][j] - here[o][i][j - 1]) for o in range(8) for i in range(6) for j in range(1, 6))
lesson.figure("the maps of the shifted image less the shifted maps", moved, "0")

# 8 × 8 pixels → 8 maps (特征图) of 6 × 6 → the largest of each 2 × 2 (最大池化): 8 of 3 × 3 → ten logits.
cnn = nn.Sequential(
    nn.Reshape(1, 8, 8), conv, "relu", nn.MaxPool2d(2), nn.Flatten(), nn.Linear(72, 10, seed=2)
)  # fmt: skip
models = {"CNN 卷积": cnn, "MLP 64-11-10": nn.MLP(64, [11, 10], seed=1), "MLP 64-32-10": nn.MLP(64, [32, 10], seed=1)}
stated = [("810", "98.1%", "58%"), ("835", "94.7%", "37%"), ("2,410", "96.9%", "47%")]
runs, X_shifted = {}, [shifted(pixels) for pixels in X_test]
for (name, model), (parameters, right, right_shifted) in zip(models.items(), stated, strict=True):
    optimizer = nn.Adam(model.parameters(), lr=0.005)
    runs[name] = nn.fit(model, X_train, y_train, loss=loss, optimizer=optimizer, epochs=20, seed=1, progress=False)
    lesson.figure(f"{name}: parameters 参数个数", len(model.parameters()), parameters)
    lesson.figure("    digits held out that are right 准确率", nn.accuracy(model, X_test, y_test, loss), right)
    lesson.figure("    and shifted by one pixel", nn.accuracy(model, X_shifted, y_test, loss), right_shifted)
viz.plot_history(runs, lesson.picture("training.png", "As many weights, another arrangement: loss and accuracy"))

# The step is recorded once as a tape (磁带) and replayed. The same epoch node by node:
seconds = []
for replay in (False, True):
    begun = time.perf_counter()
    nn.fit(
        cnn, X_train[:320], y_train[:320], loss=loss, optimizer=nn.SGD(cnn.parameters(), lr=1e-9), epochs=1,
        progress=False, replay=replay,
    )  # fmt: skip
    seconds.append(time.perf_counter() - begun)
lesson.measured("10 steps: eager against taped, recording included", f"{seconds[0] / seconds[1]:.0f} times")

# What the kernels are, orange where positive, and what each of them finds in one digit.
with no_grad():
    found = numbers(nn.ReLU()(conv(x)))
viz.plot_images(
    [*[[[0.0] * 3] * 3] * 8, *found],
    lesson.picture("kernels.png", f"Eight kernels, and what each of them finds in a {y_test[0]}"),
    overlays=[*([[w.data for w in row] for row in kernel[0]] for kernel in conv.weight), *[None] * 8],
    columns=8,
)
