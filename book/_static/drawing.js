/* What the moving pictures of the pages share. */
"use strict";
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one take it
const Drawing = (() => {
  const made = (space, tag, properties, children) => {
    const node = space ? document.createElementNS(space, tag) : document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
      else if (value !== null && value !== undefined && value !== false)
        node.setAttribute(name, value === true ? "" : value);
    }
    node.append(...children);
    return node;
  };
  const html = (tag, properties = {}, ...children) => made(null, tag, properties, children);
  const svg = (tag, properties = {}, ...children) => made("http://www.w3.org/2000/svg", tag, properties, children);
  /* From numbers to pixels, evenly or by ratio, and back. */
  const scale = (from, to, start, end) => {
    const place = (x) => start + ((x - from) / (to - from)) * (end - start);
    place.back = (y) => from + ((y - start) / (end - start)) * (to - from);
    return place;
  };
  const logScale = (from, to, start, end) => {
    const inner = scale(Math.log(from), Math.log(to), start, end);
    const place = (x) => inner(Math.log(x));
    place.back = (y) => Math.exp(inner.back(y));
    place.ticks = () => {
      const found = [];
      for (let k = Math.ceil(Math.log10(from) - 1e-9); 10 ** k <= to * (1 + 1e-9); k++) found.push(10 ** k);
      return found.length > 8 ? found.filter((_, k) => k % 2 === 0) : found;
    };
    return place;
  };
  const plain = (x, digits = 3) => {
    const value = +x.toPrecision(digits);
    return value >= 1e-4 && value < 1e7 ? value.toLocaleString("en", { maximumSignificantDigits: digits }) : `${value}`;
  };
  const still = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
  /* A handle that a pointer drags along the picture's width: `set` gets the place in its pixels. */
  function draggable(picture, set, vertical = false) {
    const at = (event) => {
      const box = picture.getBoundingClientRect(),
        view = picture.viewBox.baseVal;
      set(
        vertical
          ? ((event.clientY - box.top) / box.height) * view.height
          : ((event.clientX - box.left) / box.width) * view.width,
      );
    };
    picture.addEventListener("pointerdown", (event) => {
      picture.setPointerCapture(event.pointerId);
      at(event);
    });
    picture.addEventListener("pointermove", (event) => picture.hasPointerCapture(event.pointerId) && at(event));
  }
  /* Calls `show` with the share of the time that has passed, once; returns what stops it. */
  function play(seconds, show, done = () => {}) {
    let first,
      going = true;
    const frame = (now) => {
      if (!going) return;
      first ??= now;
      const share = Math.min((now - first) / seconds / 1000, 1);
      show(share);
      if (share < 1) requestAnimationFrame(frame);
      else done();
    };
    requestAnimationFrame(frame);
    return () => {
      going = false;
      done();
    };
  }
  function download(name, type, text) {
    const link = html("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
    link.click();
    URL.revokeObjectURL(link.href);
  }
  /* The picture as a file: with the colours that it has in the page. */
  function asFile(picture) {
    const copy = picture.cloneNode(true),
      [from, to] = [picture, copy].map((one) => [one, ...one.querySelectorAll("*")]);
    from.forEach((node, k) => {
      const { fill, stroke, fontSize, strokeWidth, strokeDasharray, opacity } = getComputedStyle(node);
      to[k].setAttribute(
        "style",
        `fill:${fill};stroke:${stroke};font-size:${fontSize};stroke-width:${strokeWidth};stroke-dasharray:${strokeDasharray};opacity:${opacity};font-family:sans-serif`,
      );
    });
    copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
    return copy.outerHTML;
  }
  return { html, svg, scale, logScale, plain, still, draggable, play, download, asFile };
})();
