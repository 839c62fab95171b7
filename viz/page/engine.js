// What a page computes: values forward, gradients backward product by product, and the paths that a gradient sums up.
// The order and the arithmetic are those of Value.backward.

/** The graph as recorded, ready to be computed again; `graph` is what viz/page/data.py wrote, `rows` the primitives. */
export function model(graph, rows) {
  const operands = graph.operands;
  const count = operands.length;
  const parents = operands.map((list) => list.filter((o) => !Array.isArray(o)));
  const slots = operands.map((list) => list.flatMap((o, slot) => (Array.isArray(o) ? [] : [slot])));
  const computed = [...graph.op.keys()].filter((v) => graph.op[v] >= 0);
  const users = Array.from({ length: count }, () => []);
  const products = [];
  for (const v of [...computed].reverse()) {
    parents[v].forEach((parent, k) => {
      products.push({ head: v, tail: parent, k, slot: slots[v][k] });
    });
  }
  products.forEach((product, at) => {
    users[product.tail].push(at);
  });
  const frames = [{ kind: "start" }];
  for (const v of computed) frames.push({ kind: "forward", head: v });
  frames.push({ kind: "seed" });
  products.forEach((product, at) => {
    frames.push({ kind: "product", at, ...product });
  });
  frames.push({ kind: "end" });
  const forwardFrame = new Array(count).fill(0);
  computed.forEach((v, i) => {
    forwardFrame[v] = i + 1;
  });
  return {
    count,
    computed,
    frames,
    forwardFrame,
    operands,
    parents,
    products,
    rows,
    slots,
    users,
    roots: graph.roots,
    seedFrame: computed.length + 1,
    op: graph.op,
    ops: graph.ops,
  };
}

/** The numbers as recorded. */
export function recorded(graph, parse) {
  return { data: graph.data.map(parse), local: graph.local.map((list) => list.map(parse)) };
}

/** Why the graph cannot be computed again with other leaves, or null. */
export function refusal(m) {
  for (const v of m.computed) {
    const [name, , known] = m.ops[m.op[v]];
    if (!known) return `${name} is a primitive of your own, whose formula only Python knows`;
    if (name === "where") return "it contains where, whose condition was decided when the graph was recorded";
  }
  return null;
}

/** All numbers again from the data of the leaves. */
export function recompute(m, leaves, parse) {
  const data = [...leaves];
  const local = new Array(m.count).fill([]);
  for (const v of m.computed) {
    const operands = m.operands[v].map((o) => (Array.isArray(o) ? parse(o[0]) : data[o]));
    const [out, derivatives] = m.rows[m.ops[m.op[v]][0]](operands);
    data[v] = out;
    local[v] = m.slots[v].map((slot) => derivatives[slot]);
  }
  return { data, local };
}

/** Upstream times local: zero where either is zero, whatever the other. */
export function contributionOf(upstream, local) {
  return upstream === 0 || local === 0 ? 0 : upstream * local;
}

/** Gradients after the frame: numbers where the pass has come, null elsewhere; what passed, by product. */
export function backward(m, local, frame) {
  const grads = new Array(m.count).fill(null);
  const passed = new Array(m.products.length).fill(null);
  let before = 0;
  if (frame >= m.seedFrame) {
    for (const root of m.roots) grads[root] = (grads[root] ?? 0) + 1;
    const done = Math.min(frame - m.seedFrame, m.products.length);
    for (let at = 0; at < done; at++) {
      const { head, tail, k } = m.products[at];
      before = grads[tail] ?? 0;
      passed[at] = contributionOf(grads[head] ?? 0, local[head][k]);
      grads[tail] = before + passed[at];
    }
  }
  return { grads, passed, before };
}

/** How many paths lead from a value to the roots, exactly. */
export function pathCount(m, target) {
  const counts = new Array(m.count).fill(0n);
  for (const root of m.roots) counts[root] += 1n;
  for (const { head, tail } of m.products) counts[tail] += counts[head];
  return counts[target];
}

/** The paths from the roots to a value with the largest products, at most `limit`, each a list of product indices. */
export function paths(m, local, target, limit) {
  const best = Array.from({ length: m.count }, () => []);
  for (const root of m.roots) best[root].push({ size: 1, amount: 1, at: -1, rest: null });
  const keep = (list) => list.sort((a, b) => b.size - a.size).slice(0, limit);
  m.products.forEach(({ head, tail, k }, at) => {
    if (best[head].length === 0 || tail > head) return;
    const own = local[head][k];
    const longer = best[head].map((rest) => {
      const amount = contributionOf(rest.amount, own);
      return { size: Math.abs(amount) || 0, amount, at, rest };
    });
    best[tail] = keep([...best[tail], ...longer]);
  });
  return best[target].map((path) => {
    const products = [];
    for (let step = path; step.at >= 0; step = step.rest) products.push(step.at);
    return { amount: path.amount, products: products.reverse() };
  });
}
