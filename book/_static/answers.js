/* Answers to the exercises, typed into the page. `typedAnswers` judges, without a page, what
   nclib.teaching.typed has locked; below it is what shows it. */
"use strict";
function typedAnswers() {
  /* SHA-256 (FIPS 180-4) of a text: pages opened as files or over plain HTTP have no Web Crypto. */
  const primes = [];
  for (let p = 2; primes.length < 64; p++) if (primes.every((q) => p % q)) primes.push(p);
  const fraction = (x) => ((x % 1) * 2 ** 32) | 0;
  const ROUND = primes.map((p) => fraction(Math.cbrt(p)));
  const START = primes.slice(0, 8).map((p) => fraction(Math.sqrt(p)));
  const turn = (x, by) => (x >>> by) | (x << (32 - by));
  function sha256(text) {
    const bytes = new TextEncoder().encode(text),
      words = new Int32Array((((bytes.length + 8) >> 6) + 1) * 16);
    [...bytes, 0x80].forEach((byte, i) => {
      words[i >> 2] |= byte << (24 - 8 * (i & 3));
    });
    words[words.length - 1] = 8 * bytes.length;
    let state = START;
    for (let at = 0; at < words.length; at += 16) {
      const w = [...words.subarray(at, at + 16)];
      let [a, b, c, d, e, f, g, h] = state;
      for (let i = 0; i < 64; i++) {
        if (i > 15) {
          const x = w[i - 15],
            y = w[i - 2];
          const small = [turn(x, 7) ^ turn(x, 18) ^ (x >>> 3), turn(y, 17) ^ turn(y, 19) ^ (y >>> 10)];
          w[i] = (w[i - 16] + small[0] + w[i - 7] + small[1]) | 0;
        }
        const one = (h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g)) + ROUND[i] + w[i]) | 0;
        const two = (one + (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
        [a, b, c, d, e, f, g, h] = [two, a, b, c, (d + one) | 0, e, f, g];
      }
      state = [a, b, c, d, e, f, g, h].map((x, i) => (x + state[i]) | 0);
    }
    return state;
  }

  /* A number, or a formula of + - * / ^ ( ) and sqrt. NaN where it is none. */
  function value(text) {
    const plain = text.replace(/[−–]/g, "-").replace(/[·×]/g, "*").replaceAll("**", "^").replaceAll("√", "sqrt");
    const tokens = plain.match(/(\d+\.?\d*|\.\d+)(e[-+]?\d+)?|sqrt|\S/gi) ?? [];
    let at = 0;
    const next = (...wanted) => wanted.includes(tokens[at]) && tokens[at++];
    function sum() {
      let x = product();
      for (let sign = next("+", "-"); sign; sign = next("+", "-")) x += sign === "+" ? product() : -product();
      return x;
    }
    function product() {
      let x = signed();
      for (let sign = next("*", "/"); sign; sign = next("*", "/")) x = sign === "*" ? x * signed() : x / signed();
      return x;
    }
    function signed() {
      const sign = next("+", "-");
      if (sign) return sign === "-" ? -signed() : signed();
      const x = atom();
      return next("^") ? x ** signed() : x;
    }
    function atom() {
      if (next("sqrt")) return Math.sqrt(atom());
      if (!next("(")) return Number(tokens[at++] ?? Number.NaN);
      const x = sum();
      return next(")") ? x : Number.NaN;
    }
    const x = sum();
    return at === tokens.length ? x : Number.NaN;
  }

  /* The numbers of a text, or words that say why there are none. */
  function read({ size, options, ordered }, text) {
    const bare = text.trim().replace(/^[[{](.*)[\]}]$/s, "$1");
    if (options && /^\s*(none)?\s*$/i.test(bare)) return [];
    const list = size > 1 || options ? bare.replace(/^\((.*)\)$/s, "$1") : bare;
    const parts = list.split(/[,;]/);
    if (size === 1 && /^\s*-?\d+,\d+\s*$/.test(list)) return `With a decimal point, please: ${list.replace(",", ".")}.`;
    const numbers = parts.map(value);
    const bad = numbers.findIndex((number) => !Number.isFinite(number));
    if (bad >= 0) return `“${parts[bad].trim()}” cannot be read as a number.`;
    const other = options && numbers.find((number) => !options.includes(number));
    if (other !== undefined) return `${other} is not on the list.`;
    if (size && numbers.length !== size)
      return numbers.length === 1 ? "You gave one number." : `You gave ${numbers.length} numbers.`;
    const each = options ? [...new Set(numbers)] : numbers;
    return ordered ? each : each.sort((x, y) => x - y);
  }

  /* What a lock holds, if these numbers open it. */
  function opened({ name, digits }, numbers, [begins, sealed]) {
    if (digits && begins.length !== numbers.length) return null;
    const buckets = numbers.map((x, i) => {
      if (x === 0 || digits === 0) return `${Math.trunc(x)}`;
      const place = Math.log(Math.abs(x)) / (-4 * Math.log1p(-digits)) - begins[i] / 1000;
      return `${x < 0 ? "-" : "+"}${Math.floor(place)}`;
    });
    const key = `${name} ${buckets.join(" ")}`;
    let stream;
    const bytes = Uint8Array.from(atob(sealed), (letter, i) => {
      if (i % 32 === 0) stream = sha256(`${key} ${i / 32}`);
      return letter.charCodeAt(0) ^ (stream[(i % 32) >> 2] >>> (24 - 8 * (i & 3)));
    });
    const text = new TextDecoder().decode(bytes);
    return text.startsWith("nclib") ? JSON.parse(text.slice(5)) : null;
  }

  /* As nclib's `check`: the nearest of what is near enough. */
  function judge(part, text) {
    const numbers = read(part, text);
    if (typeof numbers === "string") return { right: false, message: `${numbers} Expected: ${part.asks}.` };
    const apart = (other) =>
      Math.max(0, ...numbers.map((x, i) => Math.abs(x - other[i]) / (Math.max(Math.abs(x), Math.abs(other[i])) || 1))) /
      (part.digits || 1);
    const near = part.locks
      .map((lock) => opened(part, numbers, lock))
      .filter(Boolean)
      .map(([place, answer, hint]) => ({ place, hint, away: apart(answer) }))
      .filter(({ away }) => away <= 1)
      .sort((one, other) => one.away - other.away || one.place - other.place);
    if (!near.length) return { right: false, message: part.nudge };
    return { right: near[0].place === 0, message: near[0].hint };
  }
  return { judge };
}

document.addEventListener("DOMContentLoaded", () => {
  const { judge } = typedAnswers();
  const make = (tag, properties, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  for (const box of document.querySelectorAll(".nc-answer")) {
    const part = JSON.parse(box.querySelector("script").textContent);
    const several = part.options || part.size > 1;
    const input = make("input", { type: "text", autocomplete: "off", spellcheck: false });
    input.setAttribute("autocapitalize", "off");
    const verdict = make("p", { className: "verdict" });
    verdict.setAttribute("role", "status");
    const form = make(
      "form",
      {
        onsubmit: (event) => {
          event.preventDefault();
          if (!input.value.trim()) return;
          const { right, message } = judge(part, input.value);
          verdict.className = `verdict ${right ? "right" : "wrong"}`;
          verdict.textContent = `${right ? "✓ Right." : "✗ Not yet."} ${message}`.trim();
        },
        oninput: () => {
          verdict.className = "verdict";
          verdict.textContent = "";
        },
      },
      make("label", {}, `Your answer to ${part.name}${several ? ", with commas between numbers" : ""} `, input),
      make("button", { type: "submit" }, "Check"),
      verdict,
    );
    if (part.options) input.placeholder = "numbers, or none";
    box.append(form);
  }
});
