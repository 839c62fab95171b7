"""Train a small network on iris, from scikit-learn (the extra `demo`), and test it on a held-out third."""

from sklearn.datasets import load_iris

import nn

X, y = load_iris(return_X_y=True)
X_train, X_test, y_train, y_test = nn.split(X.tolist(), y.tolist(), test=1 / 3, seed=1)
model = nn.MLP(4, [8, 3], seed=1)
optimizer = nn.Adam(model.parameters(), lr=0.01)

history = nn.fit(
    model, X_train, y_train, loss=nn.softmax_cross_entropy, optimizer=optimizer, epochs=100, batch_size=10, seed=1
)

print(model, "with", len(model.parameters()), "parameters")
print(history)
print(f"accuracy on the held-out third: {nn.accuracy(model, X_test, y_test, nn.softmax_cross_entropy):.0%}")
