// What the reader does: steps, opened modules, moved leaves, search, keys.
import {
  bringIntoSight,
  camera,
  current,
  fit,
  fitScale,
  frameCamera,
  LEAST_SCALE,
  OPEN_SCALE,
  room,
  sizeGraph,
  wireCanvas,
  zoom,
} from "./camera.js";
import {
  cards,
  drawView,
  edgeOf,
  edges,
  mark,
  owner,
  showEdge,
  showGroupCard,
  showSummaryCard,
  showValueCard,
} from "./cards.js";
import { $, calm, element, flag, on, say } from "./elements.js";
import { backward, recompute } from "./engine.js";
import { number, parsed } from "./numbers.js";
import { showGroup, showSelected, showStep } from "./panels.js";
import {
  acts,
  ancestors,
  asRecorded,
  cannotMove,
  fullName,
  glyphOf,
  graph,
  innermostOpen,
  isInside,
  largestOf,
  m,
  modulePath,
  shortName,
  state,
  viewOpening,
  whole,
} from "./state.js";
import { dataOf, told } from "./words.js";

const SLIDERS = 24;
const LONG = 9; // characters of a name that fit beside its slider

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
    { class: `leaf${shortName(v).length > LONG ? " long" : ""}`, "data-leaf": v },
    element("label", { for: `leaf${v}`, title: fullName(v) }, shortName(v)),
    element("input", {
      id: `leaf${v}`,
      type: "range",
      min: -reach,
      max: reach,
      step: "any",
      value: Number.isFinite(x) ? x : 0,
    }),
    element("input", { type: "number", step: "any", value: finite(x), "aria-label": `Exact value of ${fullName(v)}` }),
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

function nextMatch() {
  if (state.matches.length === 0) return;
  state.match = (state.match + 1) % state.matches.length;
  select(state.matches[state.match], true);
  say($("found"), `${state.match + 1} of ${state.matches.length}`);
}

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
    // a frame may have no size yet when its script runs
    if ($("world").style.transform === opening) return open();
    sizeGraph();
    bringIntoSight([current()]);
  });
  for (const row of $("sliders").children) wire(row);
}

let opening = "";

/** Show the whole graph where it can be read, else the card that the frame is about. */
function open() {
  sizeGraph();
  const fits = fitScale() > LEAST_SCALE;
  fit(fits ? 0 : OPEN_SCALE, false);
  if (!fits) bringIntoSight([current()], true);
  opening = $("world").style.transform;
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
  say($("sentence"), "Too many to step through here: draw the loss of one sample, or between=(x, loss).");
}

Object.assign(acts, { closeGroup, giveSlider, go, openGroup, render, select });
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
if (graph.focus !== null) select(graph.focus);
open();
