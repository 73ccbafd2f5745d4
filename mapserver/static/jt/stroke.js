/** A line drawn in one stroke, with the mouse, a pen or a finger. */
const SHORTEST = 20;

/**
 * @param {HTMLElement} element  where strokes begin
 * @param {{isOn: () => boolean, onMove: (pixels: {x: number, y: number}[]) => void, onEnd: (pixels: {x: number, y: number}[]|null) => void}} listen
 *        onEnd gets null where the stroke was too short to be meant, or a second finger came
 */
export function strokes(element, { isOn, onMove, onEnd }) {
  let pixels = null;
  const pixel = ({ clientX, clientY }) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const stop = (line) => {
    if (!pixels) return;
    pixels = null;
    if (line) swallowClick(element);
    onEnd(line);
  };
  element.addEventListener("pointerdown", (event) => {
    if (!event.isPrimary) return stop(null);
    if (isOn() && event.button === 0 && !event.target.closest("button, a, .leaflet-control")) pixels = [pixel(event)];
    return undefined;
  });
  addEventListener("pointermove", (event) => {
    if (!pixels || !event.isPrimary) return;
    for (const each of event.getCoalescedEvents?.() ?? [event]) pixels.push(pixel(each));
    onMove(pixels);
  });
  addEventListener("pointerup", (event) => event.isPrimary && pixels && stop(length(pixels) < SHORTEST ? null : pixels));
  addEventListener("pointercancel", () => stop(null));
}

/** The browser makes a click of the end of a stroke; nobody meant it. */
function swallowClick(element) {
  const swallow = (event) => event.stopImmediatePropagation();
  element.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => element.removeEventListener("click", swallow, true), 100);
}

const length = (pixels) =>
  pixels.slice(1).reduce((sum, { x, y }, index) => sum + Math.hypot(x - pixels[index].x, y - pixels[index].y), 0);
