/* The theory for a reader without Python: reading pasted counts, the closed form, and one layer under
   the losses that people train with. This is the one place where nclib's formulas are written a second
   time; the tests compare both. Nothing here knows of a page, so that a worker can be made of it. */
"use strict";
// biome-ignore lint/correctness/noUnusedVariables: the scripts after this one, and the worker, take it
function theory() {
  const TIE = 1e-12; // as in nclib: a mode this close to its threshold counts as dead
  const NEAR = 1e-9; // just below and just above a death, relative to it
  const MOST_CLASSES = 10_000;
  const MOST_COUNTS = 2_000; // distinct ones
  const EXACT = 100; // up to so many distinct counts every class has its own root
  const sum = (list) => list.reduce((x, y) => x + y, 0);
  const number = (value) => value.toLocaleString("en");

  // ---------------------------------------------------------------- reading

  const WORDS = (text) => new Set(text.split(" "));
  const HEADER = WORDS(
    "class classes label labels name names category categories species diagnosis dx target type code id index count counts n " +
      "num number samples sample images image size total support frequency freq examples instances rows train training of per in " +
      "the each klasse klassen anzahl bilder nombre classe cantidad clase",
  );
  const TOTAL = WORDS("total totals sum all overall gesamt summe somme suma totale");
  const THIN = /[\u00a0\u2007\u2009\u202f]/g;
  const GROUPED = String.raw`[1-9]\d{0,2}(?:(?<mark>[,.'’_ \u202f])\d{3})(?:\k<mark>\d{3})*`;
  const ZEROS = "(?:[.,]0{1,2})?";
  const asks = (message) => {
    throw new Error(message);
  };
  const short = (text) => (text.length > 40 ? `${text.slice(0, 37)}...` : text);

  /* One number in bare digits, or with thousands separators where these are asked for. */
  function whole(word, thousands) {
    const text = word.trim().replace(/^(["'])(.*)\1$/, "$2");
    if (/^\d+(\.0{1,2})?$/.test(text) && !/^0\d/.test(text)) return Number(text);
    if (/^[1-9]\d*(_\d{3})+$/.test(text)) return Number(text.replaceAll("_", ""));
    if (!thousands || !new RegExp(`^${GROUPED}${ZEROS}$`).test(text)) return NaN;
    return Number(text.replace(/[.,]0{1,2}$/, "").replace(/\D/g, ""));
  }

  function checked({ n, names }) {
    n.forEach((value, k) => {
      const of = names ? `“${short(names[k])}”` : `number ${k + 1}`;
      if (!(value >= 1)) asks(`The count of ${of} is ${value}: leave out classes without samples.`);
      if (!(value < 2 ** 53)) asks(`The count of ${of} is too large: counts are below 2^53.`);
    });
    if (n.length < 2) asks(`That is ${n.length ? "one class" : "no count"}: give the samples of two classes or more.`);
    if (n.length > MOST_CLASSES)
      asks(`That is ${number(n.length)} classes, and this page takes ${number(MOST_CLASSES)}: use nclib predict.`);
    const distinct = new Set(n).size;
    if (distinct > MOST_COUNTS)
      asks(
        `That is ${number(distinct)} different counts, and this page takes ${number(MOST_COUNTS)}: use nclib predict.`,
      );
    if (!(sum(n) < 2 ** 53)) asks("The counts add up to 2^53 samples or more.");
    const low = n.reduce((x, y) => Math.min(x, y)),
      high = n.reduce((x, y) => Math.max(x, y));
    if (!names && n.length > 3 && low === 1 && high > 1 && distinct === high && n.length >= 2 * distinct)
      asks(
        `Each number from 1 to ${high} is there, most of them often: that looks like the labels of samples. Give the number of samples of each class.`,
      );
    if (names) {
      const seen = new Set(),
        twice = names.find((name) => seen.size === seen.add(name).size);
      if (twice !== undefined) asks(`“${short(twice)}” is there twice: which count is meant?`);
    }
    return { n, names };
  }
  const attempt = (read) => {
    try {
      return checked(read());
    } catch {
      return null;
    }
  };
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

  /* The reading that is taken, and another that is possible: which was meant, the reader says. */
  function either(taken, note, other, offer) {
    const first = attempt(taken),
      second = attempt(other);
    if (!first || !second || same(first, second)) return checked((first || !second ? taken : other)());
    return { ...first, note, other: { ...second, offer } };
  }

  /* Text without what programs print around it: brackets, a variable's name, a type. */
  function unwrapped(given) {
    let text = given
      .replace(/\ufeff/g, "")
      .replace(/\r\n?/g, "\n")
      .replace(THIN, "\u202f")
      .trim();
    text = text.replace(/^```\w*\n([\s\S]*?)\n?```$/, "$1").trim();
    text = text.replace(/^\w+\s*=\s*(?=[[({]|\w+[.(])/, "");
    for (let before = ""; before !== text; ) {
      before = text;
      text = text.replace(/[;,]$/, "").trim();
      text = text
        .replace(
          /^(?:np\.|numpy\.|torch\.)?(?:array|tensor|Counter|OrderedDict|dict|list|tuple|Tensor|LongTensor)\s*\(([\s\S]*)\)$/,
          "$1",
        )
        .trim();
      text = text.replace(/,\s*(?:dtype|device)\s*=\s*[\w.'":]+$/, "").trim();
    }
    return text;
  }

  function read(given) {
    const text = unwrapped(given);
    if (!text) asks("Type or paste how many samples each class has.");
    if (/^\[\s*[[(]|^\(\s*\(/.test(text)) return pairs(text);
    if (/^\{[\s\S]*\}$/.test(text)) return dictionary(text.slice(1, -1));
    if (/^[[(][\s\S]*[\])]$/.test(text)) return list(text.slice(1, -1));
    if (/[[\]{}]/.test(text.replace(/\[\w+\]/g, ""))) asks("A bracket is open or stands alone: paste the whole list.");
    const lines = text
      .split("\n")
      .map((line) => line.trim())
      .filter(
        (line) =>
          line && !/^(Name: .*|Length: .*)?(, )?dtype: \w+$/.test(line) && !/^[|:+\s-]*-{3}[|:+\s-]*$/.test(line),
      );
    if (/^[\d\s\u202f,;.'’_+-]*$/.test(text)) return bare(lines);
    return named(lines);
  }

  function pairs(text) {
    const found = [
      ...text.matchAll(/[[(]\s*(?:"([^"]*)"|'([^']*)'|([^,'"[\]()]+?))\s*,\s*([^,()[\]]+?)\s*,?\s*[\])]/g),
    ];
    if (text.replace(/[[(][^[\]()]*[\])]/g, "").replace(/[\s,[\]()]/g, "") || !found.length)
      asks("That is a list within a list: give one flat list, or pairs of a name and a count.");
    const inner = text.slice(1, -1).match(/[[(]/g) ?? [];
    if (inner.length !== found.length || /\[\s*\d/.test(text))
      asks("That is a list within a list: give one flat list, or pairs of a name and a count.");
    return checked({
      names: found.map((one) => (one[1] ?? one[2] ?? one[3]).trim()),
      n: found.map((one) => counted(one[4], `“${short(one[0])}”`)),
    });
  }
  function dictionary(text) {
    const entry =
      /\s*(?:"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^:,{}"']+?))\s*:\s*(?:np\.int\d+\()?\s*([^,:{}"'()]+?)\s*\)?\s*(?:,|$)/y;
    const names = [],
      n = [];
    while (entry.lastIndex < text.trimEnd().length) {
      const at = entry.lastIndex,
        one = entry.exec(text);
      if (!one) asks(`“${short(text.slice(at).trim())}” is not “name: count”.`);
      names.push((one[1] ?? one[2] ?? one[3]).replace(/\\(.)/g, "$1"));
      n.push(counted(one[4], `“${short(names.at(-1))}”`));
    }
    return checked({ names, n });
  }
  function list(text) {
    if (/[[\](){}]/.test(text)) asks("That is a list within a list: give one flat list of counts.");
    const words = text
      .split(text.includes(",") ? "," : /\s+/)
      .map((word) => word.trim())
      .filter(Boolean);
    return checked({ n: words.map((word, k) => counted(word, `number ${k + 1}`)), names: null });
  }
  function counted(word, where) {
    const value = whole(word, false);
    if (Number.isNaN(value)) asks(`${where}: “${short(word.trim())}” is not the number of samples of a class.`);
    return value;
  }

  /* Nothing but digits and what stands between them. */
  function bare(lines) {
    const text = lines.join("\n");
    if (/(^|[^\d])-\s*\d/.test(text) || /\+/.test(text))
      asks("A count is a positive whole number: there is a sign before one.");
    const split = (separators, thousands) => () => ({
      names: null,
      n: lines
        .flatMap((line) =>
          line
            .split(separators)
            .map((word) => word.trim().replace(/[,;]$/, ""))
            .filter(Boolean),
        )
        .map((word, _k) => {
          const value = whole(word, thousands);
          if (Number.isNaN(value))
            asks(
              /^0\d/.test(word)
                ? `“${short(word)}” begins with 0: is it the tail of a number with a thousands separator? Write the bare digits.`
                : `“${short(word)}” is not the number of samples of a class.`,
            );
          return value;
        }),
    });
    const numbers = (reading) => attempt(reading)?.n.length ?? 0;
    const counts = (reading) => `${number(numbers(reading))} counts`;
    // A row of two numbers, with a tab or a comma between them: the first may be the name of the class.
    const rows = lines.map((line) => line.split(/\t|[,;]/).map((word) => word.trim()));
    const numbered = () => ({
      names: rows.map(([name]) => name),
      n: rows.map(([, count], k) => counted(count, `Line ${k + 1}`)),
    });
    const inRows = lines.length > 1 && rows.every((row) => row.length === 2 && row.every((word) => /^\d+$/.test(word)));
    if (inRows) {
      const order = rows.every(([name], k) => name === `${k}`) || rows.every(([name], k) => name === `${k + 1}`);
      const commas = lines.every((line) => new RegExp(`^${GROUPED}$`).test(line));
      const other = commas ? split(/\s+/, true) : split(/[\s,;]+/, false);
      const offer = commas ? "They are numbers with a thousands separator" : "All of them are counts";
      if (order || !commas)
        return either(numbered, "The first number of each line was taken for the name of its class.", other, offer);
      return either(
        other,
        "The commas were taken for thousands separators.",
        numbered,
        "The first number of each line names the class",
      );
    }
    const spaced = /\d[,.'’_ \u202f]\d{3}(?!\d)/.test(text.replaceAll("\n", "\n\n"));
    const plain = split(/[\s\u202f,;]+/, false);
    if (!spaced) return checked(plain());
    // Between the numbers stands white space, perhaps after a comma or a semicolon; in them, no space.
    const apart = split(/[;\t ]+|,\s+/, true);
    if (/^[^.]*(\d\.000(?!\d)[^.]*)+$/.test(text) && numbers(apart)) {
      const decimals = () => ({ names: null, n: apart().n.map((value) => (value % 1000 ? value : value / 1000)) });
      return either(apart, "The points were taken for thousands separators.", decimals, "They are decimal points");
    }
    if (/\d[,.'’\u202f]\d{3}/.test(text) && numbers(apart) && numbers(apart) !== numbers(plain))
      return either(
        apart,
        "A sign before three digits was taken for a thousands separator.",
        plain,
        `Read all numbers apart: ${counts(plain)}`,
      );
    // Spaces within the numbers, and something else, or a new line, between them.
    const between = /[,;\t]/.test(text) ? /[,;\t]+/ : /\n/;
    const within = split(between, true);
    if (/\d \d{3}(?!\d)/.test(text) && numbers(within) && numbers(within) !== numbers(plain))
      return either(
        within,
        "A space before three digits was taken for a thousands separator.",
        plain,
        `Read all numbers apart: ${counts(plain)}`,
      );
    if (numbers(apart) && !numbers(plain)) return checked(apart());
    const taken = checked(plain());
    // Without a space the commas could be of both kinds; a list in order is a list.
    const falling = taken.n.every((value, k) => !k || value <= taken.n[k - 1]);
    if (!falling && /(^|\D)[1-9]\d?,\d{3}(?!\d)/.test(text))
      return {
        ...taken,
        note: `All commas were taken for the gaps between counts: ${counts(plain)}. If some are thousands separators, write the bare digits.`,
      };
    return taken;
  }

  /* Lines, or parts of one line, of a name and a count. */
  function named(given) {
    let lines = given;
    const of = (line) => line.replace(/^\||\|$/g, "").trim();
    const digits = (line) => /\d/.test(line);
    if (lines.length === 1) lines = parts(lines[0]);
    const wrong =
      lines.length > given.length &&
      lines.some((part) => !Number.isNaN(whole(part, true))) &&
      lines.find((part) => !digits(part));
    if (wrong) asks(`“${short(wrong)}” is not the number of samples of a class.`);
    if (!lines.some(digits)) asks("There is no number in it: give the number of samples of each class.");
    if (lines.length === 2 && !digits(lines[0])) {
      const across = transposed(lines);
      if (across) return across;
    }
    const header = (line) =>
      !digits(line) &&
      (
        of(line)
          .toLowerCase()
          .match(/[^\W\d_]+/gu) ?? []
      ).every((word) => HEADER.has(word));
    const first = lines[0];
    if (lines.length > 2 && header(first)) lines = lines.slice(1);
    const left = (thousands) => lines.map((line, k) => nameAndCount(of(line), thousands, k));
    const right = (thousands) => lines.map((line, k) => countAndName(of(line), thousands, k));
    const reading = (way, thousands) => () => {
      const found = way(thousands);
      return withoutTotal({ names: found.map(({ name }) => name), n: found.map(({ count }) => count) });
    };
    const ways = [left, right].map((way) => [attempt(reading(way, true)), attempt(reading(way, false)), way]);
    const [grouped, plain, way] = ways.find(([one, other]) => one || other) ?? [null, null, left];
    if (!grouped && !plain) return checked(reading(way, true)());
    return either(
      reading(way, true),
      "A sign before three digits was taken for a thousands separator.",
      reading(way, false),
      "It belongs to the name",
    );
  }
  function parts(line) {
    const words = line
      .split(/\t|;|,\s+|,(?!\d{3}(?!\d))/)
      .map((word) => word.trim())
      .filter(Boolean);
    if (words.length === 1 && line.length < 2_000) {
      // cat=30 dog=5, or cat 30 dog 5
      const found = line.match(/[^\s\d=:][^\s=:]*\s*[=:\s]\s*\d+(?=\s|$)/g) ?? [];
      return found.length > 1 && found.join("").replace(/\s/g, "") === line.replace(/\s/g, "") ? found : words;
    }
    const isCount = (word) => !Number.isNaN(whole(word, true));
    if (words.length > 2 && words.length % 2 === 0 && words.every((word, k) => isCount(word) === (k % 2 === 1)))
      return words.flatMap((word, k) => (k % 2 ? [] : [`${word}\t${words[k + 1]}`]));
    return words;
  }
  function transposed(lines) {
    const cells = lines.map((line) =>
      line
        .replace(/^\||\|$/g, "")
        .split(/\t|\||;|,(?!\d{3}(?!\d))/)
        .map((word) => word.trim()),
    );
    if (cells[0].length !== cells[1].length) return null;
    let [names, counts] = cells;
    if (Number.isNaN(whole(counts[0], true))) [names, counts] = [names.slice(1), counts.slice(1)];
    if (names.length < 2 || names.every((name) => HEADER.has(name.toLowerCase()))) return null;
    return (
      attempt(() => ({ names, n: counts.map((word) => whole(word, true)) })) &&
      checked({ names, n: counts.map((word) => whole(word, true)) })
    );
  }
  const clean = (name) =>
    name
      .trim()
      .replace(/[\s,;:=|]+$|\s[–—-]+$/g, "")
      .replace(/^[\s,;:=|]+/, "")
      .trim()
      .replace(/^(["'])(.*)\1$/, "$2")
      .replace(/\s*\u202f\s*/g, " ");
  const refused = (line, k) =>
    asks(
      !/\d/.test(line)
        ? `Line ${k + 1}, “${short(line)}”, has no count: take it out if it is a header, give the count if it is a class.`
        : `Line ${k + 1}, “${short(line)}”, is not a name and the number of samples of that class.`,
    );
  function nameAndCount(line, thousands, k) {
    const text = line
      .replace(/\((\s*[\d.,'’_\u202f ]+)\)$/, "$1")
      .replace(/"([\d.,'’_ ]+)"$/, "$1")
      .replace(/[,;]$/, "");
    const tail = new RegExp(
      String.raw`^(.*?[\s,;:=|\u202f])(${thousands ? `${GROUPED}${ZEROS}|` : ""}\d+(?:\.0{1,2})?)$`,
    ).exec(text);
    const name = tail && clean(tail[1]);
    if (!tail || !name || /^0\d/.test(tail[2])) refused(line, k);
    if (/(^|[\s,;:=|])[-+~≈<>]\s*$/.test(tail[1]) && !/\s[-]\s+$/.test(tail[1]))
      asks(`Line ${k + 1}, “${short(line)}”: there is a sign before the count.`);
    // What is left may end in a number of its own: a third column.
    if (/[\t|;]|[:=]\s*\d+$/.test(name) || /,\s*["']?\d[\d.]*["']?$/.test(name) || /^\d[\d.]*,/.test(name))
      asks(`Line ${k + 1}, “${short(line)}”, has three columns or more: keep the names and the counts.`);
    return { name, count: whole(tail[2].replaceAll("\u202f", " "), true) };
  }
  function countAndName(line, thousands, k) {
    const head = new RegExp(String.raw`^(${thousands ? `${GROUPED}|` : ""}\d+)[\s,;:=|]+(\D.*)$`).exec(line);
    const name = head && clean(head.at(-1));
    if (!head || !name || /\d$/.test(name) || /^0\d/.test(head[1])) refused(line, k);
    return { name, count: whole(head[1].replaceAll("\u202f", " "), true) };
  }
  function withoutTotal({ names, n }) {
    const row = names.findIndex((name) =>
      (name.toLowerCase().match(/[^\W\d_]+/gu) ?? [""]).every((word) => TOTAL.has(word)),
    );
    if (row < 0 || n.length < 3) return { names, n };
    if (2 * n[row] !== sum(n))
      asks(
        `“${names[row]}” is ${number(n[row])}, but the others add up to ${number(sum(n) - n[row])}: correct it or take it out.`,
      );
    return { names: names.filter((_, k) => k !== row), n: n.filter((_, k) => k !== row) };
  }

  // ---------------------------------------------------------------- the closed form, any depth

  const softplus = (y) => (y > 0 ? y + Math.log1p(Math.exp(-y)) : Math.log1p(Math.exp(y)));
  const logistic = (y) => Math.exp(-softplus(-y));
  const xlogx = (x) => (x ? x * Math.log(x) : 0);

  /* Root of sum_j w_j / (N_j - t) between the poles i and i + 1, as nearest pole and offset: rational
     interpolation within a bracket, the poles on each side replaced by the nearest and a constant. */
  function secularRoot(poles, w, i) {
    const m = poles.length,
      gap = poles[i] - poles[i + 1];
    let value, size, low, high; // at the last place, and the slopes of the two sides
    const look = (origin, d) => {
      let below = 0,
        above = 0;
      low = high = 0;
      for (let j = 0; j <= i; j++) {
        const x = 1 / (poles[j] - poles[origin] - d),
          y = w[j] * x;
        above += y;
        high += y * x;
      }
      for (let j = i + 1; j < m; j++) {
        const x = 1 / (poles[j] - poles[origin] - d),
          y = w[j] * x;
        below += y;
        low += y * x;
      }
      value = above + below;
      size = above - below;
      return [below, above];
    };
    look(i, -gap / 2);
    const lower = value >= 0,
      origin = lower ? i + 1 : i,
      sign = lower ? 1 : -1;
    let d = gap / 2,
      least = 0,
      most = gap / 2;
    for (let k = 0; k < 100; k++) {
      const [below, above] = look(origin, sign * d);
      // Seen from the origin, d > 0 away: `near` is the negative sum of its side, `far` the other.
      const near = lower ? below : -above,
        far = lower ? above : -below;
      const nearSlope = lower ? low : high,
        farSlope = lower ? high : low;
      const p = nearSlope * d * d,
        q = farSlope * (gap - d) ** 2;
      const constant = near + nearSlope * d + far - farSlope * (gap - d);
      const B = constant * gap + p + q,
        root = Math.hypot(constant * gap - p + q, 2 * Math.sqrt(p) * Math.sqrt(q));
      if (near + far > 0) most = d;
      else least = d;
      if (Math.abs(value) <= 4.5e-16 * size) break;
      let next = B >= 0 ? (2 * p * gap) / (B + root) : (B - root) / (2 * constant);
      if (!(next >= least && next <= most)) next = (least + most) / 2;
      const moved = Math.abs(next - d);
      d = next;
      if (moved <= 9e-16 * d) break;
    }
    return [origin, sign * d];
  }

  /* log(s / (1 - s)) at the larger root of theta = s^(L-1) (1-s)^(L+1): Newton from the right. */
  function largeRoot(logTheta, L) {
    if (L === 1) return Math.log(-Math.expm1(logTheta / 2)) - logTheta / 2;
    let y = Math.max(-logTheta, 0) / (L + 1);
    for (let k = 0; k < 200; k++) {
      const value = -(L - 1) * softplus(-y) - (L + 1) * softplus(y) - logTheta;
      const step = value / (L - 1 - 2 * L * logistic(y));
      if (!(value < 0) || step <= 2e-16 * Math.max(Math.abs(y), 1)) break;
      y -= step;
    }
    return y;
  }

  function grouped(n) {
    const poles = Float64Array.from(new Set(n)).sort().reverse(),
      place = new Map([...poles].map((p, j) => [p, j]));
    const group = n.map((count) => place.get(count)),
      l = poles.map(() => 0);
    for (const j of group) l[j]++;
    return { poles, group, l };
  }
  function positive(name, value) {
    const reason = value === 0 ? "; the theorems divide by it, and at 0 a minimum may not exist" : "";
    if (!(value > 0 && value < Infinity)) asks(`${name} must be positive and finite; got ${value}${reason}`);
  }

  /* All that class counts give, and `at(factor)`: the optimum with every penalty times a factor. It
     hands over from time to time, so that who has no worker can do it in slices. Counts need not be
     whole: a sampler's are not. Without a bias a class may have a weight. */
  function* family({ n, L, bias, lambda_W, lambda_H, weight = () => 1 }) {
    if (!Number.isInteger(L) || L < 1) asks(`depth must be a whole number, at least 1; got ${L}`);
    positive("lambda_W", lambda_W);
    positive("lambda_H", lambda_H);
    const N = sum(n),
      { poles, group, l } = grouped(n),
      m = poles.length,
      w = poles.map((p, j) => p * l[j]);
    const limit = xlogx(L - 1) - 2 * L * Math.log(L); // of log(theta)
    const R = bias ? m - 1 : 0,
      inverse = new Float64Array(m * R),
      length = new Float64Array(R);
    const blocks = []; // of equal kappa, falling
    const add = (kappa, size, kind, j) => {
      if (!size) return;
      const logTheta =
        Math.log(N / weight(poles[j])) +
        Math.log(lambda_H) +
        L * Math.log(lambda_W) -
        L * (2 * Math.log(kappa) - Math.log(N / weight(poles[j])));
      blocks.push({ kappa, size, kind, j, logTheta, dies: kappa ? Math.exp((limit - logTheta) / (L + 1)) : 0 });
    };
    for (let j = 0; j < m; j++) {
      add(Math.sqrt(poles[j]), l[j] - (bias ? 1 : 0), "inner", j);
      if (j < R) {
        const [origin, offset] = secularRoot(poles, w, j);
        add(Math.sqrt(poles[origin] + offset), 1, "between", j);
        // 1 / (N_a - t_i), and the squared length of the vector sqrt(w_a) / (N_a - t_i).
        for (let a = 0; a < m; a++) {
          const x = 1 / (poles[a] - poles[origin] - offset);
          inverse[a * R + j] = x;
          length[j] += w[a] * x * x;
        }
        if (j % 32 === 31) yield;
      }
    }
    if (bias) add(0, 1, "null", m - 1);

    const inner = new Float64Array(m),
      kept = new Float64Array(R),
      F = new Float64Array(m),
      Q = new Float64Array(m);
    const own = new Float64Array(m),
      best = new Float64Array(m),
      right = new Float64Array(m);
    /* What the optimum makes of the classes. No class is answered as one with fewer samples: who asks
       only whether classes are right need not look at those. */
    function at(factor, whole = true) {
      const shift = (L + 1) * Math.log(factor);
      let apart = false,
        last = 0;
      for (const block of blocks) {
        const logTheta = block.logTheta + shift;
        block.alive = logTheta < limit - TIE * L;
        block.y = block.alive ? largeRoot(logTheta, L) : -Infinity;
        block.s = block.alive ? logistic(block.y) : 0;
        if (block.kind === "inner") inner[block.j] = block.s;
        if (block.kind === "between") {
          kept[block.j] = block.s / length[block.j];
          if (block.alive) [apart, last] = [true, block.j + 1];
        }
      }
      /* Inner modes apart, a class of group a answers N_a/N + N_a (F_b - F_a) / (N_a - N_b) to a
         sample of another group b, and N_b/N + N_b Q_b to one of its own. */
      for (let a = 0; a < m; a++) {
        let f = 0,
          q = 0;
        for (let i = 0, k = a * R; i < last; i++, k++) {
          const x = kept[i] * inverse[k];
          f += x;
          q += x * inverse[k];
        }
        F[a] = f;
        Q[a] = q;
      }
      for (let b = 0; b < m; b++) {
        const count = poles[b],
          base = bias ? count / N + count * Q[b] : 0,
          drop = bias && l[b] > 1 ? inner[b] / l[b] : 0;
        const mine = base + inner[b] - drop,
          slack = TIE * Math.abs(mine);
        let rivals = inner[b] > 0 ? 1 : l[b],
          most = l[b] > 1 ? base - drop : -Infinity,
          beaten = false;
        for (let a = 0; a < (whole ? m : b); a++) {
          if (a === b) continue;
          const other = bias ? poles[a] / N + (poles[a] * (F[b] - F[a])) / (poles[a] - count) : 0;
          if (other > most) most = other;
          if (other > mine + slack) beaten = true;
          else if (other >= mine - slack) rivals += l[a];
        }
        if (!bias && m > 1 && most < 0) most = 0;
        own[b] = mine;
        best[b] = most;
        right[b] = beaten || (!bias && !whole && mine === 0) ? 0 : 1 / rivals;
      }
      return { own, best, right, inner, apart };
    }
    function modes() {
      return blocks.map((block) => ({
        ...block,
        z: block.s * block.kappa,
        cost: (block.kappa ** 2 * (block.alive ? logistic(-block.y) : 1) * (1 + L * block.s)) / (2 * N),
      }));
    }
    const deaths = [...new Set(blocks.filter((k) => k.kappa > 0).map((k) => k.dies))].sort((a, b) => a - b);
    return { n, L, N, m, poles, group, l, bias, blocks, deaths, at, modes };
  }
  /* How many classes share the class-mean feature with one of group b, at the last place looked at. */
  const mergedAt = ({ l, bias }, { inner, apart }, b) =>
    inner[b] > 0 || (bias && l[b] === 1 && apart) ? 1 : apart ? l[b] : sum([...l].filter((_, a) => !(inner[a] > 0)));

  /* The factor on all penalties at which classes are lost, as in nclib. A class that is lost stays
     lost, so one may halve: among the deaths of modes, then between two of them. */
  const within = (all, factor, set) => {
    const { right } = all.at(factor, false);
    return set.every((b) => right[b] === 1);
  };
  const least = (all, logFactor, set) => {
    const { own, best } = all.at(Math.exp(logFactor), false);
    return set.reduce((x, b) => Math.min(x, own[b] - best[b]), Infinity);
  };
  const bounds = ({ deaths }, low) => [low ? deaths[low - 1] * (1 + NEAR) : deaths[0] * 1e-6, deaths[low] * (1 - NEAR)];
  function* upToDeath(all, low, set) {
    const death = all.deaths[low],
      [start, end] = bounds(all, low);
    if (within(all, end, set)) return death;
    let y = Math.log(end),
      fy = least(all, y, set),
      x = y,
      fx = fy;
    for (let step = 0.1; !(fx > 0) && x > Math.log(start); step *= 3) {
      [y, fy] = [x, fx];
      x = Math.max(y - step, Math.log(start));
      fx = least(all, x, set);
      yield;
    }
    if (!(fx > 0 && fy < 0)) return death; // a tie that only rounding decides
    for (let k = 0, z = x, before = 0; k < 200 && y - x > 1e-13; k++) {
      // False position; an end that stays counts half. Where that is slow, halving.
      const last = z;
      z = y - (fy * (y - x)) / (fy - fx);
      if (k % 8 === 7 || !(z > x && z < y)) z = (x + y) / 2;
      const fz = least(all, z, set);
      if (!fz || Math.abs(z - last) < 1e-13) return Math.exp(z);
      if (fz > 0) [x, fx, fy] = [z, fz, before > 0 ? fy / 2 : fy];
      else [y, fy, fx] = [z, fz, before < 0 ? fx / 2 : fx];
      before = fz;
      yield;
    }
    return Math.exp((x + y) / 2);
  }
  function* firstLoss(all) {
    const set = [...all.poles.keys()];
    let low = 0,
      high = all.deaths.length - 1; // at the last death something is lost
    while (low < high) {
      const middle = low ? (low + high) >> 1 : 0; // nearly always it is the first
      if (within(all, all.deaths[middle] * (1 + NEAR), set)) low = middle + 1;
      else high = middle;
      yield;
    }
    return yield* upToDeath(all, low, set);
  }
  /* The same for each group; with very many, to a hundredth. Infinite for one that is never lost. */
  function* losses(all) {
    const found = Array(all.m).fill(Infinity),
      { deaths } = all;
    const places = [...all.poles.keys()];
    function* narrow(x, y, set) {
      if (!set.length || y - x < 0.01)
        return set.forEach((b) => {
          found[b] = Math.exp((x + y) / 2);
        });
      const middle = (x + y) / 2,
        { right } = all.at(Math.exp(middle), false),
        kept = right.slice();
      yield;
      yield* narrow(
        middle,
        y,
        set.filter((b) => kept[b] === 1),
      );
      yield* narrow(
        x,
        middle,
        set.filter((b) => kept[b] < 1),
      );
    }
    if (all.m > EXACT) {
      const end = Math.log(deaths.at(-1) * (1 + NEAR)),
        kept = all.at(Math.exp(end), false).right.slice();
      yield* narrow(
        Math.log(deaths[0] * 1e-6),
        end,
        places.filter((b) => kept[b] < 1),
      );
      return found;
    }
    function* among(low, high, set) {
      if (!set.length || low === deaths.length) return;
      if (low === high) {
        for (const b of set) found[b] = yield* upToDeath(all, low, [b]);
        return;
      }
      const middle = (low + high) >> 1,
        kept = all.at(deaths[middle] * (1 + NEAR), false).right.slice();
      yield* among(
        middle + 1,
        high,
        set.filter((b) => kept[b] === 1),
      );
      yield* among(
        low,
        middle,
        set.filter((b) => kept[b] < 1),
      );
    }
    yield* among(0, deaths.length, places);
    return found;
  }
  function run(steps) {
    for (;;) {
      const { value, done } = steps.next();
      if (done) return value;
    }
  }

  // ---------------------------------------------------------------- one layer, any of the losses

  /* Singular values of a square matrix by rotations of its columns, shrunk by `less`. */
  function shrunk(B, size, less, near = null) {
    // Columns that are nearly at right angles already, as after the last step, need few rotations.
    const V = near ? near.slice() : new Float64Array(size * size);
    if (!near) for (let i = 0; i < size; i++) V[i * size + i] = 1;
    const A = near ? new Float64Array(size * size) : B.slice();
    if (near)
      for (let i = 0; i < size; i++)
        for (let k = 0; k < size; k++) {
          const x = B[i * size + k];
          for (let j = 0; j < size; j++) A[i * size + j] += x * near[k * size + j];
        }
    const small = 1e-17 * A.reduce((x, y) => x + y * y, 0);
    for (let sweep = 0, turned = true; turned && sweep < 40; sweep++) {
      turned = false;
      for (let p = 0; p < size - 1; p++)
        for (let q = p + 1; q < size; q++) {
          let a = 0,
            b = 0,
            c = 0;
          for (let i = 0; i < size; i++) {
            const x = A[i * size + p],
              y = A[i * size + q];
            a += x * x;
            b += y * y;
            c += x * y;
          }
          if (Math.abs(c) <= Math.max(1e-15 * Math.sqrt(a * b), small)) continue;
          turned = true;
          const zeta = (b - a) / (2 * c),
            t = (zeta < 0 ? -1 : 1) / (Math.abs(zeta) + Math.hypot(1, zeta));
          const cos = 1 / Math.hypot(1, t),
            sin = cos * t;
          for (const M of [A, V])
            for (let i = 0; i < size; i++) {
              const x = M[i * size + p],
                y = M[i * size + q];
              M[i * size + p] = cos * x - sin * y;
              M[i * size + q] = sin * x + cos * y;
            }
        }
    }
    const values = Array.from({ length: size }, (_, j) =>
      Math.hypot(...Array.from({ length: size }, (_, i) => A[i * size + j])),
    );
    const made = new Float64Array(size * size);
    values.forEach((value, j) => {
      if (value <= less) return;
      for (let i = 0; i < size; i++)
        for (let k = 0; k < size; k++) made[i * size + k] += (1 - less / value) * A[i * size + j] * V[k * size + j];
    });
    return { made, values, A, V };
  }

  /* The convex problem of the groups: for each its number of classes, what its loss counts for a class,
     and the root of what its features count. `free` is whether there is a bias. */
  function groupProblem({ softmax, free, size, mass, scale }) {
    const m = size.length,
      steep = softmax ? 0.5 : 1;
    const stiff = steep * mass.reduce((x, mu, a) => Math.max(x, mu / scale[a] ** 2), 0);
    const zero = () => ({ B: new Float64Array(m * m), inner: new Float64Array(m), bias: new Float64Array(m) });

    /* Logits, and the slope of the loss by B, by the inner modes and by the bias. */
    function look({ B, inner, bias }) {
      const own = [],
        beside = [],
        other = new Float64Array(m * m);
      const slope = zero();
      for (let b = 0; b < m; b++) {
        const d = scale[b],
          within = B[b * m + b] / size[b];
        own[b] = (within + inner[b] * (1 - 1 / size[b])) / d + bias[b];
        beside[b] = (within - inner[b] / size[b]) / d + bias[b];
        let most = own[b];
        for (let a = 0; a < m; a++) {
          if (a !== b) other[a * m + b] = B[a * m + b] / Math.sqrt(size[a] * size[b]) / d + bias[a];
          most = Math.max(most, a === b ? beside[b] : other[a * m + b]);
        }
        let of = (z) => z;
        if (softmax) {
          let total = Math.exp(own[b] - most) + (size[b] - 1) * Math.exp(beside[b] - most);
          for (let a = 0; a < m; a++) if (a !== b) total += size[a] * Math.exp(other[a * m + b] - most);
          of = (z) => Math.exp(z - most) / total;
        }
        const mine = mass[b] * (of(own[b]) - 1),
          near = mass[b] * of(beside[b]);
        slope.inner[b] = (mine - near) / d;
        slope.B[b * m + b] = (mine + (size[b] - 1) * near) / d;
        slope.bias[b] += mine + (size[b] - 1) * near;
        for (let a = 0; a < m; a++) {
          if (a === b) continue;
          const far = mass[b] * of(other[a * m + b]);
          slope.B[a * m + b] = (Math.sqrt(size[a] * size[b]) * far) / d;
          slope.bias[a] += size[b] * far;
        }
      }
      return { own, beside, other, slope };
    }

    /* The optimum for one price of the singular values and one penalty on the bias, from a start:
       accelerated proximal steps, begun anew where they overshoot. */
    function* solve(price, decay, start = zero()) {
      const total = sum(mass.map((mu, a) => mu * size[a]));
      const rate = 1 / (free ? 2 * stiff : stiff),
        ofBias = free ? (rate * stiff) / (steep * total + decay) : 0;
      let x = start,
        y = start,
        pace = 1,
        turned = null;
      for (let k = 1; k <= 40_000; k++) {
        const { slope } = look(y),
          next = zero();
        // From time to time from the beginning, so that the rotations don't drift.
        const made = shrunk(
          y.B.map((value, i) => value - rate * slope.B[i]),
          m,
          rate * price,
          k % 50 ? turned : null,
        );
        [next.B, turned] = [made.made, made.V];
        let moved = 0,
          ahead = 0,
          large = 0;
        for (let a = 0; a < m; a++) {
          const z = y.inner[a] - rate * slope.inner[a];
          next.inner[a] = size[a] > 1 ? Math.sign(z) * Math.max(Math.abs(z) - rate * price, 0) : 0;
          next.bias[a] = y.bias[a] - ofBias * (slope.bias[a] + decay * y.bias[a]);
        }
        const before = pace;
        pace = (1 + Math.sqrt(1 + 4 * before * before)) / 2;
        const pushed = zero();
        for (const part of ["B", "inner", "bias"]) {
          const weight = part === "bias" ? (steep * total + decay) / stiff : 1;
          for (let i = 0; i < next[part].length; i++) {
            const step = next[part][i] - y[part][i];
            moved += weight * step * step;
            ahead -= weight * step * (next[part][i] - x[part][i]);
            large += weight * next[part][i] ** 2;
            pushed[part][i] = next[part][i] + ((before - 1) / pace) * (next[part][i] - x[part][i]);
          }
        }
        x = next;
        y = pushed;
        if (ahead > 0) [y, pace] = [next, 1];
        if (moved <= 1e-17 * (large + 1e-30)) break;
        if (k % 64 === 0) yield;
      }
      return x;
    }
    /* For each group by how much it is right, and the value of its inner modes. */
    function leads(x) {
      const { own, beside, other } = look(x);
      return own.map((mine, b) => {
        let most = size[b] > 1 ? (x.inner[b] > 0 ? beside[b] : Infinity) : -Infinity;
        for (let a = 0; a < m; a++) if (a !== b) most = Math.max(most, other[a * m + b]);
        return mine - most;
      });
    }
    return { m, size, mass, scale, look, solve, leads, zero };
  }

  /* Along the path of optima, as `move(log)` says for each place which price and which penalty on the
     bias: the places where the classes of a group are lost, and where its inner modes die. */
  function* alongPath(problem, move, onlyFirst = false) {
    const { m, solve, leads, look, zero } = problem;
    let top = 0,
      x = yield* solve(1e300, move(0).decay, zero());
    for (let k = 0; k < 60; k++) {
      // Where everything dies: the size of the slope there. With a penalty on the bias that moves.
      const { slope } = look(x),
        reach = Math.max(
          ...shrunk(slope.B, m, Infinity).values,
          ...slope.inner.map((z, a) => (problem.size[a] > 1 ? -z : 0)),
        );
      const gap = Math.log(reach / move(top).price);
      top += gap;
      if (Math.abs(gap) < 1e-12) break;
      x = yield* solve(1e300, move(top).decay, x);
    }
    const lost = Array(m).fill(NaN),
      steps = [];
    const visit = function* (place, from) {
      const { price, decay } = move(place),
        at = yield* solve(price, decay, from);
      return { place, x: at, leads: leads(at).map((lead) => (Math.abs(lead) < 1e-10 ? 0 : lead)) };
    };
    let last = yield* visit(top, x),
      calm = 0;
    steps.push(last);
    for (let place = top - 1e-6; calm < 3 && place > top - 9; place -= 0.15) {
      last = yield* visit(place, last.x);
      steps.push(last);
      calm = last.leads.every((lead) => lead > 0) ? calm + 1 : 0;
    }
    const reached = (b) => steps.findLastIndex(({ leads }) => !(leads[b] > 0));
    const firstStep = Math.max(...Array.from({ length: m }, (_, b) => reached(b)));
    for (let b = 0; b < m; b++) {
      if (onlyFirst && reached(b) < firstStep) {
        lost[b] = Infinity; // not before another
        continue;
      }
      // From weak penalties up: right until here, lost from the next step on.
      let k = steps.length - 1;
      if (!(steps[k].leads[b] > 0)) lost[b] = -Infinity;
      while (k >= 0 && steps[k].leads[b] > 0) k--;
      if (lost[b] === -Infinity) continue;
      if (k < 0) {
        lost[b] = Infinity;
        continue;
      }
      let right = steps[k + 1],
        wrong = steps[k];
      for (let i = 0; i < 60 && wrong.place - right.place > 1e-7; i++) {
        const share = right.leads[b] / (right.leads[b] - wrong.leads[b]);
        const z =
          right.place +
          (wrong.place - right.place) *
            (Number.isFinite(share) && i % 3 < 2 ? Math.min(Math.max(share, 0.02), 0.98) : 0.5);
        const here = yield* visit(z, right.x);
        if (here.leads[b] > 0) right = here;
        else wrong = here;
        if (Math.abs(here.leads[b]) < 1e-8) break;
      }
      lost[b] = (right.place + wrong.place) / 2;
    }
    return { top, lost };
  }

  // ---------------------------------------------------------------- the words of a script

  const MOST_GROUPS = 20; // of the convex problem
  const LOSSES = {
    mse: "the squared error, a mean over samples and classes",
    "mse-sum": "the squared error, summed over the batch",
    "cross-entropy": "cross-entropy",
    paper: "half the squared error, a mean over the samples",
  };
  /* What a script minimises: the numbers of the theory. `high` is the upper end of the band. */
  function model({ n, loss, decay, batch, depth, bias, balance, low, high }) {
    const K = n.length,
      N = sum(n);
    if (!(loss in LOSSES)) asks(`There is no loss “${loss}”.`);
    if (!(decay > 0 && decay < Infinity))
      asks(
        decay === 0
          ? "Without a weight decay nothing dies: the theory divides by it."
          : "The weight decay is a positive number, such as 5e-4.",
      );
    if (!(Number.isInteger(depth) && depth >= 1 && depth <= 100))
      asks("The linear layers are a whole number from 1 to 100.");
    if (!(low > 0 && high < Infinity && low <= high))
      asks("The band of Nλ_H goes from a positive number to one that is as large or larger.");
    if (loss === "mse-sum" && !(Number.isInteger(batch) && batch >= 1))
      asks("A sum over the batch needs the size of the batch, a whole number.");
    const size = loss === "mse-sum" ? N / Math.ceil(N / Math.min(batch, N)) : 0;
    const factor = { mse: 2 / K, "mse-sum": 2 * size, "cross-entropy": 1, paper: 1 }[loss];
    const [kind, rule, beta] = balance.split(":");
    const share = (x) =>
      ({ balanced: 1 / x, sqrt: 1 / Math.sqrt(x), effective: -1 / Math.expm1(x * Math.log(Number(beta))) })[rule];
    if (rule === "effective" && !(Number(beta) > 0 && Number(beta) < 1))
      asks("Beta of the effective number is between 0 and 1, such as 0.999.");
    let drawn = n,
      weights = n.map(() => 1);
    if (kind === "sampler") {
      const wanted = n.map((x) => (rule === "balanced" ? 1 : Math.sqrt(x))),
        all = sum(wanted);
      drawn = wanted.map((x) => (N * x) / all);
    }
    if (kind === "weight") {
      const wanted = n.map(share),
        mean = wanted.reduce((x, w, k) => x + w * n[k], 0) / N;
      weights = wanted.map((w) => w / mean);
    }
    const squared = loss !== "cross-entropy",
      weighted = kind === "weight";
    const closed = squared && bias !== "decayed" && !(weighted && bias === "free");
    const what = !squared
      ? "For cross-entropy"
      : bias === "decayed"
        ? "With a weight decay on the bias"
        : "For class weights with a bias";
    if (!closed && depth > 1)
      asks(`${what} the theory has one linear layer. For more nothing is proved: set the layers to 1.`);
    return { n, K, N, drawn, weights, squared, closed, depth, bias, factor, lambda_W: decay / factor, low, high };
  }

  /* All that the page shows, in steps; places are values of N lambda_H. */
  function* answer(form, silent = false) {
    const given = model(form),
      { n, K, N, drawn, weights, depth, bias, lambda_W, low, high, closed } = given;
    const { poles, group, l } = grouped(n),
      first = [...poles].map((count) => n.indexOf(count));
    const rows = first.map((k, r) => ({
      count: poles[r],
      size: l[r],
      classes: n.flatMap((x, i) => (x === poles[r] ? [i] : [])).slice(0, 3),
      k,
    }));
    const power = depth + 1,
      place = (factor) => high * factor ** power;
    const result = { K, N, rows, low, high, lambda_W, factor: given.factor, closed, group, n };
    if (closed) {
      const weightOf = new Map(n.map((_count, k) => [drawn[k], weights[k]]));
      const all = yield* family({
        n: drawn,
        L: depth,
        bias: bias === "free",
        lambda_W,
        lambda_H: high / N,
        weight: (x) => weightOf.get(x),
      });
      const factor = yield* firstLoss(all);
      if (!silent) yield { ...result, first: place(factor) }; // the verdict, before the picture
      const { right } = all.at(factor * (1 + NEAR), false);
      result.lost = rows.filter(({ k }) => right[all.group[k]] < 1);
      const lost = yield* losses(all);
      for (const row of rows) {
        const g = all.group[row.k],
          block = all.blocks.find((one) => one.kind === "inner" && one.j === g);
        row.lost = place(lost[g]);
        row.merges = place(all.l[g] > 1 || bias === "none" ? block.dies : Math.max(...all.deaths));
      }
      result.first = place(factor);
      result.dies = [place(all.deaths[0]), place(all.deaths.at(-1))];
      result.modes = sum(all.blocks.filter((one) => one.kappa > 0).map((one) => one.size));
      result.margins = [low, high].map((at) => (result.first / at) ** (1 / power));
    } else {
      const keys = n.map((_, k) => `${drawn[k]} ${weights[k]}`),
        kinds = [...new Set(keys)];
      const of = kinds.map((key) => keys.indexOf(key)),
        size = kinds.map((key) => keys.filter((one) => one === key).length);
      if (kinds.length > MOST_GROUPS) {
        const inner = Math.min(
          ...rows.filter(({ size }) => size > 1).map(({ k }) => (weights[k] ** 2 * drawn[k]) / lambda_W / N),
        );
        asks(
          `For this loss the page computes up to ${MOST_GROUPS} different counts, and these are ${kinds.length}: use the command below.${inner < Infinity ? ` What is exact without it: the first classes of one count become one at Nλ_H = ${+inner.toPrecision(3)}.` : ""}`,
        );
      }
      const problem = groupProblem({
        softmax: !given.squared,
        free: bias !== "none",
        size,
        mass: of.map((k) => (drawn[k] * weights[k]) / N),
        scale: of.map((k) => Math.sqrt(drawn[k])),
      });
      const decay = bias === "decayed" ? lambda_W : 0;
      // The price is sqrt(lambda_W lambda_H).
      const path = yield* alongPath(problem, (x) => ({ price: Math.exp(x), decay }));
      const at = (log) => (Math.exp(2 * log) / lambda_W) * N;
      for (const row of rows) {
        const g = kinds.indexOf(keys[row.k]);
        row.lost = at(path.lost[g]);
        row.merges = size[g] > 1 ? (weights[row.k] ** 2 * drawn[row.k]) / N / lambda_W : at(path.top);
      }
      result.first = Math.min(...rows.map(({ lost }) => lost));
      result.margins = [];
      for (const end of [low, high]) {
        const price = Math.sqrt((lambda_W * end) / N);
        if (!decay) result.margins.push(Math.sqrt(result.first / end));
        // All penalties together: the bias's, too.
        else
          result.margins.push(
            Math.exp(
              Math.min(
                ...(yield* alongPath(
                  problem,
                  (x) => ({ price: Math.exp(x), decay: (decay * Math.exp(x)) / price }),
                  true,
                )).lost,
              ),
            ) / price,
          );
      }
    }
    result.lost ??= rows.filter(({ lost }) => lost <= result.first * (1 + 1e-5));
    return result;
  }
  /* Where each row would be lost with other numbers of layers, where that is known. */
  function* depths(form, wanted) {
    const result = [];
    for (const depth of wanted) {
      const { rows } = yield* answer({ ...form, depth }, true);
      result.push({ depth, lost: rows.map(({ lost }) => lost) });
    }
    return result;
  }

  /* The command that does the same. */
  function command({ loss, decay, batch, depth, bias, balance, low, high, n }, source) {
    const [kind, ...rule] = balance.split(":");
    const words = ["nclib predict", source];
    if (loss === "paper") words.push(`--lambda-W ${decay}`);
    else words.push(`--loss ${loss} --weight-decay ${decay}`);
    if (loss === "mse-sum") words.push(`--batch-size ${batch}`);
    if (kind === "weight") words.push(`--class-weight ${rule.join(":")}`);
    if (kind === "sampler") words.push(`--sampler ${rule.join(":")}`);
    words.push(`--bias ${bias} --depth ${depth}`);
    if (low === high) words.push(`--lambda-H ${+(high / sum(n)).toPrecision(6)}`);
    return words.join(" ");
  }

  // ---------------------------------------------------------------- one mode by itself

  /* log(theta) at which a mode dies. */
  const limitOf = (L) => xlogx(L - 1) - 2 * L * Math.log(L);
  const shareOf = (logTheta, L) => (logTheta < limitOf(L) - TIE * L ? logistic(largeRoot(logTheta, L)) : 0);
  /* Without a bias a class of n samples is a mode of its own: the share that is kept of it with every
     penalty alike, and the penalty at which it dies. */
  const share = ({ n, N, L, lambda }) => shareOf((L + 1) * Math.log(N * lambda) - L * Math.log(n), L);
  const dies = ({ n, N, L }) => Math.exp((limitOf(L) + L * Math.log(n)) / (L + 1)) / N;
  /* The price z^(2/(L+1)) of a mode of strength 1 beside (1 - z)^2 is `tie` when dead and alive cost the
     same. At a price relative to that: what is kept, and where a descent from z ends. */
  const tie = (L) => (L + 1) * Math.exp(limitOf(L) / (L + 1));
  const shareAtPrice = (price, L) => shareOf(limitOf(L) + (L + 1) * Math.log(price), L);
  function rollsTo(z, price, L) {
    const slope = (x) => 2 * (x - 1) + ((2 * tie(L) * price) / (L + 1)) * x ** ((1 - L) / (L + 1));
    if (L === 1) return shareAtPrice(price, 1);
    // Beyond the top between the two hollows, if there are two.
    const bend = ((tie(L) * price * (L - 1)) / (L + 1) ** 2) ** ((L + 1) / (2 * L));
    if (slope(bend) >= 0) return 0;
    let [x, y] = [bend, 1];
    for (let k = 0; k < 60; k++) {
      const middle = (x + y) / 2;
      if (slope(middle) < 0) x = middle;
      else y = middle;
    }
    let [u, v] = [1e-12, bend];
    for (let k = 0; k < 60; k++) {
      const middle = (u + v) / 2;
      if (slope(middle) > 0) u = middle;
      else v = middle;
    }
    return z > u ? x : 0;
  }

  const logThetaOf = ({ kappa, N, L, lambda }) => (L + 1) * Math.log(N * lambda) - 2 * L * Math.log(kappa);
  /* What the global minimum puts out of a mode; what it puts out in the hollow in which it is alive, or 0
     where there is none any more. */
  function branches(mode) {
    const { kappa, L } = mode,
      logTheta = logThetaOf(mode);
    if (!(kappa > 0)) return { best: 0, alive: 0 };
    const spinodal = xlogx(L - 1) + (L + 1) * Math.log(L + 1) - 2 * L * Math.log(2 * L);
    const alive = logTheta < (L === 1 ? limitOf(1) : spinodal) - TIE * L ? kappa * logistic(largeRoot(logTheta, L)) : 0;
    return { best: kappa * shareOf(logTheta, L), alive };
  }
  /* The labels as a small matrix, split into modes: kappa falling, vectors, blocks of equal kappa. */
  function labelModes({ n, bias }) {
    const K = n.length,
      N = sum(n),
      Y = new Float64Array(K * K);
    for (let i = 0; i < K; i++)
      for (let k = 0; k < K; k++) Y[i * K + k] = ((i === k ? 1 : 0) - (bias ? n[i] / N : 0)) * Math.sqrt(n[k]);
    const { values, A, V } = shrunk(Y, K, Infinity),
      order = [...values.keys()].sort((p, q) => values[q] - values[p]).slice(0, bias ? K - 1 : K);
    const kappa = order.map((p) => values[p]),
      blocks = [],
      across = K;
    const columns = (M, over) => {
      const made = new Float64Array(K * across);
      order.forEach((p, j) => {
        for (let i = 0; i < K; i++) made[i * across + j] = M[i * K + p] / (over ? values[p] : 1);
      });
      return made;
    };
    kappa.forEach((value, j) => {
      if (j && Math.abs(value - kappa[j - 1]) < 1e-9 * value) blocks.at(-1).push(j);
      else blocks.push([j]);
    });
    return { kappa, U: columns(A, true), V: columns(V, false), blocks };
  }
  const singularValues = (M, size) => shrunk(M, size, Infinity).values.sort((x, y) => y - x);

  /* A factor with so many digits that one above or below 1 does not look like 1. */
  function factorText(factor, digits = 3) {
    const text = +factor.toPrecision(digits);
    return text === 1 && Math.abs(factor - 1) > TIE ? factorText(factor, digits + 1) : `${text}`;
  }
  return {
    read,
    family,
    firstLoss,
    losses,
    mergedAt,
    groupProblem,
    alongPath,
    model,
    answer,
    depths,
    command,
    factorText,
    share,
    dies,
    tie,
    shareAtPrice,
    rollsTo,
    branches,
    labelModes,
    singularValues,
    run,
    number,
  };
}
