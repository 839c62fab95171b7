import { $, draw, element, flag, say } from "./elements.js";
import { number, parsed } from "./numbers.js";
import {
  cardOf,
  glyphOf,
  graph,
  innermostOpen,
  isLeaf,
  isParameter,
  isRoot,
  isStale,
  m,
  members,
  NEVER,
  SHOWN_SLOTS,
  share,
  shortName,
  signed,
  state,
  viewOpening,
  whole,
} from "./state.js";

const PAD = 9;
const TIP = 11;
const CAP = 5;
const TITLE_LINE = 22;
const ROW_LINE = 17;

export const cards = new Map(); // card -> what there is of it in the document
export const edges = new Map(); // "tail head slot" -> the same
export let owner = []; // value -> card
export let edgeOf = []; // product -> edge, or undefined inside a closed module

function slotHeight(v, slot, height) {
  const count = m.operands[v].length > SHOWN_SLOTS ? 1 : m.operands[v].length;
  return count === 1 ? 0 : ((height - 4) / count) * (slot - (count - 1) / 2);
}

function outline(kind, x, y, w, h) {
  if (kind === "input") {
    const [tip, right] = [x + w - TIP, x + w];
    const d = `M${x} ${y}H${tip}L${right} ${y + h / 2}L${tip} ${y + h}H${x}Z`;
    return [draw("path", { class: "body", d, "stroke-linejoin": "round" })];
  }
  if (kind === "parameter") {
    const arc = `A${w / 2} ${CAP} 0 0`;
    const [rim, foot, right] = [y + CAP, y + h - CAP, x + w];
    return [
      draw("path", { class: "body", d: `M${x} ${rim}${arc} 1 ${right} ${rim}V${foot}${arc} 1 ${x} ${foot}Z` }),
      draw("path", { class: "rim", d: `M${x} ${rim}${arc} 0 ${right} ${rim}` }),
    ];
  }
  return [draw("rect", { class: "body", x, y, width: w, height: h, rx: 9 })];
}

function kindOf(card) {
  if (card < 0) return "group";
  if (!whole) return graph.loose[card][4];
  return isLeaf(card) ? (isParameter.has(card) ? "parameter" : "input") : "operation";
}

/** Title, subtitle and the names of the rows of a card. */
function faceOf(card) {
  if (card < 0) return [graph.groups[-1 - card][0], "", ["parameters", "operations", "data", "‖grad‖"]];
  if (!whole) return [graph.loose[card][0], graph.loose[card][1], ["data", "grad"]];
  return isLeaf(card) ? [shortName(card), "", ["data", "grad"]] : [glyphOf(card), shortName(card), ["data", "grad"]];
}

