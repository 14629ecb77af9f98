// Prints pages of the built site as a reader does with Ctrl+P, and writes as JSON what is wrong on paper.
//
//     CHROMIUM=/path/to/chromium node printed_pages.mjs PAGE.html ... > report.json
//
// What does not fit or is empty is seen in the page, laid out for print and as wide as the paper. Where
// a heading comes to stand only the PDF says: its outline leads to each of them.

import { pathToFileURL } from "node:url";
import { launch } from "../../tools/browser.mjs";
import { PATIENCE, settled } from "./work.mjs";

const MARGIN_MM = 10;
const MARGIN = (MARGIN_MM * 72) / 25.4;
const PAPER = { width: Math.floor(((210 - 2 * MARGIN_MM) * 96) / 25.4), height: 1000 };
// A heading that stands lower than this above the margin, in points, has no line below it.
const ROOM = 30;

// Runs in the browser.
function seen() {
  const problems = [];
  const name = (node) =>
    `${node.tagName.toLowerCase()}.${[...node.classList].join(".")}: ${node.textContent.trim().replace(/\s+/g, " ").slice(0, 60)}`;
  const article = document.querySelector("article");
  const { left, right } = article.getBoundingClientRect();
  // What MathJax writes for screen readers takes room and is not seen: it cuts nothing.
  document.head.append(
    Object.assign(document.createElement("style"), { textContent: "mjx-assistive-mml { display: none !important; }" }),
  );
  const painted = ({ borderTopWidth, borderLeftWidth, borderTopStyle, borderLeftStyle, backgroundColor }) =>
    (borderTopStyle !== "none" && borderTopWidth !== "0px") ||
    (borderLeftStyle !== "none" && borderLeftWidth !== "0px") ||
    !/^(transparent|rgba\(.*, 0\)|rgb\(255, 255, 255\))$/.test(backgroundColor);
  for (const node of article.querySelectorAll("*")) {
    if (node.closest("mjx-container > *, svg > *") || !node.checkVisibility({ visibilityProperty: true })) continue;
    const box = node.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) continue;
    const style = getComputedStyle(node);
    const flows = style.display !== "inline";
    const cut = flows && style.overflowX !== "visible" && node.scrollWidth > node.clientWidth + 1;
    const formula = node.matches("mjx-container[display]") && node.scrollWidth > node.clientWidth + 1;
    if (box.left < left - 1 || box.right > right + 1 || cut || formula)
      problems.push(`wider than the paper: ${name(node)}`);
    if (node.matches("button, input, select, textarea, label")) problems.push(`a control: ${name(node)}`);
    if (node.matches("details:not([open], .nc-code)")) problems.push(`shut: ${name(node)}`);
    if (node.matches("details.nc-code:not([open])")) problems.push(`what is left of folded code: ${name(node)}`);
    const full = node.matches("img, svg, hr, td, th") || node.querySelector("img, svg, hr, mjx-container");
    if (flows && box.width > 40 && box.height > 8 && painted(style) && !full && !node.textContent.trim())
      problems.push(`empty: ${name(node)}`);
  }
  // What is printed by code that is folded stays with it.
  for (const told of article.querySelectorAll(".nc-predicted, .nc-covered:not(details.nc-code:not([open]) *)")) {
    if (!told.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
      problems.push(`covered: ${name(told)}`);
  }
  return problems;
}

// Headings at the foot of a sheet. Chromium writes its objects in plain text; streams alone are packed.
function alone(pdf) {
  const text = pdf.toString("latin1");
  const entry = /\/Title (\((?:\\.|[^\\)])*\)|<[^>]*>)\s*\/Dest \[\d+ 0 R \/XYZ [\d.-]+ ([\d.-]+) /g;
  const headings = [...text.matchAll(entry)].map(([, title, above]) => ({ title, above: Number(above) }));
  const sheets = text.match(/\/Type\s*\/Page\b/g).length;
  return {
    sheets,
    headings: headings.length,
    problems: headings.filter(({ above }) => above < MARGIN + ROOM).map(({ title }) => `alone at the foot: ${title}`),
  };
}

const browser = await launch(PATIENCE);
const report = {};
for (const path of process.argv.slice(2)) {
  const page = await browser.newPage({ viewport: PAPER });
  page.setDefaultTimeout(PATIENCE);
  await page.goto(pathToFileURL(path).href);
  const complete = await settled(page);
  const margin = Object.fromEntries(["top", "bottom", "left", "right"].map((side) => [side, `${MARGIN_MM}mm`]));
  const pdf = await page.pdf({ format: "A4", preferCSSPageSize: true, margin, outline: true, tagged: true });
  const { sheets, headings, problems } = alone(pdf);
  await page.emulateMedia({ media: "print" });
  await page.evaluate(() => dispatchEvent(new Event("beforeprint")));
  report[path] = { complete, sheets, headings, problems: [...problems, ...(await page.evaluate(seen))] };
  await page.close();
}
await browser.close();
process.stdout.write(JSON.stringify(report));
