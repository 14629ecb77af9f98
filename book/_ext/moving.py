"""The form on the landing page, and the scripts of the pictures that move.

```{front-box}
```

puts the form into a page. A picture that moves is an element with the attribute `data-moving`; a page
that has one, or the form, loads the scripts for it, and no other page does.
"""

import re
from html import escape

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from nclib.data.published import gallery

# What each kind needs, in the order in which a page loads it.
SCRIPTS = {
    "box": ("drawing.js", "theory.js", "front-box.js"),
    "live": ("drawing.js", "theory.js", "live.js"),
    "picture": ("drawing.js", "theory.js", "pictures.js"),
}

# Data sets that the form offers: small enough to stand in the page.
MOST_CLASSES = 100

FORM = """\
<form id="your-counts" class="nc-box" data-moving="box" autocomplete="off">
<div class="given">
<label class="wide">Samples of each class, pasted in any shape<textarea name="counts" rows="4"
 spellcheck="false">{counts}</textarea></label>
<p class="reading wide"><span class="found"></span> <span class="note"></span>
<button type="button" class="other" hidden></button></p>
<label>Or a data set<select name="preset"><option value="">your own</option>
{presets}</select></label>
<label>Loss<select name="loss">
<option value="cross-entropy" selected>CrossEntropyLoss()</option>
<option value="mse">MSELoss()</option>
<option value="mse-sum">MSELoss(reduction="sum")</option>
<option value="paper">the paper's: ½ squared error</option></select></label>
<label class="with-batch" hidden>Batch size<input name="batch" type="text" inputmode="numeric" value="128"></label>
<label>weight_decay<input name="decay" type="text" inputmode="decimal" value="5e-4"></label>
<label>Linear layers at the end<input name="depth" type="number" min="1" max="100" value="1"></label>
<label>Bias of the last layer<select name="bias">
<option value="decayed" selected>with the weight decay</option>
<option value="free">without a weight decay</option>
<option value="none">no bias</option></select></label>
<label>Class weights or sampler<select name="balance">
<option value="none" selected>none</option>
<option value="weight:balanced">weights 1/n</option>
<option value="weight:sqrt">weights 1/√n</option>
<option value="weight:effective:0.999">weights, effective number 0.999</option>
<option value="sampler:balanced">balanced sampler</option>
<option value="sampler:sqrt">sampler by √n</option></select></label>
<label>Nλ<sub>H</sub> from<input name="low" type="text" inputmode="decimal" value="0.01"></label>
<label>Nλ<sub>H</sub> to<input name="high" type="text" inputmode="decimal" value="10"></label>
<p class="wide hint">λ<sub>H</sub> is how strongly the features are held back. Hardly any script sets it;
the layers below act as if there were one. The paper's own runs have Nλ<sub>H</sub> = 0.03; a
<a href="11-your-data.html">monitor</a> measures yours. A number instead of a band: write it twice.</p>
</div>
<p class="verdict">The form needs JavaScript. <code>nclib predict</code> gives the same answers.</p>
<p class="spoken" role="status"></p>
<div class="results" hidden>
<div class="picture"></div>
<p class="key"><span class="swatch right"></span> classified right
<span class="swatch wrong"></span> answered as another class, though apart
<span class="swatch none"></span> merged with others. Shaded: your band.</p>
<p class="legend" hidden>Lost with ● 1 layer, ■ 3 layers, ◆ 6 layers, the same penalties.</p>
<label class="tick"><input type="checkbox" name="layers"> 1, 3 and 6 layers side by side</label>
<ul class="help"></ul>
<details><summary>Every class in a table</summary><div class="scroll" tabindex="0" role="region" aria-label="Every class">
<table><thead><tr><th scope="col">class</th><th scope="col">samples</th><th scope="col">lost at Nλ<sub>H</sub></th>
<th scope="col">merged at Nλ<sub>H</sub></th><th scope="col">at the lower end</th><th scope="col">at the upper end</th></tr></thead>
<tbody class="rows"></tbody></table></div><p class="more"></p></details>
</div>
<p class="tools"><button type="button" class="save-picture">Picture</button>
<button type="button" class="save-table">Table</button> <button type="button" class="copy">Copy link</button>
<button type="button" class="reset">Reset</button></p>
<p class="same">The same as a command (<button type="button" class="save-counts">counts.csv</button>):</p>
<pre class="command" tabindex="0" role="region" aria-label="Command"></pre>
</form>
"""


def form() -> str:
    """Write the form, with the data sets to choose from."""
    presets = []
    for key, entry in gallery().items():
        counts = entry.counts
        if counts.K > MOST_CLASSES:
            continue
        names = counts.names or ()
        lines = [
            f"{names[k]},{n}" if names else f"{n}" for k, n in enumerate(counts.n.tolist())
        ]
        told = escape("|".join(lines), quote=True)
        presets.append(f'<option value="{key}" data-counts="{told}">{key}</option>\n')
    first = gallery()["ham10000"].counts
    pasted = "\n".join(f"{name} {n}" for name, n in zip(first.names or (), first.n, strict=True))
    return FORM.format(counts=pasted, presets="".join(presets))


class FrontBox(SphinxDirective):
    """Puts the form into a page."""

    def run(self) -> list[nodes.Node]:
        """Hand its HTML on."""
        return [nodes.raw("", form(), format="html")]


def load_scripts(
    app: Sphinx,
    pagename: str,
    templatename: str,
    context: dict[str, object],
    doctree: nodes.document | None,
) -> None:
    """Load the scripts of what a page holds."""
    if doctree is None:
        return
    text = "".join(node.astext() for node in doctree.findall(nodes.raw))
    wanted = dict.fromkeys(
        script for kind in re.findall(r'data-moving="(\w+)', text) for script in SCRIPTS[kind]
    )
    for script in wanted:
        app.add_js_file(script, loading_method="defer")


def setup(app: Sphinx) -> dict[str, bool]:
    """Register the extension."""
    app.add_directive("front-box", FrontBox)
    app.connect("html-page-context", load_scripts)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
