/** Words and numbers of the import page. */
const { gettext } = window;
const language = document.documentElement.lang === "en" ? "en" : "zh-Hans";
const fine = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

/** Square metres for a table: slips are often far less than one. */
export const squareMetres = (value) =>
  value > 0 && value < 0.01 ? "<0.01" : (Math.abs(value) < 100 ? fine : whole).format(value);

export const kindName = (kind) =>
  ({
    gap: gettext("缺口"), overlap: gettext("重叠"), outside: gettext("超出上级"),
    unmatched: gettext("界线顶点不一致"), invalid: gettext("图形无效"),
  })[kind] ?? kind;
