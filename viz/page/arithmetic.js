// What the formulas of the primitives call and JavaScript's Math lacks. As in Python, nothing throws: where C gives
// Infinity or NaN, so does this.

/** The nearest whole number, halves to even. */
export function rint(x) {
  if (!(Math.abs(x) < 2 ** 52)) return x;
  const floor = Math.floor(x);
  const part = x - floor;
  if (part !== 0.5) return part < 0.5 ? floor : floor + 1;
  return floor % 2 === 0 ? floor : floor + 1;
}

/** x modulo y with the sign of y. */
export function modulo(x, y) {
  const rest = x % y;
  return rest !== 0 && rest < 0 !== y < 0 ? rest + y : rest;
}

/** x to the power y, where C's pow(1, anything) and pow(-1, inf) are 1. */
export function power(x, y) {
  if (x === 1 || (x === -1 && Math.abs(y) === Infinity)) return 1;
  return x ** y;
}

export function exp2(x) {
  return 2 ** x;
}

/** exp(x - y), with the rounding of the subtraction put right (T. J. Dekker, 1971). */
export function exp_difference(x, y) {
  if (x === y) return 1;
  const difference = x - y;
  const result = Math.exp(difference);
  if (!(Math.abs(difference) < 750)) return result;
  const rounded = Math.abs(x) < Math.abs(y) ? x - (difference + y) : x - difference - y;
  return result + result * rounded;
}

/** exp(-x²): a part of x whose square is exact goes first, for x² loses as many bits as it has before its point. */
function gaussian(x) {
  const head = Math.floor(1048576 * x) / 1048576;
  return Math.exp(-head * head) * Math.exp((head - x) * (head + x));
}

/** erf by a series of positive terms (Abramowitz and Stegun 7.1.6). */
function erfSeries(x) {
  let term = x;
  let total = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(total); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    total += term;
  }
  return 1.1283791670955126 * gaussian(x) * total;
}

/** erfc of x >= 1.5 by a continued fraction (7.1.14), from its far end to its head. */
function erfcFraction(x) {
  let fraction = x;
  for (let n = 120; n > 0; n--) fraction = x + n / 2 / fraction;
  return (0.5641895835477563 * gaussian(x)) / fraction;
}

export function erf(x) {
  if (!(Math.abs(x) >= 1.5)) return erfSeries(x);
  if (Math.abs(x) > 6) return Math.sign(x);
  return Math.sign(x) * (1 - erfcFraction(Math.abs(x)));
}

export function erfc(x) {
  if (x >= 1.5) return x > 28 ? 0 : erfcFraction(x);
  return 1 - erf(x);
}

/** A left fold that starts with the first term; 0 of nothing. */
export function sum(n, term, among) {
  return fold(n, term, among, (a, b) => a + b, 0);
}

/** A left fold that starts with the first factor; 1 of nothing. */
export function prod(n, term, among) {
  return fold(n, term, among, (a, b) => a * b, 1);
}

function fold(n, term, among, join, nothing) {
  let result = nothing;
  let started = false;
  for (let i = 0; i < n; i++) {
    if (among !== undefined && !among(i)) continue;
    result = started ? join(result, term(i)) : term(i);
    started = true;
  }
  return result;
}

export function map(n, term) {
  return Array.from({ length: n }, (_, i) => term(i));
}

/** The place of the largest, the first of several. */
export function argmax(xs) {
  let top = 0;
  for (let i = 1; i < xs.length; i++) if (xs[i] > xs[top]) top = i;
  return top;
}

/** For each factor the product of all before it. */
export function products_before(xs) {
  const products = [1];
  for (let i = 1; i < xs.length; i++) products.push(products[i - 1] * xs[i - 1]);
  return products;
}

/** For each factor the product of all behind it. */
export function products_behind(xs) {
  return products_before([...xs].reverse()).reverse();
}
