// The page itself: cards and lines as SVG, the controls, the panels. User text reaches the document as text alone.
import { backward, contributionOf, model, pathCount, paths, recompute, recorded, refusal } from "./engine.js";
import { number, parsed, repr } from "./numbers.js";

const SVG = "http://www.w3.org/2000/svg";
const SHOWN_SLOTS = 24; // a card of more operands has one slot for all
const SHOWN_PATHS = 12;
const SHOWN_ROWS = 24;
const SHOWN_LEAVES = 8;
const SLIDERS = 24;
const PAD = 9;
const TIP = 11;
const CAP = 5;
const TITLE_LINE = 22;
const ROW_LINE = 17;
const NEVER = "–";

const $ = (id) => document.getElementById(id);
const graph = JSON.parse($("data").textContent);
const whole = graph.summary === undefined;
const m = whole ? model(graph, ROWS) : null;
const asRecorded = whole ? recorded(graph, parsed) : null;
const cannotMove = whole ? refusal(m) : `with ${graph.total.toLocaleString("en")} values it is too large for a page`;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const isParameter = new Set(graph.parameter);
const isStale = new Set(graph.stale);
const isRoot = new Set(graph.roots);

const state = {
  frame: 0,
  view: graph.views[0],
  selected: null, // a value's place, or -1 - g for the group g
  lit: null, // the product indices of a path
  numbers: asRecorded,
  moved: new Map(), // leaf -> number
  pass: null, // what the backward pass has come to at the frame
  final: null, // and at its end
  matches: [],
  match: -1,
};

// -- small helpers ---------------------------------------------------------------------------------------------------
function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
const draw = (tag, attributes = {}, ...children) => filled(document.createElementNS(SVG, tag), attributes, children);

function button(attributes, act, ...children) {
  const made = element("button", { type: "button", ...attributes }, ...children);
  on(made, "click", act);
  return made;
}

const on = (node, name, act, options) => node.addEventListener(name, act, options);
const flag = (node, name, whether) => node.classList.toggle(name, whether);

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

const signed = (x) => (x === null ? NEVER : number(x, true));
const shortName = (v) => graph.name[v].trim() || `%${v}`;
/** A parameter by its whole path: every neuron has a w0. */
const nameOf = (v) => (isParameter.has(v) && graph.groupOf[v] >= 0 ? `${modulePath(v)}.${shortName(v)}` : shortName(v));
const glyphOf = (v) => (graph.op[v] < 0 ? "" : graph.ops[graph.op[v]][1]);
const isLeaf = (v) => graph.op[v] < 0;
const described = (v) => (isLeaf(v) ? nameOf(v) : `${glyphOf(v)} ${nameOf(v)}`);
const briefly = (v) => (graph.name[v].trim() ? nameOf(v) : described(v));
const signClass = (x) => (x > 0 ? "plus" : x < 0 ? "minus" : "");
const rootsName = () => (graph.roots.length === 1 ? nameOf(graph.roots[0]) : "the sum of the outputs");

function share(x, largest) {
  if (Math.abs(x) === Infinity || largest === 0) return 1;
  return Math.sqrt(Math.min(1, Math.abs(x) / largest));
}

