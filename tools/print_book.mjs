// Prints the built book as one PDF: a title page, contents with page numbers, and the pages in the order
// of the contents.
//
//     CHROMIUM=/path/to/chromium node tools/print_book.mjs _build/html book.pdf [all]
//
// By itself it prints what one reads: without code and what belongs to it, without the library's
// reference and the ledger, and without the solutions of exercises. With `all` it prints these, too; the solutions
// stand at the end.
//
// The pages become one document beside the site, so that links between them lead to pages of the PDF.
// It is printed twice: where a heading stands is known when it has been printed once. Nothing is
// fetched: MathJax has to be in the site. What there is to know of the outcome goes to stdout as JSON;
// what is being done, and at which page, to stderr.
//
// What the fonts of a machine make too wide for the paper is a warning. A place that is missing, or
// something that could not be loaded, is an error: then the exit code is 1. Both are named on stderr,
// and the PDF is written.

import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { launch } from "./browser.mjs";

const [SITE, PDF] = process.argv.slice(2, 4).map((path) => resolve(path));
const ALL = process.argv[4] === "all";
const STYLE = fileURLToPath(new URL("print_book.css", import.meta.url));
const DOCUMENT = join(SITE, "..", `print-${ALL ? "all" : "book"}.html`);

// Pages to look things up in at the keyboard: the library, the ledger of claims with its tests, and what
// the site is tested for. And what teachers need and readers do not.
const REFERENCE = /^book\/(api|claims|accessibility|teaching)\b/;

// Pictures that scripts draw.
const MOVING = "article .nc-moving";

// What is left of A4 inside the margins of print_book.css, in CSS pixels.
const PAPER_WIDTH = Math.floor(((210 - 2 * 20) * 96) / 25.4);

// A book full of formulas takes its time; more than this, in ms, no machine should need.
const PATIENCE = 1_800_000;

const read = (path) => readFile(path, "utf8");
const say = (what) => console.error(what);

