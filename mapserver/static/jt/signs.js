/** Signs of kinds: an icon in a frame. Layers differ by the frame, kinds by the icon; colour comes on top of both. */
import { el, icon } from "jt/dom";

const SIZE = 22;
const sprites = new Map();

/** @param {string} layer @param {{icon: string, colour: string}} [kind] */
export function pointSign(layer, kind) {
  const sign = el("span", { class: `point ${layer}` }, icon(kind?.icon ?? "map-pin"));
  if (kind?.colour) sign.style.color = sign.style.borderColor = kind.colour;
  return sign;
}

/**
 * The sign for a canvas; null until the browser has drawn it, and then `ready` is called.
 * @param {{icon: string, colour: string}} kind @param {() => void} ready
 */
export function sprite(kind, ready) {
  const key = `${kind.icon} ${kind.colour}`;
  if (!sprites.has(key)) {
    sprites.set(key, null);
    const shapes = icon(kind.icon);
    const attributes = {
      xmlns: "http://www.w3.org/2000/svg", width: 13, height: 13, viewBox: "0 0 24 24", fill: "none",
      stroke: kind.colour, "stroke-width": 2.4, "stroke-linecap": "round", "stroke-linejoin": "round",
    };
    for (const [name, value] of Object.entries(attributes)) shapes.setAttribute(name, value);
    const image = new Image();
    image.onload = () => {
      sprites.set(key, disc(kind.colour, image));
      ready();
    };
    image.src = `data:image/svg+xml,${encodeURIComponent(new XMLSerializer().serializeToString(shapes))}`;
  }
  return sprites.get(key);
}

export const spriteSize = SIZE;

function disc(colour, image) {
  const ratio = window.devicePixelRatio || 1;
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE * ratio;
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  context.fillStyle = "#fff";
  context.strokeStyle = colour;
  context.lineWidth = 1.5;
  context.beginPath();
  context.arc(SIZE / 2, SIZE / 2, SIZE / 2 - 1, 0, 2 * Math.PI);
  context.fill();
  context.stroke();
  context.drawImage(image, (SIZE - 13) / 2, (SIZE - 13) / 2, 13, 13);
  return canvas;
}
