/** What the pages of plans share: sending, asking, saying, and taking a step. */
import { ApiError, get } from "jt/api";
import { byId, el } from "jt/dom";
import { fill } from "jt/text";

const { gettext } = window;
const token = document.querySelector("main input[name=csrfmiddlewaretoken]")?.value;

export async function send(method, path, body) {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: { "X-CSRFToken": token, Accept: "application/json", "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  }).catch(() => {
    throw new ApiError(0, { text: gettext("连接不上服务器，请检查网络后再试。") });
  });
  if (response.status === 204) return null;
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new ApiError(response.status, answer);
  return answer;
}

/** Shows a text in one of the two places for it: "said" or "fault". */
export function say(place, text) {
  byId("said").hidden = byId("fault").hidden = true;
  byId(place).textContent = text;
  byId(place).hidden = !text;
  if (text) byId(place).scrollIntoView({ block: "nearest" });
}

/**
 * Asks for one value; null when it is not given.
 * @param {string} title @param {string} label @param {HTMLElement} control @param {string} button @param {string} [hint]
 */
export const ask = (title, label, control, button, hint) => askFor(title, [[label, control]], button, hint).then((values) => values && values[0]);

/** Asks for several values. @param {[string, HTMLElement][]} fields @returns {Promise<string[]|null>} null when they are not given */
export function askFor(title, fields, button, hint) {
  const dialog = byId("ask");
  dialog.querySelector("form").replaceChildren(
    el("h2", { id: "ask-title" }, title),
    hint ? el("p", { class: "note" }, hint) : "",
    ...fields.map(([label, control]) => el("label", { class: "stacked" }, el("span", {}, label), control)),
    el("div", { class: "step-buttons" },
      el("button", { type: "submit", value: "no", formnovalidate: true }, gettext("取消")),
      el("button", { type: "submit", value: "yes", class: "primary" }, button)),
  );
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes" ? fields.map(([, control]) => control.value) : null), { once: true });
    dialog.returnValue = "no";
    dialog.showModal();
    fields[0][1].focus();
  });
}

const note = () => el("textarea", { rows: 3, maxlength: 2000 });