// Runs in the browser: makes one document of the site's pages.
function compose({ MOVING, all, entrance, pages, site, style }) {
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  // A base that no page has, to tell addresses inside of the site from others.
  const HOME = "https://site.invalid/";
  const names = pages.map(({ name }) => name);
  const idOf = (name) => name.replace(/^book\/|\.html$/g, "");
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.append(...children);
    return element;
  };

  const styles = new Set();
  const solutions = make("article", { id: "solutions" }, make("h1", {}, "Solutions"));

  // Where an address of a page leads in the document; null where there is no such place.
  function target(address, name) {
    const url = new URL(address, HOME + name);
    if (url.origin !== new URL(HOME).origin) return address;
    const page = decodeURIComponent(url.pathname.slice(1));
    if (!names.includes(page)) return null;
    return `#${idOf(page)}${url.hash && `--${decodeURIComponent(url.hash.slice(1))}`}`;
  }

  // Code, the table of its names, and how to have an answer checked by it.
  function withoutCode(article) {
    for (const gone of article.querySelectorAll("details.nc-code, #in-the-code")) gone.remove();
    for (const start of article.querySelectorAll(".exercise p > em:first-child")) {
      if (!/^To check/.test(start.textContent)) continue;
      while (start.parentElement.nextElementSibling) start.parentElement.nextElementSibling.remove();
      start.parentElement.remove();
    }
    const [about] = article.querySelectorAll("#exercises > p");
    if (/^check\(/.test(about?.textContent)) about.remove();
  }

  function chapter({ name, part, html, drawn }) {
    const page = parse(html);
    for (const link of page.querySelectorAll("link[rel=stylesheet]")) {
      styles.add(new URL(link.getAttribute("href"), HOME + name).pathname.slice(1));
    }
    const article = page.querySelector("article.bd-article");
    const id = idOf(name);
    for (const gone of article.querySelectorAll("script, button, .headerlink, .nc-cite")) gone.remove();
    // Pictures that move stand still.
    for (const [index, picture] of article.querySelectorAll(MOVING).entries()) picture.outerHTML = drawn[index];
    if (!all) withoutCode(article);
    for (const form of article.querySelectorAll("form")) {
      const note = make("p", { class: "only-online" }, "Here the online book has a form for your own counts.");
      note.id = form.id; // Pages link to it.
      form.replaceWith(note);
    }
    for (const box of article.querySelectorAll("details")) {
      const title = box.querySelector("summary");
      if (box.matches(".nc-code")) title.remove();
      else title?.replaceWith(make("p", { class: "folded-title" }, ...title.childNodes));
      box.replaceWith(...box.childNodes);
    }
    for (const element of article.querySelectorAll("*")) {
      if (element.id) element.id = `${id}--${element.id}`;
      for (const { name: key, value } of [...element.attributes]) {
        if (["for", "aria-labelledby", "aria-describedby"].includes(key)) {
          element.setAttribute(
            key,
            value
              .split(/\s+/)
              .map((one) => `${id}--${one}`)
              .join(" "),
          );
        } else if (value.includes("url(#")) {
          element.setAttribute(key, value.replaceAll("url(#", `url(#${id}--`));
        }
      }
    }
    for (const image of article.querySelectorAll("img")) {
      image.src = site + new URL(image.getAttribute("src"), HOME + name).pathname;
    }
    for (const link of article.querySelectorAll("a[href]")) {
      const place = target(link.getAttribute("href"), name);
      if (place) link.setAttribute("href", place);
      else link.replaceWith(...link.childNodes);
    }
    // A section may begin at the foot of a page, and its heading on the next: links lead to the heading.
    for (const heading of article.querySelectorAll("section[id] > :is(h2, h3, h4, h5)")) {
      if (heading.id) continue;
      heading.id = heading.parentElement.id;
      heading.parentElement.removeAttribute("id");
    }
    const title = article.querySelector("h1").textContent;
    const found = [...article.querySelectorAll(".solution.admonition")];
    if (all && found.length) solutions.append(make("h2", {}, title));
    for (const solution of found) {
      if (!all) {
        solution.remove();
        continue;
      }
      solution.replaceWith(make("p", { class: "to-solution" }, make("a", { href: `#${solution.id}` }, "Solution")));
      solutions.append(solution);
    }
    article.id = id;
    article.classList.toggle("part", part);
    return { article, part, title };
  }

  const first = parse(pages[0].html);
  const chapters = pages.map(chapter);
  if (solutions.children.length > 1) chapters.push({ article: solutions, title: "Solutions" });
  if (!all) {
    // What leads to a solution or to the code is words.
    const ids = new Set(
      chapters.flatMap(({ article }) => [article, ...article.querySelectorAll("[id]")].map(({ id }) => id)),
    );
    for (const link of chapters.flatMap(({ article }) => [...article.querySelectorAll("a[href^='#']")])) {
      if (/--(in-the-code$|.*solution)/.test(link.hash) && !ids.has(decodeURIComponent(link.hash.slice(1)))) {
        link.replaceWith(...link.childNodes);
      }
    }
  }

  const entry = (level, id, text) =>
    make(
      "li",
      { class: `level-${level}` },
      make("a", { href: `#${id}` }, make("span", {}, text), make("span", { class: "number", "data-of": id })),
    );
  const contents = make("ul");
  for (const { article, title } of chapters) {
    contents.append(entry(1, article.id, title));
    for (const heading of article.querySelectorAll("section section > h2")) {
      contents.append(entry(2, heading.id, heading.textContent));
    }
  }

  // The name of a chapter stands above its pages, also above those of its parts, which follow without a
  // new sheet.
  let whole = -1;
  const heads = chapters
    .map(({ article, part, title }, index) => {
      if (!part) whole = index;
      article.style.page = `chapter-${whole}`;
      return part ? "" : `@page chapter-${index} { @top-right { content: ${JSON.stringify(title)}; } }`;
    })
    .join("\n");
  const math = [...first.querySelectorAll("script")].filter(
    (script) => /window\.MathJax/.test(script.textContent) || /mathjax/.test(script.getAttribute("src")),
  );
  const root = make(
    "html",
    { lang: "en", "data-theme": "light" },
    make(
      "head",
      {},
      make("meta", { charset: "utf-8" }),
      make("title", {}, first.title),
      ...[...styles].map((path) => make("link", { rel: "stylesheet", href: `${site}/${path}` })),
      make("style", {}, `${style}\n${heads}`),
      ...math.map((script) => {
        const source = script.getAttribute("src");
        // Formulas are set page by page.
        if (!source) return make("script", {}, `${script.textContent};(MathJax.startup ??= {}).typeset = false;`);
        return make("script", { defer: "", src: site + new URL(source, HOME + pages[0].name).pathname });
      }),
    ),
    make(
      "body",
      {},
      make(
        "header",
        { class: "title-page" },
        make("p", { class: "title" }, first.title),
        make("p", {}, parse(entrance).querySelector('meta[name="description"]').content),
        make("p", {}, first.querySelector(".component-author")?.textContent.trim() ?? ""),
      ),
      make("nav", { id: "contents" }, make("h1", {}, "Contents"), contents),
      make("div", { class: "bd-content" }, ...chapters.map(({ article }) => article)),
    ),
  );
  return `<!DOCTYPE html>\n${root.outerHTML}`;
}

