/* Starts the slides: formulas first, then everything is made to fit, then reveal.js takes over. */

{
  const SIZE = { width: 1280, height: 720 };
  // At the lower edge are the number of the slide and the arrows.
  const FOOT = 30;
  // Letters, as a share of the usual ones: words alone may be larger, and smaller ones nobody reads at the back.
  const [LARGEST, SMALLEST] = [1.5, 0.6];

  // Before reveal.js hides all slides but one: each as large as the slide has room.
  function fit() {
    for (const slide of document.querySelectorAll(".slide")) {
      const body = slide.querySelector(".body, .cover");
      const over = () =>
        body.offsetTop - slide.offsetTop + body.offsetHeight > SIZE.height - FOOT || slide.scrollWidth > SIZE.width;
      const first = slide.querySelector(".seen") ? 1 : LARGEST;
      for (let share = first; share >= SMALLEST; share -= 0.04) {
        slide.style.setProperty("--share", share.toFixed(2));
        if (!over()) break;
      }
    }
  }

  // To a moment of the plan: an explorable knows its states, the form has fields of these names.
  function show(button) {
    const thing = button.closest(".moments").previousElementSibling;
    const query = button.dataset.moment;
    if (thing.goTo) thing.goTo(query);
    for (const [name, value] of new URLSearchParams(thing.goTo ? "" : query)) {
      const field = thing.elements[name];
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      field.dispatchEvent(new Event("change", { bubbles: true }));
    }
    for (const one of button.parentElement.children) one.setAttribute("aria-pressed", one === button);
  }

  async function start() {
    const { MathJax, Reveal, RevealNotes } = window;
    await MathJax.startup.promise;
    await MathJax.typesetPromise();
    // The speaker's window has no style that would hide these.
    for (const twin of document.querySelectorAll(".notes mjx-assistive-mml")) twin.remove();
    await document.fonts.ready;
    const explorables = [...document.querySelectorAll(".nc-explorable")];
    while (!explorables.every((box) => box.matches(".nc-mounted"))) await new Promise(requestAnimationFrame);
    document.addEventListener("click", ({ target }) => target.dataset?.moment !== undefined && show(target));
    for (const moments of document.querySelectorAll(".moments")) show(moments.firstElementChild);
    // The keys belong to the slides again when a pointer lets go of a control.
    document.addEventListener("pointerup", ({ target }) => target.closest("input[type=range], button")?.blur());
    fit();
    await Reveal.initialize({
      ...SIZE,
      margin: 0,
      center: false,
      hash: true,
      slideNumber: "c/t",
      transition: "none",
      pdfMaxPagesPerSlide: 1,
      keyboardCondition: () => !document.activeElement?.closest("select, .nc-chart"),
      plugins: [RevealNotes],
    });
    document.documentElement.dataset.ready = "";
  }
  addEventListener("load", start);
}