/** The steps of a plan that the user may take. @returns {{id: string, text: string, primary?: boolean, take: () => Promise}[]} */
export function stepsOf(plan, today) {
  const to = (step) => `plans/${plan.id}/${step}`;
  const withNote = async (step, title, button) => {
    const text = await ask(fill(title, { name: plan.name }), gettext("说明"), note(), button);
    return text === null ? null : send("POST", to(step), { note: text });
  };
  return [
    plan.can_submit && {
      id: "submit", text: gettext("提交审定"), primary: true,
      take: () => withNote("submit", gettext("提交“{name}”审定"), gettext("提交审定")),
    },
    plan.can_review && {
      id: "approve", text: gettext("同意"), primary: true,
      take: () => withNote("approve", gettext("同意“{name}”"), gettext("同意")),
    },
    plan.can_return && {
      id: "return", text: gettext("退回"),
      take: () => withNote("return", gettext("退回“{name}”"), gettext("退回")),
    },
    plan.can_publish && {
      id: "publish", text: gettext("发布"), primary: true,
      take: async () => {
        const day = await ask(
          fill(gettext("发布“{name}”"), { name: plan.name }), gettext("自哪一天起生效"),
          el("input", { type: "date", value: today, min: today, required: true }), gettext("发布"),
          gettext("现行方案到这一天为止, 责任人随网格转入新方案。发布后不能再改。"));
        return day ? send("POST", to("publish"), { valid_from: day }) : null;
      },
    },
    plan.can_copy && {
      id: "copy", text: gettext("复制为草稿"),
      take: async () => {
        const name = await ask(gettext("复制为草稿"), gettext("新草稿的名称"),
          el("input", { value: fill(gettext("{name} 调整"), { name: plan.name }).slice(0, 120), maxlength: 120, required: true }), gettext("复制"));
        return name ? send("POST", to("copy"), { name }) : null;
      },
    },
    plan.can_copy && plan.in_force && {
      id: "empty", text: gettext("新建空白草稿"),
      take: async () => {
        const name = await ask(gettext("新建空白草稿"), gettext("新草稿的名称"), el("input", { maxlength: 120, required: true }), gettext("新建"),
          gettext("只有服务区域, 没有网格; 打开后可以自动划分或逐条拆分。"));
        return name ? send("POST", "plans", { name, root: plan.id }) : null;
      },
    },
    plan.can_submit && {
      id: "coverage-rule", text: gettext("覆盖规则"),
      take: async () => {
        const policy = el("select", {}, [["partition", gettext("不重不漏")], ["bounded_overlap", gettext("城区允许适当交叉")]].map(([value, text]) =>
          el("option", { value, selected: value === plan.policy }, text)));
        const limit = el("input", { type: "number", min: 0.1, max: 50, step: 0.1, required: true, value: Number(((plan.overlap_limit || 0.05) * 100).toPrecision(3)) });
        const values = await askFor(fill(gettext("“{name}”的覆盖规则"), { name: plan.name }),
          [[gettext("规则"), policy], [gettext("允许交叉时, 一个城区网格最多有百分之几的面积与同级网格重叠"), limit]], gettext("保存"),
          gettext("农村网格在任何规则下都不重不漏; 城区网格在任何规则下都不留空白。现有网格不符合新规则时不会保存。"));
        return values && send("PUT", to("coverage-rule"), { policy: values[0], overlap_limit: Number(values[1]) / 100 });
      },
    },
    plan.can_open && {
      id: "access", text: gettext("谁能看"),
      take: async () => {
        const now = await get(to("access"));
        const sight = el("select", {}, [["private", gettext("只有作者和下面勾选的同事")], ["open", gettext("能看本机构方案的所有人")]].map(([value, text]) =>
          el("option", { value, selected: (value === "private") === now.private }, text)));
        const boxes = now.colleagues.map(({ id, edits }) => el("input", { type: "checkbox", value: id, checked: edits }));
        const values = await askFor(fill(gettext("谁能看“{name}”"), { name: plan.name }),
          [[gettext("草稿给谁看"), sight], ...now.colleagues.map(({ name }, index) => [fill(gettext("与 {name} 一起编制"), { name }), boxes[index]])], gettext("保存"),
          gettext("本机构的管理员和管理人员总能看到本机构的草稿。提交审定后, 能看本机构方案的人都能看到, 退回后也一样。"));
        return values && send("PUT", to("access"), {
          private: values[0] === "private", editors: boxes.filter(({ checked }) => checked).map(({ value }) => Number(value)),
        });
      },
    },
    plan.can_share && {
      id: "share", text: gettext("分享"),
      take: async () => {
        const made = await send("POST", to("share"));
        await ask(gettext("分享链接"), gettext("持有链接的人可以查看网格, 看不到人员; 链接只显示这一次"),
          el("input", { value: made.url, readonly: true }), gettext("完成"),
          fill(gettext("有效期至 {day}"), { day: made.expires_at.slice(0, 10) }));
        return null;
      },
    },
  ].filter(Boolean);
}

/** What a step came to, in a sentence. */
export function outcome(step, answer) {
  if (step === "publish") {
    const { moved, vacated, ambiguous, vacant } = answer.people;
    const said = fill(gettext("“{name}”自 {day} 起生效; 责任人转入 {moved} 人次, 待重新安排 {vacated} 人次, 去向须确认 {ambiguous} 人次。"), {
      name: answer.name, day: answer.valid_from, moved: moved.length, vacated: vacated.length, ambiguous: ambiguous.length,
    });
    return vacant.length ? `${said} ${fill(gettext("{n} 个新网格还没有责任人: {names}。"), { n: vacant.length, names: vacant.slice(0, 5).map(({ name }) => name).join("、") + (vacant.length > 5 ? " …" : "") })}` : said;
  }
  if (step === "access") return answer.private ? gettext("草稿现在只给作者和勾选的同事看。") : gettext("草稿现在给能看本机构方案的人看。");
  if (step === "coverage-rule") return fill(gettext("覆盖规则: {rule}。"), { rule: coverageRule(answer) });
  if (step === "copy" || step === "empty") return fill(gettext("草稿“{name}”已建立。"), { name: answer.name });
  return fill(gettext("“{name}”现在的状态: {status}。"), { name: answer.name, status: answer.status_label });
}

/** The coverage rule in words, with its limit where overlap is allowed. */
export const coverageRule = ({ policy_label: label, overlap_limit: limit }) =>
  limit > 0 ? fill(gettext("{rule}, 上限为自身面积的 {n}%"), { rule: label, n: Number((limit * 100).toPrecision(3)) }) : label;

export const day = (iso) => (iso ?? "").slice(0, 10);