function drawCard([card, x, y, w, h, slotWidth]) {
  const kind = kindOf(card);
  const [title, subtitle, rowNames] = faceOf(card);
  const g = draw("g", {
    class: `card ${kind}${isRoot.has(card) ? " output" : ""}`,
    role: "button",
    tabindex: -1,
    "data-card": card,
    "aria-label": card < 0 ? `module ${title}, closed` : `${title} ${subtitle}`.trim(),
  });
  g.append(draw("rect", { class: "halo", x: x - 5, y: y - 5, width: w + 10, height: h + 10, rx: 12 }));
  if (kind === "group") {
    g.append(draw("rect", { class: "back", x: x + 5, y: y - 5, width: w, height: h, rx: 9 }));
  }
  const outlined = outline(kind, x, y, w, h);
  g.append(...outlined);
  const drawn = { g, body: outlined[0], card, x, y, w, h, kind, rows: [], slots: [], label: "" };
  let left = x + PAD;
  const right = x + w - PAD - (kind === "input" ? TIP : 0);
  let top = y + (kind === "parameter" ? 2.5 * CAP : 0);
  if (whole && kind === "operation") {
    g.append(draw("path", { class: "rim", d: `M${x + slotWidth} ${y}V${y + h}` }));
    const many = m.operands[card].length > SHOWN_SLOTS;
    const texts = many ? [`${m.operands[card].length} operands`] : m.operands[card].map(() => "");
    texts.forEach((text, slot) => {
      const given = Array.isArray(m.operands[card][slot]) || many;
      const at = y + h / 2 + slotHeight(card, slot, h) + 3.5;
      const shown = draw("text", { class: `slot${given ? " given" : ""}`, x: x + slotWidth - 5, y: at }, text);
      if (!many) drawn.slots.push(shown);
      g.append(shown);
    });
    if (graph.ops[graph.op[card]][0] === "dot" && !many) {
      g.append(draw("path", { class: "rim", d: `M${x} ${y + h / 2}h${slotWidth}` }));
    }
    left += slotWidth;
  }
  const body = TITLE_LINE + rowNames.length * ROW_LINE + 8;
  top += (h - (kind === "parameter" ? 3 * CAP : 0) - body) / 2;
  const heading = draw(
    "text",
    { class: "title", x: (left + right - (kind === "group" ? 24 : 0)) / 2, y: top + 17 },
    title,
  );
  if (subtitle) heading.append(draw("tspan", { class: "subtitle", dx: 6 }, subtitle));
  g.append(heading);
  rowNames.forEach((name, i) => {
    const at = top + TITLE_LINE + (i + 1) * ROW_LINE - 4;
    const shown = draw("text", { class: `number${name === "grad" ? " gradient" : ""}`, x: right, y: at });
    g.append(draw("text", { class: "what", x: left, y: at }, name), shown);
    drawn.rows.push({ shown, room: right - left - 6 * name.length - 8 });
  });
  if (whole && isStale.has(card)) {
    g.append(draw("text", { class: "stale", x: x + w - 14, y: y + 14 }, "≠"));
  }
  if (kind === "group" && viewOpening(-1 - card)) {
    const [cx, cy] = [x + w - 15, y + 15];
    g.append(
      element(
        "svg:g",
        { class: "open", "data-open": -1 - card },
        draw("circle", { cx, cy, r: 9 }),
        draw("path", { d: `M${cx - 4} ${cy}h8M${cx} ${cy - 4}v8` }),
      ),
    );
  }
  cards.set(card, drawn);
  return g;
}

/** A bend into each rank that the line passes, and a straight part through it. */
export function route(from, x, y, passes) {
  let [left, above] = [from.x + from.w, from.y + from.h / 2];
  if (x < left) return `M${left} ${above}C${left + 60} ${above} ${x - 60} ${y} ${x - 7} ${y}`;
  let d = `M${left} ${above}`;
  const bend = (right, below) => {
    const middle = (left + right) / 2;
    d += `C${middle} ${above} ${middle} ${below} ${right} ${below}`;
    [left, above] = [right, below];
  };
  for (let at = 0; at < passes.length; at += 3) {
    bend(passes[at], passes[at + 2]);
    left = passes[at + 1];
    d += `H${left}`;
  }
  bend(x - 7, y);
  return d;
}

function drawEdge([tail, head, slot, ...passes]) {
  const to = cards.get(head);
  const y = to.y + to.h / 2 + (head < 0 || !whole ? 0 : slotHeight(head, slot, to.h));
  const line = draw("path", { class: "line", d: route(cards.get(tail), to.x, y, passes) });
  const arrow = draw("path", { class: "arrow" });
  const g = draw("g", { class: "edge" }, line, arrow);
  const drawn = { g, line, arrow, x: to.x, y, products: [], tail, head, width: 0 };
  edges.set(`${tail} ${head} ${slot}`, drawn);
  return g;
}

function drawFrame([group, x, y, w, h]) {
  const closable = !graph.views[0].opened.has(group);
  return element(
    "svg:g",
    { class: `frame${closable ? " closable" : ""}`, "data-frame": group },
    draw("rect", { x, y, width: w, height: h, rx: 12 }),
    draw("text", { x: x + 10, y: y + 16 }, `${closable ? "− " : ""}${graph.groups[group][1]}`),
  );
}

