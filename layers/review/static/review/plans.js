/** The list of plans with the steps that may be taken. */
import { get } from "jt/api";
import { byId, data, el } from "jt/dom";
import { count, fill } from "jt/text";
import { askFor, coverageRule, outcome, say, send, stepsOf } from "./common.js";

const { gettext } = window;
const page = JSON.parse(byId("page").textContent);

async function load() {
  const plans = await get("plans");
  const names = new Map(plans.map((plan) => [plan.id, plan.name]));
  byId("plans").replaceChildren(
    plans.length
      ? el("table", { class: "table plans cards" },
          el("thead", {}, el("tr", {}, [gettext("方案"), gettext("状态"), gettext("有效期"), gettext("办理")].map((text) => el("th", { scope: "col" }, text)))),
          el("tbody", {}, plans.map((plan) => row(plan, names))))
      : el("p", {}, gettext("还没有方案: 请先导入网格。")),
  );
  byId("plans").dataset.ready = "true";
}

function row(plan, names) {
  const until = plan.valid_to ? fill(gettext("至 {day}"), { day: plan.valid_to }) : gettext("起");
  return el("tr", { class: plan.in_force ? "now" : "", "data-plan": plan.id },
    el("td", {},
      el("a", { href: `/?plan=${plan.id}` }, data(plan.name)),
      el("small", {}, data(plan.institution.name), " · ", fill(gettext("{n} 个网格"), { n: count(plan.grid_count) }), " · ",
        fill(gettext("版本 {n}"), { n: plan.revision })),
      plan.private && el("small", {}, gettext("未公开: 只给"), " ", data(plan.shared_by.join("、"))),
      plan.overlap_limit > 0 && el("small", {}, coverageRule(plan)),
      names.has(plan.base) && el("small", {}, gettext("复制自"), " ", data(names.get(plan.base)))),
    el("td", {}, el("span", { class: `status ${plan.status}` }, plan.status_label),
      plan.in_force && el("small", {}, gettext("现行"))),
    el("td", { class: "figures" }, plan.valid_from ? `${plan.valid_from} ${until}` : "—"),
    el("td", {}, el("div", { class: "step-buttons" },
      stepsOf(plan, page.today).map((step) =>
        el("button", { type: "button", class: step.primary ? "primary" : "", "data-step": step.id, onclick: () => take(step) }, step.text)),
      el("a", { class: "button", href: `/plans/${plan.id}/review/` }, gettext("对照")))));
}

async function take(step) {
  try {
    const answer = await step.take();
    if (!answer) return;
    await load();
    say("said", outcome(step.id, answer));
  } catch (error) {
    say("fault", error.message);
  }
}

/** What an administrator sets for the institution and those below it. */
async function settings() {
  try {
    const now = await get("review/settings");
    const whole = (value, least, most) => el("input", { type: "number", required: true, step: 1, min: least, max: most, value });
    const values = await askFor(gettext("审定设置"), [
      [gettext("任职不满多少天而网格有变动时提醒"), whole(now.assignment_days, 0, 3660)],
      [gettext("分享链接有效天数"), whole(now.share_days, 1, 366)],
      [gettext("网格撤销后, 与新网格重叠不到百分之几时, 责任人的去向须人工确认"), whole(Math.round(now.clear_overlap * 100), 50, 100)],
    ], gettext("保存"), gettext("对本机构及下级机构有效, 下级可另设。"));
    if (!values) return;
    const [days, share, overlap] = values.map(Number);
    await send("PUT", "review/settings", { assignment_days: days, share_days: share, clear_overlap: overlap / 100 });
    say("said", gettext("审定设置已保存。"));
  } catch (error) {
    say("fault", error.message);
  }
}

byId("settings")?.addEventListener("click", settings);
load().catch((error) => say("fault", error.message));
