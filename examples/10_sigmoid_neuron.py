"""Lesson 10. One sigmoid neuron 单个 sigmoid 神经元: three factors, and when dZ = A - Y is true.

y = σ(w x + b) and the loss is half the squared error (平方误差), ½ (y - t)². The derivative by w is a product of three
factors: how the loss depends on y, y on z, and z on w. Each is a local derivative that the engine has stored.
"""

from lesson import Lesson

import autograd as ag
import nn
import viz
from autograd import Value

lesson = Lesson(__doc__)
x, w, b, t = Value(1.5, "x"), Value(0.8, "w"), Value(-0.4, "b"), 1.0
product = w * x
z = product + b
y = ag.sigmoid(z)
error = y - t
loss = 0.5 * (error * error)
for value, label in ((product, "w x"), (z, "z"), (y, "y"), (error, "y - t"), (loss, "loss 损失")):
    value.label = label
loss.backward()
lesson.figure("y", y.data, "0.690")

# ∂loss/∂w = (y - t) · σ'(z) · x    with σ'(z) = y (1 - y)
# ∂loss/∂b = (y - t) · σ'(z)
factors = [y.data - t, y.data * (1 - y.data), x.data]
lesson.figure("∂loss/∂y = y - t", factors[0], "-0.310")
lesson.figure("∂y/∂z = y (1 - y)", factors[1], "0.214")
lesson.figure("∂z/∂w = x", factors[2], "1.5")
lesson.figure("the first less the gradient that the engine stored", factors[0] - y.grad, "0")
lesson.figure("the second less the local derivative it stored", factors[1] - y.local_grads[0], "0")
lesson.figure("the third less the local derivative it stored", factors[2] - product.local_grads[0], "0")
lesson.figure("their product less w.grad", factors[0] * factors[1] * factors[2] - w.grad, "0")
lesson.figure("the product of two less b.grad", factors[0] * factors[1] - b.grad, "0")

viz.draw(
    loss, lesson.picture("neuron.svg", "The neuron: each factor is the local derivative at an edge"), parameters=[w, b]
)

# 更新权重: a step against the gradient lowers the loss.
w.data, b.data = w.data - 0.5 * w.grad, b.data - 0.5 * b.grad  # 学习率 (learning rate) 0.5
after = 0.5 * (ag.sigmoid(w * x + b) - t) ** 2
lesson.figure("the loss before the step", loss.data, "0.0481")
lesson.figure("and after it", after.data, "0.0413")

# "dZ = A - Y" is written of the output layer without saying of which loss. With cross-entropy (交叉熵) the factor σ'(z)
# cancels; with the squared error it stays.
at = {}
for name, function in (("half squared error", nn.half_squared_error), ("cross-entropy", nn.binary_cross_entropy)):
    z = Value(0.4)
    function(ag.sigmoid(z), 1).backward()
    at[name] = z.grad
lesson.figure("A - Y at z = 0.4, for the target 1", ag.sigmoid(Value(0.4)).data - 1, "-0.401")
lesson.figure("dZ with cross-entropy", at["cross-entropy"], "-0.401")
lesson.figure("dZ with half the squared error", at["half squared error"], "-0.096")
