// Pan and zoom.
import { cards, owner } from "./cards.js";
import { $, calm, flag, on } from "./elements.js";
import { acts, graph, m, state, viewOpening, whole } from "./state.js";

export const camera = { x: 0, y: 0, k: 1 };
const MARGIN = 28;
export const LEAST_SCALE = 0.25; // what would be smaller opens at OPEN_SCALE, and not in whole
export const OPEN_SCALE = 0.85;

export function frameCamera(glide = false) {
  flag($("world"), "gliding", glide && !calm.matches);
  $("world").style.transform = `translate(${camera.x}px, ${camera.y}px) scale(${camera.k})`;
}

export const room = () => $("canvas").getBoundingClientRect();

/** In pixels: with a size in percent, a browser lays all text out again whenever anything on the page changes. */
export function sizeGraph() {
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

export function fitScale() {
  const [left, top, right, bottom] = extent();
  const { width, height } = room();
  return Math.min((width - 2 * MARGIN) / (right - left), (height - 2 * MARGIN - 20) / (bottom - top));
}

export function fit(least = 0, glide = true) {
  const [left, top, right, bottom] = extent();
  const { width, height } = room();
  camera.k = Math.max(least, Math.min(1.3, Math.max(0.02, fitScale())));
  camera.x = width / 2 - (camera.k * (left + right)) / 2;
  camera.y = (height - 20) / 2 - (camera.k * (top + bottom)) / 2;
  frameCamera(glide);
}

export function zoom(factor, at) {
  const { width, height } = room();
  const [x, y] = at ?? [width / 2, height / 2];
  const k = Math.max(0.02, Math.min(6, camera.k * factor));
  camera.x = x - ((x - camera.x) * k) / camera.k;
  camera.y = y - ((y - camera.y) * k) / camera.k;
  camera.k = k;
  frameCamera(at === undefined);
}

/** Move the picture as little as brings these cards into it; `centre` moves it to their middle. */
export function bringIntoSight(list, centre = false) {
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
export function current() {
  if (state.selected !== null && cards.has(state.selected)) return state.selected;
  return whole ? owner[m.frames[state.frame].head ?? graph.roots[0]] : state.view.cards.at(-1)[0];
}

const fingers = new Map();
let travelled = 0;

function pinch() {
  const [a, b] = [...fingers.values()];
  return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, distance: Math.hypot(a.x - b.x, a.y - b.y) };
}

export function wireCanvas() {
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
    if (opener !== null) acts.openGroup(Number(opener.dataset.open));
    else if (card !== null) acts.select(Number(card.dataset.card));
    else if (frame !== null) acts.closeGroup(Number(frame.parentNode.dataset.frame));
    else if (state.lit !== null) {
      state.lit = null;
      acts.render();
    }
  });
  on(svg, "dblclick", (event) => {
    const card = Number(event.target.closest("[data-card]")?.dataset.card ?? 0);
    if (card < 0 && viewOpening(-1 - card)) acts.openGroup(-1 - card);
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
