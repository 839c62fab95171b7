// The graph that stands in the page, what is known of it, and what is shown of it now.
import { $ } from "./elements.js";
import { model, recorded, refusal } from "./engine.js";
import { number, parsed } from "./numbers.js";

export const SHOWN_SLOTS = 24; // a card of more operands has one slot for all
export const NEVER = "–";

export const graph = JSON.parse($("data").textContent);
export const whole = graph.summary === undefined;
export const m = whole ? model(graph, ROWS) : null;
export const asRecorded = whole ? recorded(graph, parsed) : null;
export const cannotMove = whole
  ? refusal(m)
  : `with ${graph.total.toLocaleString("en")} values it is too large for a page`;
export const isParameter = new Set(graph.parameter);
export const isStale = new Set(graph.stale);
export const isRoot = new Set(graph.roots);

export const state = {
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

/** What the panels call; page.js fills it. */
export const acts = {};

export const signed = (x) => (x === null ? NEVER : number(x, true));
export const shortName = (v) => graph.name[v].trim() || `%${v}`;
/** A parameter by its whole path: every neuron has a w0, and a card shows the end that tells it from the others. */
export function nameOf(v) {
  const short = shortName(v);
  if (!isParameter.has(v) || graph.groupOf[v] < 0) return short;
  const path = `${modulePath(v)}.${short.slice(short.lastIndexOf(".") + 1)}`;
  return path.endsWith(short.replace(/^…/, "")) ? path : `${modulePath(v)}.${short}`;
}
export const fullName = (v) => graph.full[v] ?? nameOf(v);
export const glyphOf = (v) => (graph.op[v] < 0 ? "" : graph.ops[graph.op[v]][1]);
export const isLeaf = (v) => graph.op[v] < 0;
export const described = (v) => (isLeaf(v) ? nameOf(v) : `${glyphOf(v)} ${nameOf(v)}`);
export const briefly = (v) => (graph.name[v].trim() ? nameOf(v) : described(v));
export const signClass = (x) => (x > 0 ? "plus" : x < 0 ? "minus" : "");
export const rootsName = () => (graph.roots.length === 1 ? nameOf(graph.roots[0]) : "the sum of the outputs");

export function share(x, largest) {
  if (Math.abs(x) === Infinity || largest === 0) return 1;
  return Math.sqrt(Math.min(1, Math.abs(x) / largest));
}

export function largestOf(list) {
  let largest = 0;
  for (const x of list) if (x !== null && Number.isFinite(x)) largest = Math.max(largest, Math.abs(x));
  return largest;
}

export function ancestors(group) {
  const found = [];
  for (let g = group; g >= 0; g = graph.groups[g][2]) found.push(g);
  return found;
}

/** The card that stands for a value in a view. */
export function cardOf(v, view = state.view) {
  const closed = ancestors(graph.groupOf[v]).filter((g) => !view.opened.has(g));
  return closed.length ? -1 - closed[closed.length - 1] : v;
}

export const members = graph.groups.map(() => []);
if (whole) for (let v = 0; v < m.count; v++) for (const g of ancestors(graph.groupOf[v])) members[g].push(v);
for (const view of graph.views) view.opened = new Set(view.open);

export const modulePath = (v) => (graph.groupOf[v] >= 0 ? graph.groups[graph.groupOf[v]][1] : "");

export const viewOpening = (group) => graph.views.find((view) => view.opened.has(group));

export const isInside = (card, group) =>
  ancestors(card < 0 ? graph.groups[-1 - card][2] : graph.groupOf[card]).includes(group);

export function innermostOpen() {
  const extra = state.view.open.filter((g) => !graph.views[0].opened.has(g));
  return extra.reduce((deep, g) => (ancestors(g).length > ancestors(deep).length ? g : deep), extra[0]);
}
