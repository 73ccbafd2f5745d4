/** Jobs of uploaded files in the API: every call answers with the state of the job. */
import { ApiError, get } from "jt/api";

const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;

/**
 * @param {string} base below /api/, for example "imports"
 * @returns {{show: (id: number) => Promise<object>, part: (id: number, name: string, query?: object) => Promise<*>,
 *            upload: (form: FormData) => Promise<object>, step: (id: number, name: string, body?: object) => Promise<object>}}
 */
export function jobsAt(base) {
  async function post(path, body) {
    const isForm = body instanceof FormData;
    const response = await fetch(`/api/${base}/${path}`, {
      method: "POST",
      headers: { "X-CSRFToken": token(), Accept: "application/json", ...(isForm ? {} : { "Content-Type": "application/json" }) },
      body: isForm ? body : JSON.stringify(body ?? {}),
    }).catch(() => {
      throw new ApiError(0, {});
    });
    const answer = await response.json().catch(() => ({}));
    if (!response.ok) throw new ApiError(response.status, answer);
    return answer;
  }
  return {
    show: (id) => get(`${base}/${id}`),
    part: (id, name, query) => get(`${base}/${id}/${name}`, query),
    upload: (form) => post("", form),
    step: (id, name, body) => post(`${id}/${name}`, body),
  };
}
