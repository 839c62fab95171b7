// Elements of the document.

const SVG = "http://www.w3.org/2000/svg";

export const $ = (id) => document.getElementById(id);
export const calm = window.matchMedia("(prefers-reduced-motion: reduce)");

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export const element = (tag, attributes = {}, ...children) => filled(document.createElement(tag), attributes, children);
export const draw = (tag, attributes = {}, ...children) =>
  filled(document.createElementNS(SVG, tag), attributes, children);

export function button(attributes, act, ...children) {
  const made = element("button", { type: "button", ...attributes }, ...children);
  on(made, "click", act);
  return made;
}

export const on = (node, name, act, options) => node.addEventListener(name, act, options);
export const flag = (node, name, whether) => node.classList.toggle(name, whether);

export function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}
