import { number, parsed } from "./numbers.js";
import { described, glyphOf, graph, isRoot, m, nameOf, rootsName, signed, state } from "./state.js";

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

export const dataOf = (v) => state.numbers.data[v];

function formulaOf(v) {
  const texts = m.operands[v].map((o) => number(Array.isArray(o) ? parsed(o[0]) : dataOf(o)));
  const shown = texts.length > 6 ? [...texts.slice(0, 6), "…"] : texts;
  const glyph = glyphOf(v);
  if (texts.length === 2 && !/^[a-z]/i.test(glyph))
    return shown.map((t, i) => (i && t[0] === "-" ? `(${t})` : t)).join(` ${glyph} `);
  return glyph === "neg" ? `−(${shown[0]})` : `${glyph}(${shown.join(", ")})`;
}

export function told(frame) {
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
