// Numbers as Python prints them.

/** Digits before and behind the point, without zeros at the end, or with an exponent. */
function written(digits, exponent, plain) {
  const kept = digits.replace(/0+$/, "") || "0";
  if (!plain) return { text: kept.length > 1 ? `${kept[0]}.${kept.slice(1)}` : kept, exponent };
  if (exponent < 0) return { text: `0.${"0".repeat(-exponent - 1)}${kept}` };
  if (kept.length <= exponent + 1) return { text: kept.padEnd(exponent + 1, "0") };
  return { text: `${kept.slice(0, exponent + 1)}.${kept.slice(exponent + 1)}` };
}

function split(text) {
  const [mantissa, exponent] = text.split("e");
  return [mantissa.replace(".", ""), Number(exponent)];
}

/** Four significant digits; JavaScript rounds ties up, Python to even. */
function fourDigits(x) {
  const [exact] = split(x.toExponential(60));
  if (/^\d{4}50*$/.test(exact) && Number(exact[3]) % 2 === 0) {
    return [exact.slice(0, 4), split(x.toExponential(60))[1]];
  }
  return split(x.toExponential(3));
}

/** As `autograd.formatting.number`: 4 significant digits, with `sign` also a plus. */
export function number(x, sign = false) {
  if (Number.isNaN(x)) return "nan";
  if (x === 0) return "0";
  const mark = x < 0 ? "-" : sign ? "+" : "";
  if (Math.abs(x) === Infinity) return `${mark}inf`;
  const [digits, exponent] = fourDigits(Math.abs(x));
  const shown = written(digits, exponent, exponent >= -4 && exponent < 4);
  return mark + shown.text + (shown.exponent === undefined ? "" : `e${shown.exponent}`);
}

/** As Python's `repr` of a float. */
export function repr(x) {
  if (Number.isNaN(x)) return "nan";
  const mark = x < 0 || Object.is(x, -0) ? "-" : "";
  if (Math.abs(x) === Infinity) return `${mark}inf`;
  const [digits, exponent] = x === 0 ? ["0", 0] : split(Math.abs(x).toExponential());
  const shown = written(digits, exponent, exponent >= -4 && exponent < 16);
  if (shown.exponent !== undefined) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${mark}${shown.text}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  return mark + (shown.text.includes(".") ? shown.text : `${shown.text}.0`);
}

/** A number that JSON could not write comes as a string. */
export function parsed(x) {
  return typeof x === "string" ? { nan: Number.NaN, inf: Infinity, "-inf": -Infinity }[x] : x;
}
