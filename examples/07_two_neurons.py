"""Lesson 7. Two neurons 两层神经元: the chain rule through both, and the backward pass as a network of its own.

x1 and x2 go through w1 and w2 to z, through a sigmoid to a, and through w3 and w4 to z' and z'', whose sigmoids are
the outputs y1 and y2 with their cross-entropy C (交叉熵). The derivative of C by w1 is ∂C/∂z · ∂z/∂w1. The second
factor is the input x1, known from the forward pass (正向). The first comes from behind: the backward pass (反向).
"""

from lesson import Lesson

import autograd as ag
import viz
from autograd import Value

lesson = Lesson(__doc__)
x1, x2 = Value(1.0, "x1"), Value(-1.0, "x2")
weights = [Value(1.0, "w1"), Value(-2.0, "w2"), Value(0.5, "w3"), Value(-0.7, "w4")]
named: dict[str, Value] = {}


def network(w1: Value, w2: Value, w3: Value, w4: Value) -> Value:
    z = x1 * w1 + x2 * w2
    a = ag.sigmoid(z)
    z_, z__ = a * w3, a * w4
    y1, y2 = ag.sigmoid(z_), ag.sigmoid(z__)
    C = -ag.log(y1) - ag.log(1 - y2)  # the target is (1, 0)
    for value, label in ((z, "z"), (a, "a"), (z_, "z'"), (z__, "z''"), (y1, "y1"), (y2, "y2"), (C, "C")):
        value.label = label
        named[label] = value
    return C


C = network(*weights)
C.backward()
w1, w2, w3, w4 = weights
lesson.figure("the loss C", C.data, "0.897")
viz.draw(C, lesson.picture("forward.svg", "The forward pass, and on each card its gradient"), parameters=weights)

# 1. At the outputs, where C is known: ∂C/∂z' = y1 - 1 and ∂C/∂z'' = y2 - 0, for this loss and this activation.
dz_, dz__ = Value(named["y1"].data - 1, "∂C/∂z'"), Value(named["y2"].data, "∂C/∂z''")
lesson.figure("∂C/∂z': by hand less the engine's", abs(dz_.data - named["z'"].grad), "<1e-15")
lesson.figure("∂C/∂z'': by hand less the engine's", abs(dz__.data - named["z''"].grad), "<1e-15")

# 2. One layer back: a feeds both, so its derivative is a sum (求和) over them, and σ'(z) = a (1 - a) is a number, known
#    since the forward pass. Weights times numbers, summed and scaled: a neuron again, read from behind.
a = named["a"].data
slope = Value(a * (1 - a), "σ'(z)")
dz = (Value(w3.data, "w3") * dz_ + Value(w4.data, "w4") * dz__) * slope
lesson.figure("∂C/∂z = σ'(z) (w3 ∂C/∂z' + w4 ∂C/∂z'')", dz.data, "-0.0194")
lesson.figure("the same with the first term alone, the sum forgotten", slope.data * w3.data * dz_.data, "-0.0087")

# 3. Times the input of each weight: the two passes meet.
by_hand = [dz.data * x1.data, dz.data * x2.data, dz_.data * a, dz__.data * a]
for weight, derivative in zip(weights, by_hand, strict=True):
    lesson.figure(f"∂C/∂{weight.label}: by hand less the engine's", abs(derivative - weight.grad), "<1e-15")

# The engine can record its own backward pass as well: grad gives a Value with a graph, to be differentiated again.
gradients = ag.grad(network, argnums=(0, 1, 2, 3))(*weights)
lesson.figure("∂C/∂w1 as a graph less the number above", gradients[0].data - w1.grad, "0")
dw1 = dz * Value(x1.data, "x1")
dz.label, dw1.label = "∂C/∂z", "∂C/∂w1"
viz.draw(dw1, lesson.picture("backward.svg", "The backward pass is a network too: from the outputs to ∂C/∂w1"))
