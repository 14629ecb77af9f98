// What is looked at inside a page. Each function runs in the browser and returns a list of problems
// as text; an empty list is a pass.

// Formulas that MathJax has not set, or could not.
export function formulas() {
  const problems = [];
  for (const error of document.querySelectorAll("mjx-merror, [data-mjx-error]")) {
    problems.push(`MathJax: ${error.getAttribute("data-mjx-error") ?? error.textContent}`);
  }
  for (const math of document.querySelectorAll(".math")) {
    if (!math.querySelector("mjx-container")) problems.push(`not set: ${math.textContent.trim()}`);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode;
    if (text.parentElement.closest("pre, code, script, style, noscript")) continue;
    const raw = text.data.match(/\\[([]|\$\$|\\(?:frac|sum|lambda|kappa|hat|begin)\b/);
    if (raw) problems.push(`raw TeX: ${text.data.trim().slice(0, 80)}`);
  }
  return problems;
}

// A picture without words, or with a file's name for words.
export function pictures() {
  const images = [...document.images]
    .filter((image) => !image.alt.trim() || /^\S+\.\w{3,4}$|^[0-9a-f]{16,}/.test(image.alt))
    .map((image) => `no alt text: ${image.getAttribute("src")}`);
  // What Font Awesome has not drawn, and what it draws for an icon that it lacks.
  const icons = [...document.querySelectorAll("i[class*=fa-], .svg-inline--fa:has(.missing)")].map(
    (icon) => `no such icon: ${icon.getAttribute("class")}`,
  );
  return [...images, ...icons];
}

// What makes the page itself wider than the screen, and not just scroll in its own box.
export function sideways() {
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width) return [];
  const wide = [...document.body.querySelectorAll("*")].filter((element) => {
    const right = element.getBoundingClientRect().right;
    if (right <= width + 1) return false;
    for (let box = element.parentElement; box; box = box.parentElement) {
      if (getComputedStyle(box).overflowX !== "visible") return false;
    }
    return true;
  });
  return [
    `the page is ${document.documentElement.scrollWidth} px wide on a screen of ${width}: ` +
      wide
        .slice(0, 5)
        .map((element) => element.outerHTML.slice(0, 80))
        .join(" | "),
  ];
}

// Buttons too small for a finger. Links in running text are exempt, as in WCAG 2.5.8.
export function touch() {
  const least = 44;
  return [...document.querySelectorAll("button, summary, input, a.dropdown-item, .prev-next-area a")]
    .map((control) => ({ control, box: control.getBoundingClientRect() }))
    .filter(({ control, box }) => box.width > 0 && control.checkVisibility({ visibilityProperty: true }))
    .filter(({ box }) => box.height < least - 0.5 || box.width < least - 0.5)
    .map(({ control, box }) => {
      const name = control.outerHTML.slice(0, 100).replace(/\s+/g, " ");
      return `${Math.round(box.width)} x ${Math.round(box.height)} px: ${name}`;
    });
}

// Words of a figure that reach out of its drawing.
export function figures() {
  const problems = [];
  for (const drawing of document.querySelectorAll(".nc-figure svg")) {
    if (!drawing.checkVisibility()) continue;
    const { left, right } = drawing.getBoundingClientRect();
    for (const text of drawing.querySelectorAll("text")) {
      const box = text.getBoundingClientRect();
      if (box.left < left - 4 || box.right > right + 4) problems.push(text.textContent);
    }
  }
  return problems;
}

// Text in faces that are not the book's own, signs that these faces lack, so that each machine draws its
// own, and headings that stand out less than those below them.
export function letters() {
  const loaded = new Set([...document.fonts].filter(({ status }) => status === "loaded").map(({ family }) => family));
  const problems = [];
  for (const [selector, family] of [
    ["article p", "Book Text"],
    ["article :is(h1, h2)", "Book Text"],
    ["article :is(pre, code)", "Book Mono"],
  ]) {
    const node = [...document.querySelectorAll(selector)].find((one) => one.checkVisibility());
    if (!node) continue;
    const asked = getComputedStyle(node).fontFamily.split(",")[0].replaceAll('"', "");
    if (asked !== family || !loaded.has(family))
      problems.push(`${selector} is set in ${asked}, which is not ${family}`);
  }
  const drawn = new Map();
  for (const { family, unicodeRange } of document.fonts) {
    const ranges = unicodeRange.split(/,\s*/).map((range) => range.slice(2).split("-"));
    drawn.set(family, [
      ...(drawn.get(family) ?? []),
      ...ranges.map(([a, b = a]) => [parseInt(a, 16), parseInt(b, 16)]),
    ]);
  }
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const lacking = new Map();
  while (texts.nextNode()) {
    const { data, parentElement: around } = texts.currentNode;
    if (!data.trim() || around.closest("script, style, noscript, mjx-container") || !around.checkVisibility()) continue;
    const family = getComputedStyle(around).fontFamily.split(",")[0].replaceAll('"', "");
    const ranges = drawn.get(family);
    for (const sign of data.replace(/\s/g, "")) {
      const code = sign.codePointAt(0);
      if (!ranges?.some(([first, last]) => first <= code && code <= last)) {
        lacking.set(`${family} has no ${sign} (U+${code.toString(16).toUpperCase()})`, data.trim().slice(0, 60));
      }
    }
  }
  for (const [what, where] of lacking) problems.push(`${what}: ${where}`);
  const strength = (level) => {
    const heading = document.querySelector(`article h${level}`);
    const { fontWeight, fontSize } = heading ? getComputedStyle(heading) : {};
    return heading && { weight: Number(fontWeight), size: Number.parseFloat(fontSize) };
  };
  const [above, below] = [strength(2), strength(3)];
  if (above && below && !(above.weight > below.weight && above.size > below.size)) {
    problems.push(`h2 is ${JSON.stringify(above)}, h3 ${JSON.stringify(below)}`);
  }
  return problems;
}

// Whatever leads somewhere, and whatever can be led to. Links are resolved here; the caller knows
// which pages there are.
export function addresses() {
  return {
    links: [...document.querySelectorAll("a[href], area[href]")].map((link) => link.href),
    anchors: [...document.querySelectorAll("[id], a[name]")].flatMap((place) =>
      [place.id, place.getAttribute("name")].filter(Boolean),
    ),
    repeated: [...document.querySelectorAll("[id]")]
      .map((place) => place.id)
      .filter((id, index, all) => all.indexOf(id) !== index),
  };
}

// The head of a page as search engines and messengers read it.
export function head() {
  const problems = [];
  const content = (selector) => document.head.querySelector(selector)?.content?.trim() ?? "";
  if (!document.title.trim()) problems.push("no title");
  if (document.documentElement.lang !== "en") problems.push("no language");
  for (const selector of ['meta[name="description"]', 'meta[property="og:description"]']) {
    const length = content(selector).length;
    if (length < 40 || length > 200) problems.push(`${selector}: ${length} characters`);
    if (/\\\(|\$/.test(content(selector))) problems.push(`${selector}: holds TeX`);
    if (!/imbalanced/i.test(content(selector))) problems.push(`${selector}: does not say what the book is about`);
  }
  for (const name of ["og:title", "og:type", "og:site_name"]) {
    if (!content(`meta[property="${name}"]`)) problems.push(`no ${name}`);
  }
  // Left out where the site's address is unknown; the standard allows no relative one.
  const picture = content('meta[property="og:image"]');
  if (picture && !/^https?:/.test(picture)) problems.push(`og:image is relative: ${picture}`);
  const views = document.head.querySelectorAll('meta[name="viewport"]');
  if (views.length !== 1) problems.push(`${views.length} viewports`);
  return problems;
}

// Movement that goes on although the reader asked for none.
export function motion() {
  const seconds = (times) => Math.max(...times.split(",").map(parseFloat));
  const moving = [...document.querySelectorAll("*")].filter((element) => {
    const style = getComputedStyle(element);
    return (
      seconds(style.transitionDuration) > 0.01 ||
      (style.animationName !== "none" && seconds(style.animationDuration) > 0.01) ||
      style.scrollBehavior === "smooth"
    );
  });
  return moving.slice(0, 10).map((element) => `moves: ${element.outerHTML.slice(0, 80)}`);
}
