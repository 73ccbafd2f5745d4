/** What the card says of a customer beyond other features: telephone, who serves, who needs care, and the way to the full details. */
import { data, el } from "jt/dom";
import { facts } from "jt/panel";
import { count, fill } from "jt/text";
import { unmasking } from "jt/unmask";

const { gettext } = window;

/** @param {object} properties of the feature, with what GET /api/customers/{id} says; @returns {Node[]} */
export function customerParts({ id, name, phone, sight, served_by: server, cares = [] }) {
  const masked = [["name", gettext("姓名"), name], ["phone", gettext("电话"), phone]].filter(([, , value]) => value?.includes("*"));
  return [
    facts([
      [gettext("电话"), phone && data(phone, { class: "figures" })],
      [gettext("协办机构"), server && [data(server.name), " ", fill(gettext("占 {n}%"), { n: count(100 * server.share) })]],
    ]),
    masked.length && sight === "on_request" && unmasking(`customers/${id}`, masked.map(([field, word]) => [field, word])),
    cares.length && el("h3", {}, gettext("重点对象")),
    cares.length && el("ul", { class: "plain-list cares" }, cares.map((care) =>
      el("li", {},
        el("strong", {}, care.category), " ",
        el("span", { class: "note" }, care.until ? fill(gettext("{from} 至 {to}"), { from: care.since, to: care.until }) : fill(gettext("自 {from} 起"), { from: care.since })),
        care.note && el("p", {}, data(care.note))))),
  ].filter(Boolean);
}
