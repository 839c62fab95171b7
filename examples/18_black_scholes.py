"""Lesson 18. Beyond nets 网络之外: the price of an option, and its derivatives.

A European call (欧式看涨期权) by Black and Scholes. Traders call the derivatives of the price the Greeks (希腊字母):
delta by the spot price, vega by the volatility, gamma the second by the spot, and so on. Closed forms are known for
all of them; here they are needed for the comparison alone.
"""

import math
import time

from lesson import Lesson

import autograd as ag
import viz
from autograd import Value

lesson = Lesson(__doc__)
Number = Value | float


def normal_cdf(x: Number) -> Number:
    return 0.5 * ag.erfc(-x / math.sqrt(2))


def price(S: Number, K: Number, r: Number, sigma: Number, T: Number) -> Number:
    """Return S Φ(d1) - K exp(-r T) Φ(d2)."""
    d1 = (ag.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * ag.sqrt(T))
    d2 = d1 - sigma * ag.sqrt(T)
    return S * normal_cdf(d1) - K * ag.exp(-r * T) * normal_cdf(d2)


S, K, r, sigma, T = at = 100.0, 105.0, 0.03, 0.2, 0.75
lesson.figure("price of the call 期权价格", price(*at), "5.741")

# 一阶: one backward pass gives all five first derivatives.
delta, by_strike, rho, vega, by_time = ag.grad(price, argnums=(0, 1, 2, 3, 4))(*at)
# 二阶: the Hessian (海森矩阵) has gamma, vanna and volga.
second = ag.hessian(price)(*at)
gamma, vanna, volga = second[0][0], second[0][3], second[3][3]

d1 = (math.log(S / K) + (r + sigma**2 / 2) * T) / (sigma * math.sqrt(T))
d2 = d1 - sigma * math.sqrt(T)
density = math.exp(-d1 * d1 / 2) / math.sqrt(2 * math.pi)
closed = {
    "delta ∂C/∂S": (delta, 0.5 * math.erfc(-d1 / math.sqrt(2)), "0.474"),
    "vega ∂C/∂σ": (vega, S * density * math.sqrt(T), "34.48"),
    "rho ∂C/∂r": (rho, K * T * math.exp(-r * T) * 0.5 * math.erfc(-d2 / math.sqrt(2)), "31.24"),
    "gamma ∂²C/∂S²": (gamma, density / (S * sigma * math.sqrt(T)), "0.0230"),
    "vanna ∂²C/∂S∂σ": (vanna, -density * d2 / sigma, "0.47"),
    "volga ∂²C/∂σ²": (volga, S * density * math.sqrt(T) * d1 * d2 / sigma, "2.68"),
}
for name, (found, formula, stated) in closed.items():
    lesson.figure(name, found, stated)
    lesson.figure("    relative distance from the closed form", abs(found / formula - 1), "<1e-13")

# 十万行: the formula recorded once, replayed on 100,000 spot prices.
tape = ag.record(price, inputs=at)
rows = [[20 + 160 * i / 100_000, K, r, sigma, T] for i in range(100_000)]
tape.value_and_grad(rows[:8])
start = time.perf_counter()
prices, greeks = tape.value_and_grad(rows)
tape_time = time.perf_counter() - start
start = time.perf_counter()
eager = [ag.value_and_grad(price, argnums=(0, 1, 2, 3, 4))(*row) for row in rows[::1000]]
eager_time = (time.perf_counter() - start) * 1000
same = all(one[0] == p and list(one[1]) == g for one, p, g in zip(eager, prices[::1000], greeks[::1000], strict=True))
lesson.figure("every thousandth row as the eager pass has it, to the bit", same, "1")
lesson.measured("time of 100,000 rows with all five derivatives by tape, s", f"{tape_time:.3f}")
lesson.measured("    and of the eager passes, s", f"{eager_time:.1f}")

spots = [row[0] for row in rows[::500]]
lines = {"delta": [g[0] for g in greeks[::500]], "vega / 50": [g[3] / 50 for g in greeks[::500]]}
viz.plot_lines(
    {name: (spots, numbers) for name, numbers in lines.items()}
    | {"price / 50 价格": (spots, [p / 50 for p in prices[::500]])},
    lesson.picture("greeks.png", "The price and two of its derivatives over the spot price"),
    x="spot price 现价",
)