export function drawView() {
  cards.clear();
  edges.clear();
  const { view } = state;
  const drawnCards = view.cards.map(drawCard);
  const drawnEdges = view.edges.map(drawEdge);
  const overlay = [
    draw("path", { id: "backArrow", d: "M0 0L9 -5V5Z", visibility: "hidden" }),
    draw("circle", { id: "token", r: 5.5, visibility: "hidden" }),
    draw("text", { id: "product" }),
  ];
  $("world").replaceChildren(...view.frames.map(drawFrame), ...drawnEdges, ...drawnCards, ...overlay);
  if (whole) {
    owner = graph.groupOf.map((_, v) => cardOf(v));
    edgeOf = m.products.map(({ head, tail, slot }) => {
      const at = owner[head] < 0 || m.operands[head].length > SHOWN_SLOTS ? 0 : slot;
      return edges.get(`${owner[tail]} ${owner[head]} ${at}`);
    });
    edgeOf.forEach((edge, at) => {
      if (edge !== undefined) edge.products.push(at);
    });
  }
  const first = view.cards.map(([card]) => card).find((card) => isRoot.has(card)) ?? view.cards[0][0];
  cards.get(cards.has(state.selected) ? state.selected : first).g.setAttribute("tabindex", 0);
  $("closeModule").hidden = view === graph.views[0];
  if (view !== graph.views[0]) say($("closeModule"), `Close ${graph.groups[innermostOpen()][0]}`);
}

function put({ shown, room }, text) {
  if (shown.textContent === text) return;
  shown.textContent = text;
  const width = text.length * 6.9;
  if (width > room) shown.setAttribute("font-size", Math.max(7, (11 * room) / width).toFixed(1));
  else shown.removeAttribute("font-size");
}

function tone(node, x) {
  flag(node, "positive", x > 0);
  flag(node, "negative", x < 0);
  flag(node, "zero", x === 0 || Number.isNaN(x));
}

export const isKnown = (v) => m.forwardFrame[v] <= state.frame;

export function showValueCard(drawn) {
  const v = drawn.card;
  const known = isKnown(v);
  const grad = state.pass.grads[v];
  put(drawn.rows[0], known ? number(state.numbers.data[v]) : NEVER);
  put(drawn.rows[1], signed(grad));
  let parent = 0;
  drawn.slots.forEach((slot, at) => {
    const given = m.operands[v][at];
    if (Array.isArray(given)) {
      const last = graph.ops[graph.op[v]][0] === "softmax_cross_entropy" && at === drawn.slots.length - 1;
      put({ shown: slot, room: 99 }, `${last ? "class " : ""}${number(parsed(given[0]))}`);
    } else {
      put({ shown: slot, room: 99 }, known ? `∂ ${number(state.numbers.local[v][parent])}` : "∂");
      parent++;
    }
  });
  flag(drawn.g, "dim", !known);
  tone(drawn.g, grad ?? undefined);
  const strength = grad ? `${(25 + 75 * share(grad, state.largestGradient)).toFixed(1)}%` : "";
  if (strength !== drawn.strength) {
    drawn.strength = strength;
    drawn.body.style.setProperty("--share", strength);
  }
}

export function showGroupCard(drawn) {
  const group = members[-1 - drawn.card];
  let [low, high, parameters, operations, squares, reached] = [Infinity, -Infinity, 0, 0, 0, false];
  for (const v of group) {
    const x = state.numbers.data[v];
    if (isKnown(v) && x < low) low = x;
    if (isKnown(v) && x > high) high = x;
    if (!isLeaf(v)) operations++;
    if (isParameter.has(v)) parameters++;
  }
  for (const v of group) {
    if (parameters > 0 && !isParameter.has(v)) continue;
    reached ||= state.pass.grads[v] !== null;
    squares += (state.pass.grads[v] ?? 0) ** 2;
  }
  put(drawn.rows[0], parameters.toLocaleString("en"));
  put(drawn.rows[1], operations.toLocaleString("en"));
  put(drawn.rows[2], low <= high ? `${number(low)} … ${number(high)}` : NEVER);
  put(drawn.rows[3], reached ? number(Math.sqrt(squares)) : NEVER);
  flag(
    drawn.g,
    "dim",
    group.every((v) => !isLeaf(v) && !isKnown(v)),
  );
}

