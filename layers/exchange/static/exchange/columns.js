/** Which column is what: sample rows with a choice above each column, and what the words for kinds mean. */
import { data, el } from "jt/dom";
import { button, submitTo } from "jt/parts";
import { count, fill, inReadersLanguage } from "jt/text";

const { gettext } = window;

/**
 * @param {object} facts columns, samples, targets, kinds, words, reading
 * @param {{words: (column: string) => Promise<object[]>, check: (reading: object) => Promise<Error|null>, cancel: () => void}} actions
 */
export function columnsView(job, facts, actions) {
  const { reading, kinds } = facts;
  const targetOf = new Map(Object.entries(reading.columns).map(([target, column]) => [column, target]));
  const selects = facts.columns.map((column) => targetSelect(column, facts.targets, targetOf.get(column)));
  const words = el("div", {});
  const oneKind = kindSelect(kinds, reading.kind, gettext("（按列）"));
  const makeCodes = el("input", { type: "checkbox", name: "make_codes", checked: reading.make_codes });
  const { datum, epsg } = datumChoice(reading.datum);
  const form = el(
    "form",
    { class: "fields", id: "columns-form" },
    el(
      "div",
      { class: "scroll samples", tabindex: 0, role: "region", "aria-label": gettext("列与样例") },
      el(
        "table",
        {},
        el(
          "thead",
          {},
          el("tr", {}, selects.map((select) => el("th", {}, select))),
          el("tr", {}, facts.columns.map((column) => el("th", { scope: "col" }, data(column)))),
        ),
        el("tbody", {}, facts.samples.map((row) => el("tr", {}, facts.columns.map((_, n) => el("td", {}, data(row[n] ?? "")))))),
      ),
    ),
    words,
    el("label", { class: "stacked" }, el("span", {}, gettext("没有写明类型的行算作")), oneKind),
    el("label", { class: "stacked" }, el("span", {}, gettext("坐标系")), datum, epsg),
    el("label", { class: "check" }, makeCodes, gettext("没有编码的行，由名称和位置生成编码")),
    el("p", { class: "message error", role: "alert", hidden: true }),
    el("button", { type: "submit", class: "primary" }, gettext("检查各行")),
  );
  for (const select of selects) {
    select.addEventListener("change", () => {
      // A target has one column: chosen anew, it is taken from the other.
      for (const other of selects) if (other !== select && other.value === select.value) other.value = "";
      showWords();
    });
  }
  const columnOf = (target) => selects.find(({ value }) => value === target)?.dataset.column;
  async function showWords() {
    const column = columnOf("kind");
    if (column === undefined) return words.replaceChildren();
    const found = facts.words[column] ?? (facts.words[column] = await actions.words(column).catch(() => []));
    if (columnOf("kind") === column) words.replaceChildren(...wordsView(found, kinds, reading.kinds));
  }
  submitTo(form, () =>
    actions.check({
      columns: Object.fromEntries(selects.filter(({ value }) => value).map(({ value, dataset }) => [value, dataset.column])),
      kinds: Object.fromEntries(
        [...words.querySelectorAll("select")].filter(({ value }) => value).map(({ value, dataset }) => [dataset.word, value]),
      ),
      kind: oneKind.value,
      make_codes: makeCodes.checked,
      datum: datum.value === "epsg" ? epsg.value.trim() : datum.value,
    }),
  );
  showWords();
  return el(
    "div",
    {},
    job.message && el("div", { class: "message error", role: "alert" }, el("p", {}, inReadersLanguage(job.message))),
    el("p", { class: "facts-line" }, data(job.file), el("span", {}, job.layer.name), el("span", {}, fill(gettext("{n} 行"), { n: count(job.result.rows) }))),
    el("p", {}, job.result.proposal.remembered ? gettext("这样的表头以前导入过，已按上次的对应填好。") : gettext("已按列名猜好；请核对每一列上方的选择。")),
    el("ul", { class: "notes" }, job.result.notes.map((note) => el("li", {}, inReadersLanguage(note)))),
    form,
    el("div", { class: "actions" }, button(gettext("放弃此次导入"), actions.cancel)),
  );
}

function targetSelect(column, targets, chosen = "") {
  const select = el(
    "select",
    { "aria-label": fill(gettext("列“{column}”是"), { column }), "data-column": column },
    el("option", { value: "" }, gettext("（不用）")),
    targets.map(({ id, name }) => el("option", { value: id }, name)),
  );
  select.value = chosen;
  return select;
}

function kindSelect(kinds, chosen, none) {
  const select = el("select", {}, el("option", { value: "" }, none), kinds.map(({ id, name }) => el("option", { value: id }, name)));
  select.value = chosen ?? "";
  return select;
}

function wordsView(words, kinds, stated) {
  return [
    el("h2", {}, gettext("类型词")),
    el(
      "div",
      { class: "words" },
      words.flatMap(({ word, count: times, kind }) => {
        const select = kindSelect(kinds, stated[word] ?? kind, gettext("（请选择）"));
        select.dataset.word = word;
        const label = el("span", { class: select.value ? "" : "unknown" }, data(word), ` × ${count(times)}`);
        select.setAttribute("aria-label", fill(gettext("“{word}”是"), { word }));
        select.addEventListener("change", () => { label.className = select.value ? "" : "unknown"; });
        return [label, select];
      }),
    ),
  ];
}

/** The datum by its name, as the form of the upload writes it; any other by its EPSG code. @param {string} stated */
function datumChoice(stated) {
  const known = [...document.querySelectorAll("#upload [name=datum] option")].filter(({ value }) => value);
  const isKnown = known.some(({ value }) => value === stated);
  const epsg = el("input", { name: "epsg", maxlength: 20, "aria-label": gettext("EPSG 代码"), value: isKnown ? "" : stated, hidden: isKnown });
  const datum = el("select", { name: "datum", onchange: () => (epsg.hidden = datum.value !== "epsg") },
    known.map(({ value, textContent }) => el("option", { value }, textContent)));
  datum.value = isKnown ? stated : "epsg";
  return { datum, epsg };
}
