/** The API, with one kind of error. */
import { inReadersLanguage } from "jt/text";

const { gettext } = window;

export class ApiError extends Error {
  /** @param {number} status @param {{code?: string, message?: {zh: string, en: string}, where?: object, details?: object, text?: string}} body */
  constructor(status, body) {
    super(body.text ?? (body.message ? inReadersLanguage(body.message) : gettext("服务器没有正常应答，请稍后再试。")));
    this.status = status;
    this.code = body.code ?? "";
    this.where = body.where ?? null;
    this.details = body.details ?? {};
  }
}

const AWAKE_MS = 30_000;

/**
 * @param {string} path below /api/
 * @param {Object<string, *>} [query] undefined and null are left out
 * @param {{signal?: AbortSignal, unattended?: boolean}} [options] unattended: the page asks by itself, which keeps nobody signed in
 */
export async function get(path, query = {}, { signal, unattended = false } = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== undefined && value !== null);
  const search = given.length ? `?${new URLSearchParams(given)}` : "";
  return ask(`/api/${path}${search}`, { headers: { Accept: "application/json", ...(unattended && { "X-Unattended": "1" }) }, signal });
}

/** @param {string} path below /api/ @param {object} body */
export const post = (path, body, options) => send("POST", path, body, options);

/** @param {"POST"|"PUT"|"DELETE"} method @param {string} path below /api/ @param {object} [body] */
export async function send(method, path, body, { signal } = {}) {
  return ask(`/api/${path}`, { ...sending(method, body), signal });
}

/** Whoever types or draws for long is there, although nothing is asked for meanwhile: the server is told, now and then. */
export function stayAwake() {
  let told = Date.now();
  for (const kind of ["pointerdown", "keydown"])
    addEventListener(kind, () => {
      if (Date.now() - told < AWAKE_MS) return;
      told = Date.now();
      get("me").catch(() => {});
    }, { capture: true, passive: true });
}

/** Asks for a file, with a body by POST. @param {string} address whole @param {object} [body] @returns {Promise<{file: Blob, headers: Headers}>} */
export async function getFile(address, body, { signal } = {}) {
  const response = await answerOf(address, { ...(body && sending("POST", body)), signal });
  return { file: await response.blob().catch(unreachable), headers: response.headers };
}

function sending(method, body) {
  const token = document.querySelector("input[name=csrfmiddlewaretoken]").value;
  return {
    method,
    headers: { Accept: "application/json", "Content-Type": "application/json", "X-CSRFToken": token },
    body: body && JSON.stringify(body),
  };
}

async function ask(address, options) {
  return (await answerOf(address, options)).json().catch(() => ({}));
}

/** Happens before a page is left to sign in anew: who has something in hand that would be lost prevents it, and is asked again later. */
export const LEAVE = "jt-leave";

let leaving = false;
addEventListener("pageshow", () => (leaving = false));

async function answerOf(address, options) {
  const response = await fetch(address, options).catch(unreachable);
  // A page sends whoever is signed in no more to sign in; the API says so.
  if (response.status === 401 || (response.redirected && new URL(response.url).pathname === "/login/")) {
    // Once, whatever else is answered so: the sign-in page says only once why the session ended.
    if (!leaving && dispatchEvent(new Event(LEAVE, { cancelable: true }))) {
      leaving = true;
      location.assign(`/login/?${new URLSearchParams({ next: location.pathname + location.search })}`);
    }
    throw new ApiError(401, { text: gettext("登录已结束，请重新登录。") });
  }
  if (!response.ok) throw new ApiError(response.status, await response.json().catch(() => ({})));
  return response;
}

function unreachable(error) {
  if (error.name === "AbortError") throw error;
  throw new ApiError(0, { text: gettext("连接不上服务器，请检查网络后再试。") });
}
