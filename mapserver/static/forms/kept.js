/**
 * What is typed into a form outlasts the session: whoever signs in again in the same tab finds it there, not yet saved.
 * Passwords and files are not kept; nothing is left behind on the next page that opens.
 */
(() => {
  const KEY = "jt-typed";
  const { user, said } = document.currentScript.dataset;
  const here = location.pathname + location.search;
  const forms = [...document.querySelectorAll("main form[method=post]")].filter((form) => !form.querySelector("[type=password]"));
  let touched = null;

  const kept = JSON.parse(sessionStorage.getItem(KEY));
  sessionStorage.removeItem(KEY);
  const signedIn = document.referrer && new URL(document.referrer).pathname.startsWith("/login/");
  if (signedIn && kept?.user === user && kept.here === here && forms[kept.form]) fill(forms[kept.form], kept.typed);

  for (const form of forms) {
    form.addEventListener("input", () => (touched = form));
    form.addEventListener("submit", () => keep(form));
  }
  // LEAVE of jt/api: a script of the page has been told that the session has ended, and is about to go.
  addEventListener("jt-leave", () => addEventListener("pagehide", () => touched && keep(touched)));

  function keep(form) {
    const typed = [...new FormData(form)].filter(([name, value]) => typeof value === "string" && name !== "csrfmiddlewaretoken");
    sessionStorage.setItem(KEY, JSON.stringify({ user, here, form: forms.indexOf(form), typed }));
  }

  function fill(form, typed) {
    for (const field of form.elements) {
      if (!field.name || ["hidden", "file", "submit", "button"].includes(field.type)) continue;
      const values = typed.filter(([name]) => name === field.name).map(([, value]) => value);
      if (["checkbox", "radio"].includes(field.type)) field.checked = values.includes(field.value);
      else if (field.type === "select-multiple") for (const option of field.options) option.selected = values.includes(option.value);
      else if (values.length) field.value = values[0];
      for (const kind of ["input", "change"]) field.dispatchEvent(new Event(kind, { bubbles: true }));
    }
    for (let part = form.closest("details"); part; part = part.parentElement.closest("details")) part.open = true;
    const notice = document.createElement("p");
    notice.className = "message warning";
    notice.setAttribute("role", "status");
    notice.textContent = said;
    form.prepend(notice);
    notice.scrollIntoView({ block: "nearest" });
  }
})();