// Runs in the browser: makes formulas that are wider than the paper fit it.
function fit() {
  for (const formula of document.querySelectorAll("mjx-container[display]")) {
    const share = formula.clientWidth / formula.scrollWidth;
    if (share < 1) formula.style.fontSize = `${Math.floor(100 * share)}%`;
  }
}

// Runs in the browser, in print media, at the width of the paper: lists what is cut off there.
function outside(width) {
  const problems = [];
  // What MathJax writes for screen readers takes room and is not seen: it cuts nothing.
  const seen = document.createElement("style");
  seen.textContent = "mjx-assistive-mml { display: none !important; }";
  document.head.append(seen);
  for (const node of document.querySelectorAll("body *")) {
    if (node.closest("mjx-container > *, svg > *") || !node.checkVisibility()) continue;
    const box = node.getBoundingClientRect();
    const { display, overflowX } = getComputedStyle(node);
    const cut = display !== "inline" && overflowX !== "visible" && node.scrollWidth > node.clientWidth + 1;
    if (box.right > width + 1 || box.left < -1 || cut) {
      const text = node.textContent.trim().replace(/\s+/g, " ").slice(0, 60);
      const end = Math.round(Math.max(box.right, box.left + node.scrollWidth));
      problems.push(
        `${node.closest("article")?.id}: ${node.tagName.toLowerCase()}.${node.className} to ${end} of ${width} px: ${text}`,
      );
    }
  }
  seen.remove();
  return problems;
}

