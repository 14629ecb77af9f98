// Writes Pagefind's index of the built site, by sections.
//
//     node search_index.mjs SITE_FOLDER [PAGE_TO_LOOK_UP ...]
//
// Pagefind finds the sections of a page by headings that have an id. Sphinx gives ids to the sections
// around them, so that the index is made from pages where these are exchanged. Words that a page names
// as its keywords count as much as its title. Pages to look something up in hold every word, and so
// each of theirs counts for less.

import { readdir, readFile } from "node:fs/promises";
import { join, resolve, sep } from "node:path";
import { close, createIndex } from "pagefind";

const [SITE, ...REFERENCE] = process.argv.slice(2);

const { index, errors } = await createIndex({
  rootSelector: "article.bd-article",
  excludeSelectors: ["details.nc-code", "details.nc-cite", "div.cell_output", "div.math", ".nc-reading-time", "form"],
});
if (errors.length) throw new Error(errors.join("; "));
const names = (await readdir(SITE, { recursive: true })).map((name) => name.split(sep).join("/"));
for (const name of names.filter((one) => /^(?!_).*\.html$/.test(one)).sort()) {
  const page = await readFile(join(resolve(SITE), name), "utf8");
  // Without the article there is nothing to find: the search itself, or a page that sends on.
  if (!page.includes('<article class="bd-article">') || /^(genindex|search)\.html$/.test(name)) continue;
  const keywords = page.match(/<meta name="keywords" content="([^"]*)"/)?.[1] ?? "";
  const article = `<article class="bd-article" data-pagefind-weight="${REFERENCE.includes(name) ? 0.1 : 1}">`;
  const named = `<p data-pagefind-weight="10">${keywords}</p>`;
  const content = page
    .replace(
      /<section ([^>]*)id="([^"]+)"([^>]*)>\s*(<span id="[^"]*"><\/span>\s*)*<(h[2-6])>/g,
      '<section $1$3><$5 id="$2">',
    )
    .replace(/<a class="headerlink".*?<\/a>/g, "")
    // What TeX says nobody reads in a list of results.
    .replace(/<span class="math[^>]*>.*?<\/span>/gs, "…")
    .replace(/<article class="bd-article">([\s\S]*?<\/h1>)/, `${article}$1${named}`);
  const added = await index.addHTMLFile({ sourcePath: name, content });
  if (added.errors.length) throw new Error(`${name}: ${added.errors.join("; ")}`);
}
const written = await index.writeFiles({ outputPath: join(SITE, "pagefind") });
if (written.errors.length) throw new Error(written.errors.join("; "));
await close();
