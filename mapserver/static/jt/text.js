/** Words and numbers as the reader's language writes them. */

const { gettext, interpolate } = window;
const language = document.documentElement.lang === "en" ? "en" : "zh-Hans";
const number = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });
const significant = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat(language, { maximumFractionDigits: 0 });

/** The text in the reader's language; {name}s are filled in.
 * @param {string} text @param {Object<string, *>} values */
export const fill = (text, values) => interpolate(text.replace(/\{(\w+)\}/g, "%($1)s"), values, true);

export const count = (value) => whole.format(value);

/** @param {number} metresSquared @param {number} [beside] the larger of several areas that are to have one unit */
export function area(metresSquared, beside = metresSquared) {
  return beside < 100_000
    ? fill(gettext("{n} 平方米"), { n: whole.format(metresSquared) })
    : fill(gettext("{n} 平方公里"), { n: number.format(metresSquared / 1e6) });
}

/** Areas before and after, so fine that the change of a small piece is seen. @param {number[]} metresSquared */
export function areas(metresSquared) {
  const isSmall = Math.max(...metresSquared) < 1_000_000;
  const shown = metresSquared.map((metres) => (isSmall ? whole.format(metres) : number.format(metres / 1e6))).join(" → ");
  return fill(isSmall ? gettext("{n} 平方米") : gettext("{n} 平方公里"), { n: shown });
}

/** A change of area, with its sign. @param {number} metresSquared */
export const signedArea = (metresSquared) =>
  (Math.round(metresSquared) < 0 ? "−" : "+") + area(Math.abs(metresSquared));

/** A change of a count, with its sign; none is left out. @param {number} change @param {string} unit */
export const signedCount = (change, unit) =>
  Math.round(change) ? `${change < 0 ? "−" : "+"}${whole.format(Math.abs(change))} ${unit}` : "";

/** A measured value in at most three decimals. */
export const figure = (value) => number.format(value);

/** A value of a column, all of which have the same number of decimals. */
export const fixed = (value, decimals) =>
  value.toLocaleString(language, { minimumFractionDigits: decimals, maximumFractionDigits: decimals });

/** @param {number} metres */
export function distance(metres) {
  return metres < 1000
    ? fill(gettext("{n} 米"), { n: whole.format(metres) })
    : fill(gettext("{n} 公里"), { n: metres < 100_000 ? significant.format(metres / 1000) : whole.format(metres / 1000) });
}

/** Degrees as the status bar writes them: to about a decimetre. */
export const coordinates = ([lon, lat]) => `${lon.toFixed(6)}, ${lat.toFixed(6)}`;

/** Date and time of the bank, whatever the clock of this machine. @param {string} iso */
export const moment = (iso) =>
  new Intl.DateTimeFormat("sv-SE", { timeZone: "Asia/Shanghai", dateStyle: "short", timeStyle: "short" })
    .format(new Date(iso));

/** The API says everything in both languages. @param {{zh: string, en: string}} message */
export const inReadersLanguage = (message) => (language === "en" ? message.en : message.zh);

const DIRECTIONS = () => [
  gettext("北"), gettext("东北"), gettext("东"), gettext("东南"),
  gettext("南"), gettext("西南"), gettext("西"), gettext("西北"),
];

/** The word for a bearing in degrees from north. */
export const direction = (bearing) => DIRECTIONS()[Math.round(bearing / 45) % 8];

/** Where a sign stands: a line's in the middle of its length. @param {{type: string, coordinates: number[] | number[][]}} geometry */
export function placeOf({ type, coordinates: given }) {
  if (type === "Point") return given;
  const lengths = given.slice(1).map(([lon, lat], i) => Math.hypot(lon - given[i][0], lat - given[i][1]));
  let rest = lengths.reduce((sum, length) => sum + length, 0) / 2;
  const step = lengths.findIndex((length) => (rest -= length) <= 0);
  const [[west, south], [east, north]] = [given[step], given[step + 1]];
  const share = 1 + rest / (lengths[step] || 1);
  return [west + share * (east - west), south + share * (north - south)];
}
