// The panels beside the graph: the step's table, and the value or the module that was chosen.
import { isKnown } from "./cards.js";
import { $, button, element } from "./elements.js";
import { backward, contributionOf, pathCount, paths } from "./engine.js";
import { number, parsed, repr } from "./numbers.js";
import {
  acts,
  asRecorded,
  briefly,
  cannotMove,
  described,
  fullName,
  graph,
  isLeaf,
  isParameter,
  isStale,
  m,
  members,
  nameOf,
  rootsName,
  signClass,
  signed,
  state,
  viewOpening,
  whole,
} from "./state.js";
import { dataOf } from "./words.js";

const SHOWN_PATHS = 12;
const SHOWN_ROWS = 24;
const SHOWN_LEAVES = 8;

function table(heads, rows) {
  const cell = (content) => {
    const [text, x] = Array.isArray(content) ? content : [content];
    return element("td", x === undefined ? {} : { class: signClass(x) }, text);
  };
  return element(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Table" },
    element(
      "table",
      {},
      element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", { scope: "col" }, head)))),
      element(
        "tbody",
        {},
        ...rows.map(([kind, ...cells]) => element("tr", kind ? { class: kind } : {}, ...cells.map(cell))),
      ),
    ),
  );
}

/** A path may go on in the next line after a point. */
const breakable = (name) => name.replaceAll(".", ".\u200b");

export function showStep(frame) {
  if (frame.kind === "product") {
    const start = frame.at - frame.k;
    const count = m.parents[frame.head].length;
    const from = Math.max(0, Math.min(frame.k - SHOWN_ROWS / 2, count - SHOWN_ROWS));
    const grads = backward(m, state.numbers.local, m.seedFrame + start + from).grads;
    const upstream = state.pass.grads[frame.head];
    const rows = [];
    for (let k = from; k < Math.min(count, from + SHOWN_ROWS); k++) {
      const { tail } = m.products[start + k];
      const local = state.numbers.local[frame.head][k];
      const contribution = contributionOf(upstream, local);
      const before = grads[tail] ?? 0;
      grads[tail] = before + contribution;
      const kind = k === frame.k ? "now" : k > frame.k ? "later" : "";
      rows.push([
        kind,
        breakable(nameOf(tail)),
        number(local),
        [signed(contribution), contribution],
        `${signed(before)} → ${signed(grads[tail])}`,
      ]);
    }
    const heads = ["operand", "local ∂", `× ${signed(upstream)}`, "grad before → after"];
    $("stepBody").replaceChildren(table(heads, rows));
    return;
  }
  if (frame.kind === "forward") {
    const rows = m.parents[frame.head]
      .slice(0, SHOWN_ROWS)
      .map((parent, k) => [
        "",
        breakable(nameOf(parent)),
        number(dataOf(parent)),
        number(state.numbers.local[frame.head][k]),
      ]);
    $("stepBody").replaceChildren(table(["operand", "data", "local ∂"], rows));
    return;
  }
  if (frame.kind === "seed") {
    const rows = graph.roots.slice(0, SHOWN_ROWS).map((v) => ["now", nameOf(v), number(dataOf(v)), ["+1", 1]]);
    $("stepBody").replaceChildren(table(["output", "data", "grad"], rows));
    return;
  }
  const leaves = [...graph.op.keys()].filter(isLeaf);
  const rows = leaves.slice(0, SHOWN_LEAVES).map((v) => {
    const grad = state.pass.grads[v];
    return ["", breakable(nameOf(v)), number(dataOf(v)), [signed(grad), grad ?? 0]];
  });
  const more =
    leaves.length > SHOWN_LEAVES
      ? [element("p", { class: "hint" }, `and ${leaves.length - SHOWN_LEAVES} more leaves`)]
      : [];
  $("stepBody").replaceChildren(table(["leaf", "data", "grad"], rows), ...more);
}

function chip(v) {
  return button({}, () => acts.select(v, true), briefly(v));
}

function chips(list) {
  const shown = list.slice(0, SHOWN_ROWS).map(chip);
  if (list.length > SHOWN_ROWS) shown.push(`and ${list.length - SHOWN_ROWS} more`);
  return element("span", { class: "chips" }, ...shown);
}

const entry = (name, ...content) => [element("dt", {}, name), element("dd", {}, ...content)];

export function showSelected() {
  const v = state.selected;
  if (v === null) return;
  if (v < 0) showGroup(-1 - v);
  else showValue(v);
}

