/** Jobs of uploaded files in the API: every call answers with the state of the job. */
import { ApiError, get, post } from "jt/api";

const { gettext } = window;

/**
 * @param {string} base below /api/, for example "imports"
 * @returns {{show: (id: number) => Promise<object>, part: (id: number, name: string, query?: object) => Promise<*>,
 *            step: (id: number, name: string, body?: object) => Promise<object>,
 *            upload: (form: FormData, progress: (sent: number) => void) => {answer: Promise<object>, cancel: () => void}}}
 */
export const jobsAt = (base) => ({
  show: (id) => get(`${base}/${id}`),
  part: (id, name, query) => get(`${base}/${id}/${name}`, query),
  step: (id, name, body) => post(`${base}/${id}/${name}`, body ?? {}),
  upload: (form, progress) => send(`/api/${base}/`, form, progress),
});

/** fetch() cannot tell how much of a form has been sent. */
function send(address, form, progress) {
  const request = new XMLHttpRequest();
  const answer = new Promise((resolve, reject) => {
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onload = () => {
      const body = parsed(request.responseText);
      if (request.status < 300) resolve(body);
      else reject(new ApiError(request.status, body));
    };
    request.onerror = () => reject(new ApiError(0, { text: gettext("连接不上服务器，请检查网络后再试。") }));
    request.onabort = () => reject(new ApiError(0, { text: gettext("已取消上传。") }));
  });
  request.open("POST", address);
  request.setRequestHeader("Accept", "application/json");
  request.setRequestHeader("X-CSRFToken", document.querySelector("input[name=csrfmiddlewaretoken]").value);
  request.send(form);
  return { answer, cancel: () => request.abort() };
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
