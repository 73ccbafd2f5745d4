/** The import in the API: every call answers with the state of the import. */
import { ApiError, get } from "jt/api";

const token = () => document.querySelector("input[name=csrfmiddlewaretoken]").value;

async function post(path, body) {
  const isForm = body instanceof FormData;
  const response = await fetch(`/api/imports/${path}`, {
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

export const show = (id) => get(`imports/${id}`);
export const preview = (id) => get(`imports/${id}/preview`);
/** @param {FormData} form */
export const upload = (form) => post("", form);
export const repair = (id, gapWidth, nest) => post(`${id}/repair`, { gap_width_m: gapWidth, nest });
export const load = (id, name, policy) => post(`${id}/load`, { name, policy });
export const cancel = (id) => post(`${id}/cancel`);
