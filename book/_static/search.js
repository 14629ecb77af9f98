"use strict";
/* Where the site is served, the search asks Pagefind's index, which knows sections. What is not to be
   had that way, Sphinx's own search finds. */
{
  const INDEX = new URL("../pagefind/pagefind.js", document.currentScript.src);
  const MOST_PAGES = 15;
  const MOST_SECTIONS = 3;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };

  // An excerpt is HTML, in which Pagefind has marked the words.
  const excerpt = (innerHTML) => make("p", { className: "context", innerHTML });

  function entry({ url, meta, excerpt: best, sub_results: all }) {
    const strength = ({ weighted_locations: places }) => places.reduce((sum, place) => sum + place.balanced_score, 0);
    const sections = all
      .filter((section) => section.url !== url)
      .sort((one, other) => strength(other) - strength(one))
      .slice(0, MOST_SECTIONS);
    const list = sections.map((section) =>
      make("li", {}, make("a", { href: section.url }, section.title), excerpt(section.excerpt)),
    );
    const page = make("a", { href: url }, meta.title);
    return make("li", {}, page, ...(list.length ? [make("ul", {}, ...list)] : [excerpt(best)]));
  }

  async function show(query) {
    const index = await import(INDEX);
    // A long page is no worse an answer than a short one.
    await index.options({ ranking: { pageLength: 0.5 } });
    const { results } = await index.search(query);
    const found = await Promise.all(results.slice(0, MOST_PAGES).map((result) => result.data()));
    const count = results.length === 1 ? "1 page" : `${results.length} pages`;
    const words = results.length ? `${count} on “${query}”` : `Nothing was found on “${query}”.`;
    document
      .getElementById("search-results")
      .replaceChildren(
        make("h2", {}, "Search results"),
        make("p", { className: "search-summary", role: "status" }, words),
        make("ol", { className: "search" }, ...found.map(entry)),
      );
  }

  const ofSphinx = Search.performSearch;
  if (location.protocol !== "file:") {
    Search.performSearch = (query) => show(query).catch(() => ofSphinx(query));
  }
}
