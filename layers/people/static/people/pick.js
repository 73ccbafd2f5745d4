/** Fields in which somebody is chosen: what is typed asks the API, and the browser's own list offers who fits. */
import { get } from "jt/api";
import { el } from "jt/dom";

const { gettext } = window;
const PAUSE = 200;

for (const [number, input] of document.querySelectorAll("input[data-people]").entries()) offer(input, `people-${number}`);

function offer(input, id) {
  const list = el("datalist", { id });
  input.after(list);
  input.setAttribute("list", id);
  let timer = 0;
  let request = 0;

  async function ask() {
    const mine = (request += 1);
    // A choice that is made is not searched for again.
    if ([...list.options].some(({ value }) => value === input.value)) return;
    const found = await get("people/choices", { q: input.value, leads: input.dataset.people === "leads" });
    if (mine !== request) return;
    list.replaceChildren(...found.map(({ written, institution, busy }) =>
      el("option", { value: written }, [institution, busy ? "" : gettext("未安排")].filter(Boolean).join(" · "))));
  }

  input.addEventListener("focus", ask);
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(ask, PAUSE);
  });
  // Who was quicker than this script has typed already.
  if (input === document.activeElement) ask();
}