export function showSummaryCard(drawn) {
  if (drawn.card < 0) {
    const [count, parameters, span, norm] = graph.summary[-1 - drawn.card];
    put(drawn.rows[0], parameters.toLocaleString("en"));
    put(drawn.rows[1], (count - parameters).toLocaleString("en"));
    put(drawn.rows[2], span);
    put(drawn.rows[3], norm);
    return;
  }
  put(drawn.rows[0], graph.loose[drawn.card][2]);
  put(drawn.rows[1], graph.loose[drawn.card][3]);
}

export function showEdge(edge, frame) {
  let [total, squares, passed, known] = [0, 0, false, false];
  let [some, other] = [false, false];
  for (const at of edge.products) {
    const x = state.pass.passed[at];
    known ||= isKnown(m.products[at].head);
    if (x === null) continue;
    passed = true;
    total += x;
    squares += x * x;
    if (x > 0) some = true;
    else if (x < 0) other = true;
  }
  const size = edge.products.length === 1 ? total : Math.sqrt(squares);
  const plain = passed && !(some && other) ? total : undefined;
  flag(edge.g, "dim", !known);
  flag(edge.g, "positive", plain > 0);
  flag(edge.g, "negative", plain < 0);
  const active = frame.kind === "product" && edge === edgeOf[frame.at];
  flag(edge.g, "active", active);
  flag(edge.g, "feeding", frame.kind === "forward" && edge.head === owner[frame.head] && feeds(edge, frame));
  const width = passed && size !== 0 && !Number.isNaN(size) ? 0.8 + 2.2 * share(size, state.largestContribution) : 0.8;
  if (edge.width !== width || edge.wide !== active) {
    edge.width = width;
    edge.wide = active;
    edge.line.style.setProperty("--width", `${width.toFixed(2)}px`);
    const half = 2.4 + (active ? 3.4 : width) * 0.7;
    edge.arrow.setAttribute("d", `M${edge.x} ${edge.y}L${edge.x - 8} ${edge.y - half}V${edge.y + half}Z`);
  }
}

const feeds = (edge, frame) => edge.products.some((at) => m.products[at].head === frame.head);

/** Mark the cards and the line that the frame is about, and write the product beside the line. */
export function mark(frame) {
  const heads = new Set();
  const operands = new Set();
  if (frame.kind === "forward" || frame.kind === "product") heads.add(owner[frame.head]);
  if (frame.kind === "forward") for (const parent of m.parents[frame.head]) operands.add(owner[parent]);
  if (frame.kind === "product") operands.add(owner[frame.tail]);
  if (frame.kind === "seed") for (const root of graph.roots) heads.add(owner[root]);
  for (const { card, g } of cards.values()) {
    flag(g, "head", heads.has(card));
    flag(g, "operand", operands.has(card) && !heads.has(card));
    flag(g, "selected", card === state.selected);
    flag(g, "match", state.match >= 0 && owner[state.matches[state.match]] === card);
  }
  const edge = frame.kind === "product" ? edgeOf[frame.at] : undefined;
  $("token").setAttribute("visibility", "hidden");
  $("backArrow").setAttribute("visibility", edge === undefined ? "hidden" : "visible");
  if (edge === undefined) {
    say($("product"), "");
  } else {
    const middle = edge.line.getPointAtLength(edge.line.getTotalLength() / 2);
    const start = edge.line.getPointAtLength(0);
    say($("product"), signed(state.pass.passed[frame.at]));
    $("product").setAttribute("x", middle.x);
    $("product").setAttribute("y", middle.y - 9);
    $("backArrow").setAttribute("transform", `translate(${start.x} ${start.y})`);
  }
  light();
}

/** Light the path that was chosen, and dim all else. */
function light() {
  const lit = state.lit ?? [];
  const onPath = new Set(lit.flatMap((at) => [owner[m.products[at].head], owner[m.products[at].tail]]));
  const lines = new Set(lit.map((at) => edgeOf[at]));
  flag($("world"), "lighting", lit.length > 0);
  for (const { card, g } of cards.values()) flag(g, "lit", onPath.has(card));
  for (const edge of edges.values()) flag(edge.g, "lit", lines.has(edge));
}
