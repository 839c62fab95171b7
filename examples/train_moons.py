"""Train a small network to tell two moons apart."""

import nn

X, y = nn.moons(100, noise=0.1, seed=1)
model = nn.MLP(2, [16, 16, 1], seed=1)
optimizer = nn.Adam(model.parameters(), lr=0.02)

history = nn.fit(model, X, y, loss=nn.hinge, optimizer=optimizer, epochs=60, batch_size=10, seed=1)

print(model, "with", len(model.parameters()), "parameters")
print(history)
print(f"accuracy: {nn.accuracy(model, X, y, nn.hinge):.0%}")
upper, lower = nn.predict(model, [[0.0, 1.0], [1.0, -0.5]])
print(f"the middle of each moon: {upper:+.2f} {lower:+.2f} (below 0 is class 0, above is class 1)")