function showValue(v) {
  const grad = state.pass.grads[v];
  const facts = element("dl");
  const kind = isLeaf(v) ? (isParameter.has(v) ? "parameter" : "input") : graph.ops[graph.op[v]][0];
  facts.append(...entry("what", kind));
  facts.append(...entry("data", isKnown(v) ? repr(dataOf(v)) : "not computed yet"));
  facts.append(...entry("gradient", grad === null ? "not reached yet" : repr(grad)));
  const kept = graph.grad[v] === null ? null : parsed(graph.grad[v]);
  if (kept !== null && kept !== state.final.grads[v] && state.numbers === asRecorded) {
    facts.append(...entry(".grad", `${repr(kept)} in Python when the page was made`));
  }
  if (graph.groupOf[v] >= 0) facts.append(...entry("module", graph.groups[graph.groupOf[v]][1]));
  if (m.parents[v].length) facts.append(...entry("made of", chips([...new Set(m.parents[v])])));
  if (m.users[v].length)
    facts.append(...entry("used by", chips([...new Set(m.users[v].map((at) => m.products[at].head))])));
  const body = [element("p", { class: "name" }, fullName(v)), facts];
  if (isStale.has(v) && state.numbers === asRecorded) {
    body.splice(
      1,
      0,
      element(
        "p",
        { class: "notice" },
        "An operand was assigned after this was computed: the numbers are those of then.",
      ),
    );
  }
  if (m.users[v].length) body.push(...contributions(v), ...pathList(v));
  if (isLeaf(v) && cannotMove === null && m.computed.length && $(`leaf${v}`) === null) {
    body.push(button({}, () => acts.giveSlider(v), `Move ${nameOf(v)}`));
  }
  keepFocus($("valueBody"), body);
}

/** Replace what is in a panel; the control that has the focus keeps it by its place. */
function keepFocus(home, body) {
  const held = [...home.querySelectorAll("button")].indexOf(document.activeElement);
  home.replaceChildren(...body);
  if (held >= 0) home.querySelectorAll("button")[held]?.focus();
}

function contributions(v) {
  const rows = m.users[v].slice(0, SHOWN_ROWS).map((at) => {
    const { head, k } = m.products[at];
    const upstream = state.final.grads[head];
    const local = state.numbers.local[head][k];
    const amount = state.final.passed[at];
    const text = element("b", { class: signClass(amount) }, signed(amount));
    const via = element("span", { class: "via" }, `${number(upstream)} at ${described(head)}, × ${number(local)}`);
    const here = state.frame === m.seedFrame + at + 1;
    return element(
      "li",
      {},
      button({ class: "row", "aria-pressed": here }, () => acts.go(m.seedFrame + at + 1), text, via),
    );
  });
  const total = state.final.grads[v];
  const says =
    m.users[v].length === 1
      ? "One product makes its gradient"
      : `${m.users[v].length} products add up to ${signed(total)}`;
  return [element("h3", {}, says), element("ul", {}, ...rows)];
}

function pathList(v) {
  const count = pathCount(m, v);
  const shown = paths(m, state.numbers.local, v, SHOWN_PATHS);
  const rows = shown.map((path) => {
    const names = path.products.map((at) => briefly(m.products[at].head));
    const route = names.length > 7 ? [...names.slice(0, 3), "…", ...names.slice(-3)] : names;
    const factors = path.products.map((at) => number(state.numbers.local[m.products[at].head][m.products[at].k]));
    const product = factors.length > 9 ? [...factors.slice(0, 4), "…", ...factors.slice(-4)] : factors;
    const isLit = state.lit !== null && state.lit.join() === path.products.join();
    return element(
      "li",
      {},
      button(
        { class: "row", "aria-pressed": isLit },
        () => {
          state.lit = isLit ? null : path.products;
          acts.render();
        },
        element("b", { class: signClass(path.amount) }, signed(path.amount)),
        ` = ${product.join(" × ")}`,
        element("span", { class: "via" }, [...route, nameOf(v)].join(" → ")),
      ),
    );
  });
  const many = count > BigInt(shown.length) ? `, the ${shown.length} largest` : "";
  const head =
    count === 1n
      ? `One path from ${rootsName()}`
      : `Sum over ${count.toLocaleString("en")} paths from ${rootsName()}${many}`;
  return [element("h3", {}, head), element("ul", {}, ...rows)];
}

export function showGroup(group) {
  const [title, path] = graph.groups[group];
  const inside = members[group];
  const body = [
    element("p", { class: "name" }, title),
    element(
      "dl",
      {},
      ...entry("path", path),
      ...entry("values", (whole ? inside.length : graph.summary[group][0]).toLocaleString("en")),
    ),
  ];
  if (viewOpening(group)) {
    body.push(button({}, () => acts.openGroup(group), `Open ${title}`));
  }
  keepFocus($("valueBody"), body);
}
