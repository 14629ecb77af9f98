// Looks at every page of the built site in a real browser, and writes what it saw as JSON.
//
//     CHROMIUM=/path/to/chromium node check_site.mjs SITE_FOLDER < questions.json > report.json
//
// Questions: {"pages": [...], "phones": [...], "dark": [...], "queries": [...]}: pages that a reader stays
// on, those of them that are opened on a phone as well, those that axe looks at, in light and, for their
// colours, in the dark, and what is searched for. What is not opened on a phone is made as narrow when it
// has been seen. test_site.py makes a test of each line of the report.

import { readdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join, resolve, sep } from "node:path";
import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import * as look from "./page_checks.mjs";
import { serve } from "./server.mjs";
import { all, Hung, meter, PATIENCE, rest, settled, within, yardstick } from "./work.mjs";

const SITE = resolve(process.argv[2]);
const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

const PHONE = 390;
const THEMES = ["light", "dark"];
// How long what was opened has for closing, in ms.
const SHUT = 60_000;
// Of the rules that axe has, those that look at colours.
const OF_COLORS = ["color-contrast", "link-in-text-block"];
const { pages, phones, dark, queries } = JSON.parse(await readFile("/dev/stdin", "utf8"));

const server = await serve(SITE);
const browser = await launch(PATIENCE);