function largestOf(list) {
  let largest = 0;
  for (const x of list) if (x !== null && Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
  return largest;
}

function ancestors(group) {
  const found = [];
  for (let g = group; g >= 0; g = graph.groups[g][2]) found.push(g);
  return found;
}

/** The card that stands for a value in a view. */
function cardOf(v, view = state.view) {
  const closed = ancestors(graph.groupOf[v]).filter((g) => !view.opened.has(g));
  return closed.length ? -1 - closed[closed.length - 1] : v;
}

const members = graph.groups.map(() => []);
if (whole) for (let v = 0; v < m.count; v++) for (const g of ancestors(graph.groupOf[v])) members[g].push(v);
for (const view of graph.views) view.opened = new Set(view.open);

// -- drawing a view --------------------------------------------------------------------------------------------------
const cards = new Map(); // card -> what there is of it in the document
const edges = new Map(); // "tail head slot" -> the same
let owner = []; // value -> card
let edgeOf = []; // product -> edge, or undefined inside a closed module

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
function route(from, x, y, passes) {
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

function drawView() {
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

// -- bringing numbers to the cards -----------------------------------------------------------------------------------
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

const isKnown = (v) => m.forwardFrame[v] <= state.frame;

function showValueCard(drawn) {
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

function showGroupCard(drawn) {
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

function showSummaryCard(drawn) {
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

function showEdge(edge, frame) {
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

/** Bring the document to the state. */
function render() {
  if (!whole) {
    for (const drawn of cards.values()) showSummaryCard(drawn);
    for (const edge of edges.values()) {
      edge.arrow.setAttribute("d", `M${edge.x} ${edge.y}l-8 -3v6Z`);
    }
    return;
  }
  const frame = m.frames[state.frame];
  state.pass = backward(m, state.numbers.local, state.frame);
  for (const drawn of cards.values()) {
    if (drawn.card < 0) showGroupCard(drawn);
    else showValueCard(drawn);
  }
  for (const edge of edges.values()) showEdge(edge, frame);
  mark(frame);
  $("frame").value = state.frame;
  $("frame").setAttribute("aria-valuetext", `${state.frame} of ${m.frames.length - 1}`);
  say($("position"), `${state.frame} / ${m.frames.length - 1}`);
  const [where, sentence] = told(frame);
  say($("where"), where);
  say($("sentence"), sentence);
  showStep(frame);
  showSelected();
}

/** Mark the cards and the line that the frame is about, and write the product beside the line. */
function mark(frame) {
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

// -- words -----------------------------------------------------------------------------------------------------------
/** How the product of a frame comes about, after "0.6347 of y's gradient". */
function manner(frame) {
  const { head, slot, k } = frame;
  const [name, glyph] = graph.ops[graph.op[head]];
  const local = number(state.numbers.local[head][k]);
  if (name === "add" || name === "sum") return `passes through ${glyph} unchanged`;
  if (name === "subtract") return slot === 0 ? "passes through − unchanged" : "passes through −, which turns its sign";
  if (name === "negate") return "passes through the minus, which turns its sign";
  if (name === "multiply") return `meets the other factor of ×, ${local}`;
  if (name === "mean") return `is shared out by the mean, ${local} to each`;
  if (m.operands[head].length === 1) return `meets the slope of ${glyph} at ${number(dataOf(frame.tail))}, ${local}`;
  return `meets the local derivative of ${glyph}, ${local}`;
}

const dataOf = (v) => state.numbers.data[v];

function formulaOf(v) {
  const texts = m.operands[v].map((o) => number(Array.isArray(o) ? parsed(o[0]) : dataOf(o)));
  const shown = texts.length > 6 ? [...texts.slice(0, 6), "…"] : texts;
  const glyph = glyphOf(v);
  if (texts.length === 2 && !/^[a-z]/i.test(glyph))
    return shown.map((t, i) => (i && t[0] === "-" ? `(${t})` : t)).join(` ${glyph} `);
  return glyph === "neg" ? `−(${shown[0]})` : `${glyph}(${shown.join(", ")})`;
}

function told(frame) {
  const total = m.products.length;
  const root = rootsName();
  if (frame.kind === "start") {
    const leaves = m.count - m.computed.length;
    return ["start", `${leaves} ${leaves === 1 ? "leaf has its" : "leaves have their"} data. Nothing is computed yet.`];
  }
  if (frame.kind === "forward") {
    return [
      `forward ${state.frame}/${m.computed.length}   ${described(frame.head)}`,
      `${nameOf(frame.head)} = ${formulaOf(frame.head)} = ${number(dataOf(frame.head))}`,
    ];
  }
  if (frame.kind === "seed") {
    return [`backward 0/${total}`, `The pass starts at ${root}: its gradient with respect to itself is 1.`];
  }
  if (frame.kind === "end") {
    return [
      `backward ${total}/${total}   done`,
      `Every gradient is complete: how fast ${root} changes with each value.`,
    ];
  }
  const contribution = state.pass.passed[frame.at];
  const before = state.pass.before;
  const after = state.pass.grads[frame.tail];
  const upstream = state.pass.grads[frame.head];
  const adds = before !== 0 ? `, on top of ${signed(before)}: ${signed(after)} in all` : "";
  const of =
    isRoot.has(frame.head) && upstream === 1
      ? `${root}'s own gradient, 1,`
      : `${number(upstream)} of ${root}'s gradient`;
  return [
    `backward ${frame.at + 1}/${total}   ${described(frame.head)}   upstream ${signed(upstream)}`,
    `${of} ${manner(frame)}: ${signed(contribution)} for ${nameOf(frame.tail)}${adds}.`,
  ];
}

// -- the step's table ------------------------------------------------------------------------------------------------
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

function showStep(frame) {
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
        nameOf(tail),
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
      .map((parent, k) => ["", nameOf(parent), number(dataOf(parent)), number(state.numbers.local[frame.head][k])]);
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
    return ["", nameOf(v), number(dataOf(v)), [signed(grad), grad ?? 0]];
  });
  const more =
    leaves.length > SHOWN_LEAVES
      ? [element("p", { class: "hint" }, `and ${leaves.length - SHOWN_LEAVES} more leaves`)]
      : [];
  $("stepBody").replaceChildren(table(["leaf", "data", "grad"], rows), ...more);
}

// -- the chosen value ------------------------------------------------------------------------------------------------
function chip(v) {
  return button({}, () => select(v, true), briefly(v));
}

function chips(list) {
  const shown = list.slice(0, SHOWN_ROWS).map(chip);
  if (list.length > SHOWN_ROWS) shown.push(`and ${list.length - SHOWN_ROWS} more`);
  return element("span", { class: "chips" }, ...shown);
}

const entry = (name, ...content) => [element("dt", {}, name), element("dd", {}, ...content)];

function showSelected() {
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
  const body = [element("p", { class: "name" }, graph.full[v] ?? nameOf(v)), facts];
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
    body.push(button({}, () => giveSlider(v), `Move ${nameOf(v)}`));
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
      button({ class: "row", "aria-pressed": here }, () => go(m.seedFrame + at + 1), text, via),
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
          render();
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

function showGroup(group) {
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
    body.push(button({}, () => openGroup(group), `Open ${title}`));
  }
  keepFocus($("valueBody"), body);
}

// -- acting ----------------------------------------------------------------------------------------------------------
/** Choose a card; `seek` opens the modules around it and brings it into sight. */
function select(card, seek = false) {
  if (card >= 0 && whole && !cards.has(card)) openAround(card);
  state.selected = card;
  state.lit = null;
  for (const drawn of cards.values()) drawn.g.setAttribute("tabindex", drawn.card === card ? 0 : -1);
  if (whole) render();
  else showGroupOnly(card);
  if (seek) bringIntoSight([card]);
}

function showGroupOnly(card) {
  for (const drawn of cards.values()) flag(drawn.g, "selected", drawn.card === card);
  if (card < 0) showGroup(-1 - card);
  else
    $("valueBody").replaceChildren(element("p", { class: "name" }, `${graph.loose[card][0]} ${graph.loose[card][1]}`));
}

const viewOpening = (group) => graph.views.find((view) => view.opened.has(group));

function openAround(v) {
  const inner = graph.groupOf[v];
  show(graph.views.find((view) => ancestors(inner).every((g) => view.opened.has(g))) ?? graph.views[0]);
}

function openGroup(group) {
  show(viewOpening(group));
  state.selected =
    state.view.cards
      .map(([card]) => card)
      .find((card) => card >= 0 && ancestors(graph.groupOf[card]).includes(group)) ?? null;
  render();
  bringIntoSight(
    state.view.cards.map(([card]) => card).filter((card) => isInside(card, group)),
    true,
  );
}

const isInside = (card, group) =>
  ancestors(card < 0 ? graph.groups[-1 - card][2] : graph.groupOf[card]).includes(group);

function closeGroup(group) {
  const parent = graph.groups[group][2];
  show(parent >= 0 ? viewOpening(parent) : graph.views[0]);
  select(-1 - group, true);
}

function show(view) {
  if (view === state.view) return;
  state.view = view;
  drawView();
  state.lit = null;
  render();
}

/** What changes on the screen from frame to frame: inside a closed module nothing does. */
function visible(frame) {
  if (frame.kind === "product" && edgeOf[frame.at] === undefined) return `in ${owner[frame.head]}`;
  if (frame.kind === "forward" && owner[frame.head] < 0) return `to ${owner[frame.head]}`;
  if (frame.kind === "product" && (owner[frame.head] < 0 || owner[frame.tail] < 0))
    return `${owner[frame.head]} ${owner[frame.tail]}`;
  return "";
}

function neighbour(direction) {
  const last = m.frames.length - 1;
  let at = state.frame + direction;
  if (at < 0 || at > last) return state.frame;
  const seen = visible(m.frames[at]);
  while (seen !== "" && at + direction > 0 && at + direction < last && visible(m.frames[at + direction]) === seen)
    at += direction;
  return at;
}

function go(frame, glide = true) {
  if (!whole) return;
  state.frame = Math.max(0, Math.min(m.frames.length - 1, frame));
  render();
  const now = m.frames[state.frame];
  if (now.kind === "product") {
    bringIntoSight([owner[now.head], owner[now.tail]]);
    if (glide) send(edgeOf[now.at]);
  } else if (now.kind === "forward") {
    bringIntoSight([owner[now.head]]);
  } else if (now.kind === "seed") {
    bringIntoSight(graph.roots.map((root) => owner[root]).slice(0, 1));
  }
  remember();
}

function remember() {
  try {
    history.replaceState(null, "", `#frame=${state.frame}`);
  } catch {
    // a page inside a frame of another has no address of its own
  }
}

function frameOfAddress() {
  const given = /^#frame=(\d{1,9})$/.exec(location.hash);
  if (location.hash === "" || location.hash === "#") return m.frames.length - 1;
  return given === null || Number(given[1]) >= m.frames.length ? 0 : Number(given[1]);
}

let flight = 0;

/** Let the product run along its line, from the node that passes it on to its operand. */
function send(edge) {
  cancelAnimationFrame(flight);
  if (edge === undefined || calm.matches) return;
  const length = edge.line.getTotalLength();
  const token = $("token");
  const start = performance.now();
  const duration = Math.min(420, 700 / speed());
  const fly = (now) => {
    const part = Math.min(1, Math.max(0, (now - start) / duration));
    const { x, y } = edge.line.getPointAtLength(length * (1 - part * part * (3 - 2 * part)));
    token.setAttribute("transform", `translate(${x} ${y})`);
    token.setAttribute("visibility", part < 1 ? "visible" : "hidden");
    if (part < 1) flight = requestAnimationFrame(fly);
  };
  flight = requestAnimationFrame(fly);
}

const speed = () => Number($("speed").value);
let timer = 0;

function play(on) {
  clearTimeout(timer);
  flag($("play"), "playing", on);
  $("play").title = on ? "Pause (space)" : "Play (space)";
  $("sentence").setAttribute("aria-live", on ? "off" : "polite");
  if (!on) return;
  if (state.frame === m.frames.length - 1) go(0);
  const tick = () => {
    go(neighbour(1));
    if (state.frame === m.frames.length - 1) play(false);
    else timer = setTimeout(tick, 1000 / speed());
  };
  timer = setTimeout(tick, 1000 / speed());
}

const isPlaying = () => $("play").classList.contains("playing");

// -- moving the leaves -----------------------------------------------------------------------------------------------
function compute() {
  if (state.moved.size === 0) {
    state.numbers = asRecorded;
  } else {
    const leaves = asRecorded.data.map((x, v) => (state.moved.has(v) ? state.moved.get(v) : x));
    state.numbers = recompute(m, leaves, parsed);
  }
  state.final = backward(m, state.numbers.local, m.frames.length - 1);
  state.largestGradient = largestOf(state.final.grads);
  state.largestContribution = largestOf(state.final.passed);
  $("restore").disabled = state.moved.size === 0;
}

function moveLeaf(v, x) {
  if (!Number.isFinite(x)) return;
  state.moved.set(v, x);
  compute();
  render();
}

/** Wire the two inputs of a leaf; what the slider gives is rounded to a thousandth of its reach. */
function wire(row) {
  const v = Number(row.dataset.leaf);
  const [slider, exact] = row.querySelectorAll("input");
  const digits = Math.max(0, Math.min(20, 3 - Math.floor(Math.log10(Number(slider.max)))));
  on(slider, "input", () => {
    const x = Number(Number(slider.value).toFixed(digits));
    exact.value = x;
    row.classList.add("moved");
    moveLeaf(v, x);
  });
  on(exact, "change", () => {
    if (exact.value === "" || !Number.isFinite(exact.valueAsNumber)) {
      exact.value = finite(dataOf(v));
      return;
    }
    slider.value = exact.valueAsNumber;
    row.classList.add("moved");
    moveLeaf(v, exact.valueAsNumber);
  });
  on(slider, "focus", () => {
    if (state.selected !== v) select(v);
  });
}

const finite = (x) => (Number.isFinite(x) ? number(x) : "");

function giveSlider(v) {
  const x = dataOf(v);
  const reach = graph.reach[v];
  const row = element(
    "div",
    { class: "leaf", "data-leaf": v },
    element("label", { for: `leaf${v}`, title: nameOf(v) }, nameOf(v)),
    element("input", {
      id: `leaf${v}`,
      type: "range",
      min: -reach,
      max: reach,
      step: "any",
      value: Number.isFinite(x) ? x : 0,
    }),
    element("input", { type: "number", step: "any", value: finite(x), "aria-label": `Exact value of ${nameOf(v)}` }),
  );
  if ($("sliders").children.length === SLIDERS) $("sliders").firstElementChild.remove();
  $("sliders").append(row);
  wire(row);
  row.querySelector("input").focus();
}

function restore() {
  state.moved.clear();
  compute();
  for (const row of $("sliders").children) {
    const [slider, exact] = row.querySelectorAll("input");
    const x = asRecorded.data[Number(row.dataset.leaf)];
    slider.value = Number.isFinite(x) ? x : 0;
    exact.value = finite(x);
    row.classList.remove("moved");
  }
  render();
}

// -- pan and zoom ----------------------------------------------------------------------------------------------------
const camera = { x: 0, y: 0, k: 1 };
const MARGIN = 28;
const LEAST_SCALE = 0.6; // what would be smaller opens at OPEN_SCALE, and not in whole
const OPEN_SCALE = 0.85;

function frameCamera(glide = false) {
  flag($("world"), "gliding", glide && !calm.matches);
  $("world").style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.k})`;
}

const room = () => $("canvas").getBoundingClientRect();

/** In pixels: with a size in percent, a browser lays all text out again whenever anything on the page changes. */
function sizeGraph() {
  const { width, height } = room();
  $("graph").style.width = `${width}px`;
  $("graph").style.height = `${height}px`;
}

/** The rectangle that all cards and frames take. */
function extent() {
  const boxes = [...state.view.cards, ...state.view.frames].map(([, x, y, w, h]) => [x, y, x + w, y + h]);
  const side = (at, pick) => boxes.reduce((found, box) => pick(found, box[at]), boxes[0][at]);
  return [side(0, Math.min), side(1, Math.min), side(2, Math.max), side(3, Math.max)];
}

function fitScale() {
  const [left, top, right, bottom] = extent();
  const { width, height } = room();
  return Math.min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN - 20) / (bottom - top));
}

function fit(least = 0, glide = true) {
  const [left, top, right, bottom] = extent();
  const { width, height } = room();
  camera.k = Math.max(least, Math.min(1.3, Math.max(0.02, fitScale())));
  camera.x = width / 2 - (camera.k * (left + right)) / 2;
  camera.y = (height - 20) / 2 - (camera.k * (top + bottom)) / 2;
  frameCamera(glide);
}

function zoom(factor, at) {
  const { width, height } = room();
  const [x, y] = at ?? [width / 2, height / 2];
  const k = Math.max(0.02, Math.min(6, camera.k * factor));
  camera.x = x - ((x - camera.x) * k) / camera.k;
  camera.y = y - ((y - camera.y) * k) / camera.k;
  camera.k = k;
  frameCamera(at === undefined);
}

/** Move the picture as little as brings these cards into it; `centre` moves it to their middle. */
function bringIntoSight(list, centre = false) {
  const boxes = list.map((card) => cards.get(card)).filter((box) => box !== undefined);
  if (boxes.length === 0) return;
  const { width, height } = room();
  const sides = [
    [Math.min(...boxes.map((b) => b.x)), Math.max(...boxes.map((b) => b.x + b.w)), "x", width],
    [Math.min(...boxes.map((b) => b.y)), Math.max(...boxes.map((b) => b.y + b.h)), "y", height - 40],
  ];
  const [left, top, right, bottom] = extent();
  const reach = { x: [left, right], y: [top, bottom] };
  let changed = false;
  for (const [low, high, axis, size] of sides) {
    const [from, to] = [low * camera.k + camera[axis], high * camera.k + camera[axis]];
    if (centre || to - from > size - 2 * MARGIN) {
      // what does not fit is shown from its middle, or from the first card's start
      const middle =
        to - from > size - 2 * MARGIN && !centre
          ? boxes[0][axis] * camera.k + size / 2 - MARGIN
          : ((low + high) / 2) * camera.k;
      if (centre || from < 0 || to > size) {
        camera[axis] = size / 2 - middle;
        changed = true;
      }
    } else if (from < MARGIN) {
      camera[axis] += MARGIN - from;
      changed = true;
    } else if (to > size - MARGIN) {
      camera[axis] -= to - size + MARGIN;
      changed = true;
    }
    // no empty room beside a picture that is larger than the window
    const [start, end] = reach[axis].map((x) => x * camera.k);
    if (centre && end - start > size - 2 * MARGIN) {
      camera[axis] = Math.max(size - MARGIN - end, Math.min(MARGIN - start, camera[axis]));
    }
  }
  if (changed) frameCamera(true);
}

/** The card that the frame is about, where none was chosen. */
function current() {
  if (state.selected !== null && cards.has(state.selected)) return state.selected;
  return whole ? owner[m.frames[state.frame].head ?? graph.roots[0]] : state.view.cards.at(-1)[0];
}

const fingers = new Map();
let travelled = 0;

function pinch() {
  const [a, b] = [...fingers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
}

function wireCanvas() {
  const svg = $("graph");
  const spot = (event) => ({ x: event.clientX - room().left, y: event.clientY - room().top });
  on(svg, "pointerdown", (event) => {
    fingers.set(event.pointerId, spot(event));
    if (fingers.size === 1) travelled = 0;
  });
  on(svg, "pointermove", (event) => {
    if (!fingers.has(event.pointerId)) return;
    const before = fingers.size === 2 ? pinch() : fingers.get(event.pointerId);
    fingers.set(event.pointerId, spot(event));
    const after = fingers.size === 2 ? pinch() : fingers.get(event.pointerId);
    travelled += Math.hypot(after.x - before.x, after.y - before.y);
    if (travelled > 4 && !svg.classList.contains("dragging")) {
      svg.classList.add("dragging");
      svg.setPointerCapture(event.pointerId);
    }
    camera.x += after.x - before.x;
    camera.y += after.y - before.y;
    if (fingers.size === 2 && before.distance > 0) zoom(after.distance / before.distance, [after.x, after.y]);
    else frameCamera();
  });
  for (const name of ["pointerup", "pointercancel"]) {
    on(svg, name, (event) => {
      fingers.delete(event.pointerId);
      svg.classList.remove("dragging");
    });
  }
  on(svg, "click", (event) => {
    if (travelled > 4) return;
    const opener = event.target.closest("[data-open]");
    const card = event.target.closest("[data-card]");
    const frame = event.target.closest(".frame.closable text");
    if (opener !== null) openGroup(Number(opener.dataset.open));
    else if (card !== null) select(Number(card.dataset.card));
    else if (frame !== null) closeGroup(Number(frame.parentNode.dataset.frame));
    else if (state.lit !== null) {
      state.lit = null;
      render();
    }
  });
  on(svg, "dblclick", (event) => {
    const card = Number(event.target.closest("[data-card]")?.dataset.card ?? 0);
    if (card < 0 && viewOpening(-1 - card)) openGroup(-1 - card);
  });
  on(
    svg,
    "wheel",
    (event) => {
      const { x, y } = spot(event);
      event.preventDefault();
      if (event.ctrlKey || event.metaKey || !isTrackpad(event)) {
        zoom(Math.exp(-event.deltaY / (event.ctrlKey ? 120 : 400)), [x, y]);
      } else {
        camera.x -= event.deltaX;
        camera.y -= event.deltaY;
        frameCamera();
      }
    },
    { passive: false },
  );
}

/** Two fingers on a trackpad pan in small steps; a wheel turns by large ones, and zooms. */
function isTrackpad(event) {
  return event.deltaMode === 0 && (event.deltaX !== 0 || Math.abs(event.deltaY) < 40);
}

// -- finding ---------------------------------------------------------------------------------------------------------
function search() {
  const wanted = $("query").value.trim().toLowerCase();
  const reads = (v) =>
    [graph.name[v], graph.full[v] ?? "", `%${v}`, glyphOf(v), modulePath(v)].some((text) =>
      text.toLowerCase().includes(wanted),
    );
  state.matches = wanted === "" || !whole ? [] : [...graph.op.keys()].filter(reads);
  state.match = -1;
  say($("found"), wanted === "" ? "" : `${state.matches.length} found`);
  if (whole) render();
}

const modulePath = (v) => (graph.groupOf[v] >= 0 ? graph.groups[graph.groupOf[v]][1] : "");

function nextMatch() {
  if (state.matches.length === 0) return;
  state.match = (state.match + 1) % state.matches.length;
  select(state.matches[state.match], true);
  say($("found"), `${state.match + 1} of ${state.matches.length}`);
}

// -- keys and buttons ------------------------------------------------------------------------------------------------
function stepCard(direction) {
  const list = state.view.cards.map(([card]) => card);
  const held = document.activeElement?.closest?.("[data-card]");
  const at = held ? list.indexOf(Number(held.dataset.card)) : -1;
  const card = list[Math.max(0, Math.min(list.length - 1, at + direction))];
  cards.get(card).g.focus({ preventScroll: true });
  bringIntoSight([card]);
}

function hear(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const target = event.target;
  const typing = target.matches('input[type="search"], input[type="number"], select');
  const sliding = target.matches('input[type="range"]');
  const onCard = target.closest("[data-card]");
  if (typing) return;
  const acts = {
    ArrowLeft: () => go(neighbour(-1)),
    ArrowRight: () => go(neighbour(1)),
    Home: () => go(0),
    End: () => go(m.frames.length - 1),
    b: () => go(m.seedFrame),
    " ": () => play(!isPlaying()),
    "/": () => $("query").focus(),
    "+": () => zoom(1.25),
    "-": () => zoom(0.8),
    0: () => fit(),
    1: () => actual(),
    Escape: () => {
      state.lit = null;
      render();
    },
    ArrowUp: onCard ? () => stepCard(-1) : undefined,
    ArrowDown: onCard ? () => stepCard(1) : undefined,
  };
  if (onCard && (event.key === "Enter" || event.key === " ")) {
    const card = Number(onCard.dataset.card);
    if (card < 0 && viewOpening(-1 - card)) openGroup(-1 - card);
    else select(card);
    cards.get(state.selected ?? card)?.g.focus({ preventScroll: true });
    event.preventDefault();
    return;
  }
  const act = acts[event.key];
  const own = sliding && /^(Arrow|Home|End)/.test(event.key);
  if (act === undefined || own || (event.key === " " && target.matches("button"))) return;
  if (!whole && !"+-01/".includes(event.key)) return;
  event.preventDefault();
  if (event.key !== " ") play(false);
  act();
}

function actual() {
  const { width, height } = room();
  zoom(1 / camera.k, [width / 2, height / 2]);
  frameCamera(true);
}

function wireControls() {
  const still = (act) => () => {
    play(false);
    act();
  };
  const clicks = {
    first: still(() => go(0)),
    back: still(() => go(neighbour(-1))),
    next: still(() => go(neighbour(1))),
    last: still(() => go(m.frames.length - 1)),
    toBackward: still(() => go(m.seedFrame)),
    play: () => play(!isPlaying()),
    restore,
    fit: () => fit(),
    actual,
    zoomIn: () => zoom(1.25),
    zoomOut: () => zoom(0.8),
    closeModule: () => closeGroup(innermostOpen()),
    theme: () => {
      const { dataset } = document.documentElement;
      const auto = window.matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      dataset.theme = (dataset.theme === "auto" ? auto : dataset.theme) === "dark" ? "light" : "dark";
    },
  };
  for (const [id, act] of Object.entries(clicks)) on($(id), "click", act);
  on($("frame"), "input", () => {
    play(false);
    go(Number($("frame").value), false);
  });
  on($("query"), "input", search);
  on($("find"), "submit", (event) => {
    event.preventDefault();
    nextMatch();
  });
  on(document, "keydown", hear);
  on(window, "hashchange", () => {
    if (whole) go(frameOfAddress());
  });
  on(window, "resize", () => {
    sizeGraph();
    bringIntoSight([current()]);
  });
  for (const row of $("sliders").children) wire(row);
}

function innermostOpen() {
  const extra = state.view.open.filter((g) => !graph.views[0].opened.has(g));
  return extra.reduce((deep, g) => (ancestors(g).length > ancestors(deep).length ? g : deep), extra[0]);
}

/** A graph that cannot be computed again says so; one too large to step through says that, too. */
function refuse() {
  if (cannotMove === null && m.computed.length) return;
  const reason = cannotMove ?? "it is one leaf, from which nothing follows";
  say($("refusal"), `This graph cannot be moved: ${reason}.`);
  $("refusal").hidden = false;
  $("liveHint").hidden = true;
  $("restore").hidden = true;
  for (const input of $("sliders").querySelectorAll("input")) input.disabled = true;
  if (whole) return;
  for (const control of document.querySelectorAll(".transport button, .transport input, .transport select"))
    control.disabled = true;
  say($("where"), `${graph.total.toLocaleString("en")} values, by module`);
  say($("sentence"), "Too many to step through here: draw the loss of one sample, or a part of the graph.");
}

// -- opening the page ------------------------------------------------------------------------------------------------
wireControls();
wireCanvas();
refuse();
if (whole) {
  $("frame").max = m.frames.length - 1;
  compute();
  state.frame = frameOfAddress();
}
drawView();
render();
sizeGraph();
const fits = fitScale() > LEAST_SCALE;
fit(fits ? 0 : OPEN_SCALE, false);
if (!fits) bringIntoSight([current()], true);
