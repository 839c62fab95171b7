"""Lesson 1. The bill 账单: what does one apple more cost?

Two apples at 100 each, and a tax of 10 %. The computation is a graph (计算图) of small operations; each knows its own
derivatives and nothing of the others. The forward pass (正向传播) goes from left to right and gives the bill. The
backward pass (反向传播) goes from right to left and gives the derivative (导数) of the bill by every number in it.
"""

from lesson import Lesson

import viz
from autograd import Value, steps

lesson = Lesson(__doc__)

apples, price, tax = Value(2, "apples 苹果个数"), Value(100, "price 苹果单价"), Value(1.1, "tax 消费税")
subtotal = apples * price
subtotal.label = "subtotal 苹果总价"
bill = subtotal * tax
bill.label = "bill 支付金额"
lesson.figure("the bill 支付金额", bill.data, "220")
viz.draw(bill, lesson.picture("forward.svg", "The forward pass: values, and on each edge a local derivative"))

# The chain rule (链式法则): what comes from upstream (上游), times the local derivative (局部导数), goes downstream.
#     d bill / d subtotal = 1 × tax             = 1.1
#     d bill / d tax      = 1 × subtotal        = 200
#     d bill / d apples   = 1.1 × price         = 110
#     d bill / d price    = 1.1 × apples        = 2.2
bill.backward()
lesson.figure("d bill / d apples: one apple more", apples.grad, "110.0")
lesson.figure("d bill / d price: one more on the price", price.grad, "2.2")
lesson.figure("d bill / d tax", tax.grad, "200")
viz.draw(bill, lesson.picture("backward.svg", "The backward pass: the gradient in every card"))

# The same, one multiplication at a time (每次一步).
print(f"\n{steps(bill)}")
for step in steps(bill):
    print(f"\n{step}")
viz.film(bill, lesson.picture("film.svg", "The backward pass as a film"))

# Is one more apple really 110? The bill is a straight line in each of its numbers, so the derivative tells exactly.
lesson.figure("the bill for three apples less that for two", 3 * 100 * 1.1 - bill.data, "110.0")