// A page in a fresh context, so that nothing is cached, with everything that goes wrong noted.
// `before` sees the page while it is still empty.
async function open(address, { theme = "light", width = 1280, before, ...options } = {}) {
  const context = await browser.newContext({
    colorScheme: theme,
    viewport: { width, height: width === PHONE ? 844 : 800 },
    ...(width === PHONE && { hasTouch: true, isMobile: true }),
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  const page = await context.newPage();
  await before?.(page);
  const errors = [];
  const requests = new Set();
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      errors.push(`console ${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on("pageerror", (error) => errors.push(`exception: ${error.message}`));
  page.on("request", (request) => {
    const url = request.url();
    requests.add(url);
    const home = address.startsWith("file:") ? pathToFileURL(SITE).href : server.origin;
    if (!url.startsWith(home) && !/^(data|blob):/.test(url)) errors.push(`foreign request: ${url}`);
  });
  page.on("requestfailed", (request) =>
    errors.push(`failed request: ${request.url()} ${request.failure()?.errorText}`),
  );
  page.on("response", (response) => {
    if (response.status() >= 400) errors.push(`${response.status()}: ${response.url()}`);
  });
  await page.goto(address, { waitUntil: "load" });
  // What does not close is left: it ends with the browser.
  const close = () => within(() => context.close(), SHUT).catch(() => {});
  return { page, errors, requests, close };
}

// Loaded to the last formula and explorable, or an error.
async function complete(page, errors) {
  if (!(await settled(page))) errors.push("the page stopped working before all formulas and explorables were there");
}

// What a job finds; where it breaks off, `broken` of that. What hangs is tried once more, and that is said: under
// load the landing page did not answer at times, and why is not known. A page at fault hangs again.
async function found(job, broken) {
  for (const again of [true, false]) {
    try {
      return await within(job);
    } catch (error) {
      if (!(again && error instanceof Hung)) return broken(`broke off: ${error.message}`);
      console.error(`tried once more, ${error.message}: ${job}`);
    }
  }
}

// What axe finds by its usual rules: all of them, or those of colours alone.
async function axe(page, rules) {
  await page.evaluate(AXE);
  // No rule that runs needs the style sheets beforehand.
  const options = { resultTypes: ["violations"], preload: false };
  if (rules === "colors") options.runOnly = { type: "rule", values: OF_COLORS };
  const violations = await page.evaluate(
    async (options) => (await window.axe.run(document, options)).violations,
    options,
  );
  return violations.flatMap(({ id, impact, nodes }) =>
    nodes.map((node) => ({ id, impact, where: node.target.join(" "), html: node.html.slice(0, 160) })),
  );
}

const themes = (name) => THEMES.filter((theme) => theme === THEMES[0] || dark.includes(name));

// One page at one width, first in light and then, as when the reader's system turns dark, in dark: of
// its colours alone, all else is the same. On the desk also what the first visit costs: bytes, and the
// work of the page, in units of a fixed calculation.
async function visit(name, width) {
  let worked;
  const before = async (page) => {
    worked = await meter(page);
  };
  const { page, errors, requests, close } = await open(`${server.origin}/${name}`, { width, before });
  await complete(page, errors);
  const cost = { page: name, work: await worked() };
  const visits = [];
  for (const theme of themes(name)) {
    const noted = errors.length;
    if (theme !== THEMES[0]) await page.emulateMedia({ colorScheme: theme });
    await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, theme);
    await rest(page, 0);
    visits.push({
      page: name,
      form: `${theme}-${width}`,
      ...(theme === THEMES[0] && (await seen(page, width))),
      ...(dark.includes(name) && { axe: await axe(page, theme === THEMES[0] ? "all" : "colors") }),
      console: errors.slice(theme === THEMES[0] ? 0 : noted),
    });
  }
  if (width !== PHONE) {
    cost.bytes = [...requests]
      .filter((url) => url.startsWith(server.origin))
      .reduce((sum, url) => sum + server.weight(new URL(url).pathname), 0);
    cost.work /= await yardstick(page, worked);
    cost.problems = [...errors];
    if (!phones.includes(name)) visits.push(await narrow(page, name, errors));
  }
  await close();
  return { visits, cost };
}

// What a theme does not change.
async function seen(page, width) {
  return {
    formulas: await page.evaluate(look.formulas),
    pictures: await page.evaluate(look.pictures),
    figures: await page.evaluate(look.figures),
    sideways: await page.evaluate(look.sideways),
    head: await page.evaluate(look.head),
    letters: await page.evaluate(look.letters),
    touch: width === PHONE ? await page.evaluate(look.touch) : [],
    ...(await page.evaluate(look.addresses)),
  };
}

// A page that is open on the desk, as if it were a phone that it is open on.
async function narrow(page, name, errors) {
  const noted = errors.length;
  const session = await page.context().newCDPSession(page);
  await page.setViewportSize({ width: PHONE, height: 844 });
  await session.send("Emulation.setTouchEmulationEnabled", { enabled: true, maxTouchPoints: 1 });
  await page.waitForFunction((width) => matchMedia("(pointer: coarse)").matches && innerWidth === width, PHONE);
  await rest(page, 300);
  return {
    page: name,
    form: `${THEMES[0]}-${PHONE}`,
    figures: await page.evaluate(look.figures),
    sideways: await page.evaluate(look.sideways),
    touch: await page.evaluate(look.touch),
    console: errors.slice(noted),
  };
}

// Links and anchors of all pages against each other; a file that is no page need only be there.
async function links(visits) {
  const whole = visits.filter((seen) => seen.links);
  const anchors = new Map(whole.map((seen) => [`/${seen.page}`, new Set(seen.anchors)]));
  const files = new Set((await readdir(SITE, { recursive: true })).map((name) => `/${name.split(sep).join("/")}`));
  const problems = [];
  for (const seen of whole) {
    for (const link of new Set(seen.links)) {
      const url = new URL(link);
      if (url.origin !== server.origin) {
        if (!/^(https?|mailto):$/.test(url.protocol)) problems.push({ page: seen.page, link });
        continue;
      }
      const path = decodeURIComponent(url.pathname);
      const anchor = decodeURIComponent(url.hash.slice(1));
      const known = anchors.get(path);
      if (!files.has(path) || (anchor && known && !known.has(anchor))) {
        problems.push({ page: seen.page, link: url.pathname + url.hash });
      }
    }
  }
  return problems;
}

// Pages in the order in which the search has them, and the sections that it names of each.
async function search(address, query) {
  const { page, errors, close } = await open(`${address}/search.html?q=${encodeURIComponent(query)}`);
  await page.waitForSelector("#search-results li a");
  const found = await page.$$eval("#search-results li a", (list) => {
    const pages = new Map();
    for (const { href } of list) {
      const { pathname, hash } = new URL(href);
      const name = pathname.split("/").pop();
      pages.set(name, [...(pages.get(name) ?? []), ...(hash ? [hash.slice(1)] : [])]);
    }
    return [...pages].map(([name, sections]) => ({ name, sections }));
  });
  await close();
  return { query, found, errors };
}

// What has no form of its own: states of a page, and readers' settings.
const SITUATIONS = {
  async "from the file system"(name) {
    const { page, errors, close } = await open(pathToFileURL(join(SITE, name)).href);
    await complete(page, errors);
    const problems = [...errors, ...(await page.evaluate(look.formulas))];
    await close();
    return problems;
  },
  async "without JavaScript"(name) {
    // What fails here are the scripts themselves. Playwright's own still run.
    const { page, close } = await open(`${server.origin}/${name}`, { javaScriptEnabled: false });
    const text = await page.locator("article").innerText();
    const problems = text.includes("\\(") ? [] : ["no formula is left as TeX"];
    for (const control of await page.locator("button:visible").all()) {
      problems.push(`does nothing: ${await control.evaluate((node) => node.outerHTML.slice(0, 100))}`);
    }
    await close();
    return problems;
  },
  async "less motion"(name) {
    const { page, errors, close } = await open(`${server.origin}/${name}`, { reducedMotion: "reduce" });
    await complete(page, errors);
    const problems = [...errors, ...(await page.evaluate(look.motion))];
    await close();
    return problems;
  },
  async "on paper"(name) {
    const { page, errors, close } = await open(`${server.origin}/${name}`, { theme: "dark" });
    await complete(page, errors);
    await page.evaluate(() => window.dispatchEvent(new Event("beforeprint")));
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const problems = await page.evaluate(() => {
      const bright = (color) =>
        color
          .match(/[\d.]+/g)
          .slice(0, 3)
          .reduce((sum, part) => sum + Number(part), 0) / 3;
      const text = getComputedStyle(document.querySelector("article p")).color;
      const ground = getComputedStyle(document.body).backgroundColor;
      const found = bright(text) > 90 ? [`text is printed in ${text}`] : [];
      if (bright(ground) < 250 && ground !== "rgba(0, 0, 0, 0)") found.push(`the page is printed on ${ground}`);
      for (const control of document.querySelectorAll("button, nav.bd-links, .prev-next-area")) {
        if (control.checkVisibility()) found.push(`printed: ${control.outerHTML.slice(0, 80)}`);
      }
      return found;
    });
    await close();
    return [...errors, ...problems];
  },
  // Every stop of the Tab key shows where it is, in both themes.
  async "by keyboard"(name) {
    const problems = [];
    const { page, errors, close } = await open(`${server.origin}/${name}`);
    await complete(page, errors);
    const stops = await page.evaluate(
      () => [...document.querySelectorAll("a[href], button, input")].filter((node) => node.checkVisibility()).length,
    );
    for (const theme of THEMES) {
      await page.emulateMedia({ colorScheme: theme });
      await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, theme);
      for (let stop = 0; stop < stops; stop++) {
        await page.keyboard.press("Tab");
        const unseen = await page.evaluate(() => {
          const node = document.activeElement;
          if (!node || node === document.body) return null;
          const { outlineStyle, outlineWidth, boxShadow } = getComputedStyle(node);
          const outlined = outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
          return outlined || boxShadow !== "none" ? null : node.outerHTML.slice(0, 120);
        });
        if (unseen) problems.push(`${theme}: no focus to be seen on ${unseen}`);
      }
    }
    await close();
    return [...problems, ...errors];
  },
  // What is wider than the screen says so at its edge, until it has been scrolled to its end, and the keyboard
  // reaches it.
  async "wide formulas and tables on a phone"() {
    const { page, errors, close } = await open(`${server.origin}/${WIDE}`, { width: PHONE });
    await complete(page, errors);
    const problems = await page.evaluate(async () => {
      const found = [];
      const boxes = [...document.querySelectorAll("mjx-container[display], .pst-scrollable-table-container")];
      const wide = boxes.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth + 1);
      const fading = () => document.querySelectorAll(".nc-more").length;
      if (!wide.length) found.push("nothing is wide");
      if (fading() !== wide.length) found.push(`${fading()} of ${wide.length} fade`);
      for (const box of wide) {
        if (box.tabIndex !== 0) found.push(`no key reaches ${box.className}`);
        const moved = new Promise((done) => box.addEventListener("scroll", done, { once: true }));
        box.scrollLeft = box.scrollWidth;
        await moved;
        if (box.classList.contains("nc-more")) found.push(`fades at its end: ${box.className}`);
      }
      return found;
    });
    await close();
    return [...problems, ...errors];
  },
  async "contents and search on a phone"(name) {
    const problems = [];
    for (const button of [".primary-toggle", ".secondary-toggle", ".article-header-buttons .search-button"]) {
      const { page, errors, close } = await open(`${server.origin}/${name}`, { width: PHONE });
      await complete(page, errors);
      await page.click(button);
      for (const theme of THEMES) {
        await page.emulateMedia({ colorScheme: theme });
        await page.waitForFunction((theme) => document.documentElement.dataset.theme === theme, theme);
        await rest(page, 500);
        const found = await axe(page, theme === THEMES[0] ? "all" : "colors");
        if (theme === THEMES[0]) found.push(...(await page.evaluate(look.touch)));
        problems.push(...found.map((problem) => `${theme} ${button}: ${JSON.stringify(problem)}`));
      }
      problems.push(...errors.map((problem) => `${button}: ${problem}`));
      await close();
    }
    return problems;
  },
};

const example = "book/five-minutes.html";
const WIDE = "book/05-deep-head.html";

// Where the entrance leads, with what its address says, and without scripts.
async function entrance(options) {
  const { page, close } = await open(`${server.origin}/?kept=1#calculator`, options);
  await page.waitForURL("**/book/intro.html*").catch(() => {});
  const leads = page.url();
  await close();
  return leads;
}
const leads = { scripts: await entrance({}), none: await entrance({ javaScriptEnabled: false }) };

const job = (page, width) => async () => ({
  width,
  ...(await found(
    () => visit(page, width),
    (problem) => ({
      visits: themes(page).map((theme) => ({ page, form: `${theme}-${width}`, console: [problem] })),
      cost: { page, problems: [problem] },
    }),
  )),
});
const visited = await all([...pages.map((page) => job(page, 1280)), ...phones.map((page) => job(page, PHONE))]);
const visits = visited.flatMap(({ visits }) => visits);
const costs = visited.filter(({ width }) => width !== PHONE).map(({ cost }) => cost);
const situations = await all(
  Object.entries(SITUATIONS).map(([name, run]) => async () => ({
    name,
    problems: await found(
      () => run(example),
      (problem) => [problem],
    ),
  })),
);
const report = {
  entrance: leads,
  visits: visits.map(({ links: _links, anchors: _anchors, ...seen }) => seen),
  links: await links(visits),
  costs,
  situations,
  searches: await all(
    queries.map(
      (query) => () =>
        found(
          () => search(server.origin, query),
          (problem) => ({ query, found: [], errors: [problem] }),
        ),
    ),
  ),
  searchOfFiles: await found(
    () => search(pathToFileURL(SITE).href, queries[0]),
    (problem) => ({ found: [], errors: [problem] }),
  ),
};
await browser.close();
server.close();
process.stdout.write(JSON.stringify(report, null, 1));