// The page on which each place stands that something in the PDF leads to. Chromium writes its objects
// in plain text; streams alone are packed.
function places(pdf) {
  const text = pdf.toString("latin1");
  const objects = new Map(
    [...text.matchAll(/(\d+) 0 obj\s([\s\S]*?)endobj/g)].map(([, number, body]) => [number, body]),
  );
  const catalog = [...objects.values()].find((body) => /\/Type\s*\/Catalog/.test(body));
  const kids = (number) => {
    const body = objects.get(number);
    if (/\/Type\s*\/Page\b(?!s)/.test(body)) return [number];
    return [...body.match(/\/Kids\s*\[([^\]]*)\]/)[1].matchAll(/(\d+) 0 R/g)].flatMap(([, kid]) => kids(kid));
  };
  const sheets = kids(catalog.match(/\/Pages (\d+) 0 R/)[1]);
  const named = objects.get(catalog.match(/\/Dests (\d+) 0 R/)?.[1]) ?? "";
  const found = new Map();
  for (const [, name, page] of named.matchAll(/\/(\S+)\s*\[\s*(\d+) 0 R/g)) {
    const plain = name.replace(/#([0-9A-Fa-f]{2})/g, (_, code) => String.fromCharCode(parseInt(code, 16)));
    found.set(decodeURIComponent(plain), sheets.indexOf(page) + 1);
  }
  return { sheets: sheets.length, found };
}

const browser = await launch(PATIENCE);
const page = await browser.newPage({ viewport: { width: PAPER_WIDTH, height: 1000 } });
page.setDefaultTimeout(PATIENCE);

const tree = await browser.newBrowserCDPSession();

// CPU time so far, of this process and of the browser's, in seconds.
async function worked() {
  const { processInfo } = await tree.send("SystemInfo.getProcessInfo");
  const own = process.cpuUsage();
  return processInfo.reduce((sum, { cpuTime }) => sum + cpuTime, (own.user + own.system) / 1e6);
}

// What the scripts of a page draw before a reader has touched anything.
async function drawings(name) {
  say(`pictures that move: ${name}`);
  const still = await browser.newPage({ viewport: { width: PAPER_WIDTH, height: 1000 }, reducedMotion: "reduce" });
  still.setDefaultTimeout(PATIENCE);
  await still.goto(pathToFileURL(join(SITE, name)).href);
  await still.waitForFunction(
    (moving) => [...document.querySelectorAll(moving)].every((box) => box.querySelector("svg")),
    MOVING,
  );
  const found = await still.$$eval(MOVING, (boxes) =>
    boxes.map((box) => {
      for (const control of box.querySelectorAll("button, input, select, .controls, .tools, .spoken")) control.remove();
      return box.outerHTML;
    }),
  );
  await still.close();
  return found;
}

await page.goto(pathToFileURL(join(SITE, "index.html")).href);
await page.waitForURL("**/book/**");
const order = await page.$$eval("nav.bd-links a.internal", (links) =>
  links.map((link) => [link.href.replace(/#.*/, ""), link.closest("li.toctree-l2") !== null]),
);
const pages = [];
for (const [address, part] of new Map(order)) {
  const path = fileURLToPath(address);
  const name = relative(SITE, path);
  if (ALL || !REFERENCE.test(name)) pages.push({ name, part, html: await read(path) });
}
for (const one of pages.filter(({ html }) => html.includes("nc-moving"))) one.drawn = await drawings(one.name);
const entrance = await read(join(SITE, "index.html"));
const site = relative(dirname(DOCUMENT), SITE);
const style = await read(STYLE);
await writeFile(DOCUMENT, await page.evaluate(compose, { MOVING, all: ALL, entrance, pages, site, style }));

await page.emulateMedia({ media: "print", colorScheme: "light" });
const failed = [];
page.on("requestfailed", (request) => failed.push(request.url()));
page.on("pageerror", (error) => failed.push(error.message));
await page.goto(pathToFileURL(DOCUMENT).href);
await page.evaluate(() => window.MathJax.startup.promise);
const articles = await page.$$("article");
for (const [index, article] of articles.entries()) {
  say(`formulas, page ${index + 1} of ${articles.length}: ${await article.$eval("h1", (title) => title.textContent)}`);
  await article.evaluate((node) => window.MathJax.typesetPromise([node]));
}
await page.evaluate(() => document.fonts.ready);
await page.evaluate(fit);
const wide = await page.evaluate(outside, PAPER_WIDTH);

const paper = { preferCSSPageSize: true, printBackground: true };
say("paper, first time: on which page each heading stands");
let { sheets, found } = places(await page.pdf(paper));
await page.evaluate((numbers) => {
  for (const place of document.querySelectorAll("#contents .number"))
    place.textContent = numbers[place.dataset.of] ?? "";
}, Object.fromEntries(found));
say(`paper, second time: ${sheets} pages with their numbers`);
// With the outline, and with the structure that screen readers need.
const pdf = await page.pdf({ ...paper, outline: true, tagged: true });
({ sheets, found } = places(pdf));
await writeFile(PDF, pdf);
const entries = await page.$$eval("#contents li", (items) =>
  items.map((item) => {
    const number = item.querySelector(".number");
    return {
      id: number.dataset.of,
      level: Number(item.className.at(-1)),
      title: item.querySelector("span").textContent,
      page: Number(number.textContent),
    };
  }),
);
const dead = await page.$$eval("a[href^='#']", (links) =>
  links
    .map((link) => link.getAttribute("href").slice(1))
    .filter((id) => !document.getElementById(decodeURIComponent(id))),
);
const cpu = Math.round(await worked());
await browser.close();
const problems = [...failed];
for (const id of new Set(dead)) problems.push(`no such place: ${id}`);
for (const { id, page: number } of entries) {
  if (number !== found.get(id)) problems.push(`contents: ${id} is on page ${found.get(id)}, not ${number}`);
}
for (const one of wide) console.error(`warning: wider than the paper with the fonts of this machine: ${one}`);
for (const one of problems) console.error(`error: ${one}`);
process.stdout.write(
  `${JSON.stringify({ sheets, bytes: pdf.length, cpu, chapters: pages.map(({ name }) => name), entries, wide, problems })}\n`,
);
process.exitCode = problems.length ? 1 : 0;
