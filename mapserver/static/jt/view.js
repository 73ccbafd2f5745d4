/**
 * The map library, behind one module: everybody else speaks CGCS2000 longitude and latitude, and does not know what
 * datum the base map is drawn in. Leaflet itself, and the map, come from django-leaflet's tags.
 *
 * @typedef {[number, number]} LonLat
 * @typedef {{fill?: string|CanvasPattern, opacity?: number, stroke?: string, weight?: number, dash?: string}} Look
 */
import { apart } from "jt/apart";
import { fromCgcs2000, toCgcs2000 } from "jt/datum";
import { distance } from "jt/text";

const { gettext, L } = window;
const PANES = { "jt-grids": 400, "jt-moving": 405, "jt-borders": 410, "jt-selection": 420, "jt-dense": 425, "jt-labels": 430, "jt-edit": 440, "jt-handles": 650 };
const CLOSEST = 20;
const MARGIN = 16;
const NARROW = 640;
const ROOM = 32;

/** Lets django-leaflet make its map (it waits for this event), and wraps it. */
export function createView() {
  let view;
  window.addEventListener("map:init", (event) => (view = new View(event.detail.map)), { once: true });
  window.dispatchEvent(new Event("jt:start"));
  return view;
}

export class View {
  #map;
  #tiles = null;
  #renderers = {};
  #redraws = new Set();
  #covered = () => 0;
  #tip = null;
  #spreading = 0;
  #shifts = new WeakMap();
  datum = "cgcs2000";

  constructor(map) {
    this.#map = map;
    map.setMinZoom(4).setMaxZoom(CLOSEST);
    map.zoomControl.remove();
    L.control.zoom({ zoomInTitle: gettext("放大"), zoomOutTitle: gettext("缩小") }).addTo(map);
    // Not Leaflet's own overlay pane: one renderer a pane keeps fills, borders and labels in this order.
    for (const [name, height] of Object.entries(PANES)) map.createPane(name).style.zIndex = height;
    // Until the page knows where to look: Leaflet can neither project nor add layers without a view.
    map.setView([30.4, 112.9], 10, { animate: false });
    map.on("moveend", () => this.#spreadSoon());
  }

  get element() { return this.#map.getContainer(); }
  get zoom() { return this.#map.getZoom(); }
  get centre() { return this.lonLat(this.#map.getCenter()); }

  /** Calls a function at an event: "click", "twice", "pointer" with the place; "moved", "out" without. */
  on(event, listener) {
    if (event === "pointer") return this.#onPointer(listener);
    const name = { click: "click", twice: "dblclick", moved: "moveend", out: "mouseout" }[event];
    return this.#map.on(name, (fact) => listener(fact.latlng && this.lonLat(fact.latlng)));
  }

  /** Once a frame, with where the pointer is then: Leaflet leaves out what follows within 32 ms, so that the last place may be lost. */
  #onPointer(listener) {
    let last = null;
    this.element.addEventListener("mousemove", (event) => {
      if (!last)
        requestAnimationFrame(() => {
          if (last && !this.#map.dragging.moving()) listener(this.lonLat(this.#map.mouseEventToLatLng(last)));
          last = null;
        });
      last = event;
    });
    this.#map.on("mouseout", () => (last = null));
  }

  /** Registers a drawing to be done now, and anew whenever the datum changes. @returns {{redraw: function, stop: function}} */
  drawing(draw) {
    let drawn = draw();
    const redraw = () => {
      drawn?.remove();
      drawn = draw();
    };
    this.#redraws.add(redraw);
    return { redraw, stop: () => { drawn?.remove(); this.#redraws.delete(redraw); } };
  }

  /** Shows tiles below everything, in whatever datum they are drawn; the place looked at stays the same. */
  setBase({ url, datum, subdomains, attribution }) {
    this.#tiles?.remove();
    this.#tiles = url
      ? L.tileLayer(url, { subdomains: subdomains ?? "", attribution, maxNativeZoom: 18, maxZoom: CLOSEST }).addTo(this.#map)
      : null;
    // Tiles are drawn for whole zoom levels; without them a plan may fill the map.
    this.#map.options.zoomSnap = url ? 1 : 0.25;
    if (datum === this.datum) return;
    const { centre } = this;
    this.datum = datum;
    this.look(centre, this.zoom);
    for (const redraw of this.#redraws) redraw();
  }

  latLng(lonLat) {
    const [lon, lat] = fromCgcs2000(this.datum)(lonLat);
    return [lat, lon];
  }

  lonLat({ lat, lng }) {
    return toCgcs2000(this.datum)([lng, lat]);
  }

  look(lonLat, zoom = this.zoom) {
    this.#map.setView(this.latLng(lonLat), zoom, { animate: false });
  }

  /** Puts a place in the middle of what the sheet leaves free of the map. */
  bring(lonLat, zoom = this.zoom) {
    const middle = this.#map.project(this.latLng(lonLat), zoom).add([0, this.#covered() / 2]);
    this.#map.setView(this.#map.unproject(middle, zoom), zoom, { animate: false });
  }

  /** @param {number[]} bbox west, south, east, north */
  fit([west, south, east, north], { maxZoom = 17 } = {}) {
    this.#map.fitBounds([this.latLng([west, south]), this.latLng([east, north])], {
      animate: false, maxZoom, paddingTopLeft: [MARGIN, MARGIN], paddingBottomRight: [MARGIN, MARGIN + this.#covered()],
    });
  }

  /** Whether a place is now to be seen. */
  shows(lonLat) {
    const { x, y } = this.pixel(lonLat);
    const size = this.#map.getSize();
    return x >= 0 && y >= 0 && x <= size.x && y <= size.y - this.#covered();
  }

  /** Pixels from the top left of the map. @returns {{x: number, y: number}} */
  pixel(lonLat) { return this.#map.latLngToContainerPoint(this.latLng(lonLat)); }

  /** The place at a pixel from the top left of the map. @param {{x: number, y: number}} pixel */
  place({ x, y }) { return this.lonLat(this.#map.containerPointToLatLng([x, y])); }

  /** Says how many pixels at the bottom are under the sheet. @param {() => number} covered */
  setCovered(covered) { this.#covered = covered; }

  /** Pixels at the bottom that are under the sheet. */
  get covered() { return this.#covered(); }

  /** Pixels of a degree of longitude and of latitude, here. @returns {{x: number, y: number}} */
  degree() {
    const [lon, lat] = this.centre;
    const a = this.pixel([lon - 0.005, lat - 0.005]);
    const b = this.pixel([lon + 0.005, lat + 0.005]);
    return { x: (b.x - a.x) * 100, y: (a.y - b.y) * 100 };
  }

  resized() { this.#map.invalidateSize({ animate: false }); }

  /**
   * Polygons on canvas. smoothFactor 0: simplified one by one, neighbours would part.
   * @param {{polygons: number[][][][], look: Look}[]} shapes
   * @param {keyof PANES} pane
   */
  polygons(shapes, pane) {
    return this.#group(
      shapes.map(({ polygons, look }) =>
        L.polygon(polygons.map((rings) => rings.map((ring) => this.#latLngs(ring))), this.#style(look, pane)),
      ),
    );
  }

  /** Lines on canvas. @param {{arcs: number[][][], look: Look}[]} lines */
  lines(lines, pane) {
    return this.#group(
      lines.map(({ arcs, look }) =>
        L.polyline(arcs.map((arc) => this.#latLngs(arc)), { ...this.#style(look, pane), fill: false }),
      ),
    );
  }

  /** A point and, around it, the circle of its accuracy. */
  position(lonLat, accuracy) {
    const look = this.#style({ fill: "#0b5fff", opacity: 0.12, stroke: "#0b5fff", weight: 1.5 }, "jt-selection");
    return this.#group([
      ...(accuracy > 0 ? [L.circle(this.latLng(lonLat), { ...look, radius: accuracy })] : []),
      L.circleMarker(this.latLng(lonLat), { ...look, radius: 7, fillOpacity: 1, color: "#fff", weight: 3 }),
    ]);
  }

  /** A ring around what is chosen. */
  ring(lonLat) {
    const look = this.#style({ stroke: "#0b5fff", weight: 3 }, "jt-handles");
    return this.#group([L.circleMarker(this.latLng(lonLat), { ...look, radius: 17 })]);
  }

  /** An element that stands on the map. */
  marker(lonLat, element, { title, onClick, size = 24 }) {
    const marker = this.#marker(lonLat, element, { title, size });
    if (onClick) marker.on("click", onClick);
    return this.#group([marker]);
  }

  /**
   * A handle that can be dragged, and reached and moved by the keyboard.
   * @param {{title: string, size: number, isAbove: boolean, onMove: (place: LonLat) => LonLat, onDrop: (place: LonLat) => void, onClick?: (event) => void,
   *          onMenu?: () => void, onKey: (event: KeyboardEvent, place: LonLat) => void}} actions
   */
  handle(lonLat, element, { title, size, isAbove, onMove, onDrop, onClick, onMenu, onKey }) {
    const marker = L.marker(this.latLng(lonLat), {
      icon: L.divIcon({ html: element, className: "handle-box", iconSize: [size, size] }), title, alt: title, draggable: true,
      pane: "jt-handles", keyboard: true, zIndexOffset: isAbove ? 10_000 : 0,
    });
    // Where it snaps to, it stands; the hand may be a little way off.
    marker.on("drag", () => marker.setLatLng(this.latLng(onMove(this.lonLat(marker.getLatLng())))));
    marker.on("dragend", () => onDrop(this.lonLat(marker.getLatLng())));
    if (onClick) marker.on("click", ({ originalEvent }) => onClick(originalEvent));
    if (onMenu) marker.on("contextmenu", onMenu);
    marker.addTo(this.#map);
    const sign = marker.getElement();
    sign.setAttribute("aria-label", title);
    sign.addEventListener("keydown", (event) => onKey(event, this.lonLat(marker.getLatLng())));
    return {
      element: sign,
      move: (place) => marker.setLatLng(this.latLng(place)),
      remove: () => marker.remove(),
    };
  }

  /** Words beside a place, or none. @param {LonLat} lonLat @param {string[]} [lines] */
  tip(lonLat, lines) {
    if (!lonLat || !lines?.length) {
      this.#tip?.remove();
      this.#tip = null;
      return;
    }
    const text = document.createElement("div");
    text.translate = false;
    text.append(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
    // A small screen has no room beside the hand, and a finger hides what is under it: there they stand above.
    const { x } = this.#map.getSize();
    const isNarrow = x < NARROW;
    this.#tip ??= L.tooltip({ direction: isNarrow ? "bottom" : "auto", offset: isNarrow ? [0, 0] : [36, 0], className: "drag-tip" });
    const place = isNarrow ? this.#map.containerPointToLatLng([x / 2, MARGIN]) : this.latLng(lonLat);
    this.#tip.setLatLng(place).setContent(text).addTo(this.#map);
  }

  /** Many small round points on canvas. @param {LonLat[]} lonLats @param {Look} look */
  spots(lonLats, look, pane) {
    return this.#group(lonLats.map((lonLat) => L.circleMarker(this.latLng(lonLat), { ...this.#style(look, pane), radius: 2.5 })));
  }

  /** Small points, those of a line being drawn if nothing else is said. @param {Look} [given] */
  dots(lonLats, pane, given = { fill: "#ffffff", opacity: 1, stroke: "#0b5fff", weight: 2 }) {
    const look = this.#style(given, pane);
    return this.#group(lonLats.map((lonLat) => L.circleMarker(this.latLng(lonLat), { ...look, radius: 4 })));
  }

  /** Whether the map moves under the hand; not while a line is drawn in one stroke. */
  setPanning(on) {
    this.#map.dragging[on ? "enable" : "disable"]();
    this.element.classList.toggle("holding", !on);
  }

  /** Whether a double click zooms; not while it ends a line. */
  setDoubleClickZoom(on) { this.#map.doubleClickZoom[on ? "enable" : "disable"](); }

  /** West, south, east, north of what is in sight. */
  get bbox() {
    const size = this.#map.getSize();
    const corners = [[0, size.y], [size.x, 0]].map((corner) => this.lonLat(this.#map.containerPointToLatLng(corner)));
    return corners.flat();
  }

  /**
   * Many points, gathered where they are dense.
   * @param {{lonLat: LonLat, element: HTMLElement, title: string, onClick: () => void}[]} points
   * @param {(n: number) => HTMLElement} gathered
   */
  clusters(points, gathered) {
    const group = L.markerClusterGroup({
      maxClusterRadius: 80,
      disableClusteringAtZoom: 15,
      spiderfyOnMaxZoom: false,
      showCoverageOnHover: false,
      iconCreateFunction: (cluster) =>
        L.divIcon({ html: gathered(cluster.getChildCount()), className: "", iconSize: [32, 32] }),
    });
    group.addLayers(
      points.map(({ lonLat, element, title, onClick }) => this.#marker(lonLat, element, { title, size: 24 }).on("click", onClick)),
    );
    group.on("animationend", () => this.#spreadSoon());
    this.#spreadSoon();
    return group.addTo(this.#map);
  }

  /** Once what is being drawn stands. */
  #spreadSoon() {
    cancelAnimationFrame(this.#spreading);
    this.#spreading = requestAnimationFrame(() => this.#spread());
  }

  /** Gathered points of several layers do not hide each other, nor a single one: they make room. */
  #spread() {
    const icons = [...this.#map.getPane("markerPane").children];
    if (!icons.length) return;
    const gathers = icons.map((icon) => icon.querySelector(".cluster"));
    const signs = icons.map((icon, index) => ({ ...L.DomUtil.getPosition(icon), stays: !gathers[index] }));
    apart(signs, ROOM).forEach((shift, index) => {
      if (gathers[index]) gathers[index].style.translate = `${shift.x}px ${shift.y}px`;
      this.#shifts.set(icons[index], shift);
    });
    this.#map.fire("jt:spread");
  }

  /**
   * Paints on a canvas over the map whenever it has come to rest; `live`: while it is dragged, too.
   * @param {(context, size: {x, y}) => void} paint
   */
  canvas(pane, paint, { live = false } = {}) {
    const canvas = document.createElement("canvas");
    canvas.className = "label-canvas leaflet-zoom-hide";
    this.#map.getPane(pane).append(canvas);
    const repaint = () => {
      const size = this.#map.getSize();
      const ratio = window.devicePixelRatio || 1;
      L.DomUtil.setPosition(canvas, this.#map.containerPointToLayerPoint([0, 0]));
      canvas.width = size.x * ratio;
      canvas.height = size.y * ratio;
      canvas.style.width = `${size.x}px`;
      canvas.style.height = `${size.y}px`;
      const context = canvas.getContext("2d");
      context.scale(ratio, ratio);
      paint(context, size);
    };
    // Points are gathered anew after the map has moved, and what is painted keeps clear of their signs.
    const events = live ? "move moveend resize" : "moveend resize jt:spread";
    this.#map.on(events, repaint);
    const remove = () => {
      this.#map.off(events, repaint);
      canvas.remove();
    };
    return { repaint, remove };
  }

  /** Where signs (markers and clusters) stand now, in pixels. @returns {{x: number, y: number}[]} */
  signs() {
    return [...this.#map.getPane("markerPane").children].map((sign) => {
      const place = L.DomUtil.getPosition(sign) ?? L.point(-99, -99);
      return this.#map.layerPointToContainerPoint(place.add(this.#shifts.get(sign) ?? [0, 0]));
    });
  }

  scale() {
    const control = L.control.scale({ imperial: false, maxWidth: 90 });
    // Leaflet writes km and m whatever the language.
    control._updateMetric = (most) => {
      const metres = control._getRoundNum(most);
      control._updateScale(control._mScale, distance(metres), metres / most);
    };
    return control.addTo(this.#map).getContainer();
  }

  #latLngs(lonLats) {
    const shifted = fromCgcs2000(this.datum);
    return lonLats.map((lonLat) => {
      const [lon, lat] = shifted(lonLat);
      return L.latLng(lat, lon);
    });
  }

  #marker(lonLat, element, { title, size }) {
    return L.marker(this.latLng(lonLat), {
      icon: L.divIcon({ html: element, className: "", iconSize: [size, size] }), title, alt: title, riseOnHover: true,
    });
  }

  #group(layers) {
    return L.layerGroup(layers).addTo(this.#map);
  }

  #style({ fill, opacity = 1, stroke, weight = 1, dash }, pane) {
    this.#renderers[pane] ??= L.canvas({ pane, padding: 0.3 });
    return {
      pane, renderer: this.#renderers[pane], interactive: false, smoothFactor: 0, noClip: false,
      fill: Boolean(fill), fillColor: fill, fillOpacity: opacity,
      stroke: Boolean(stroke), color: stroke, weight, dashArray: dash, lineJoin: "round",
      // Grids that overlap, where the plan allows it, are filled all the same; holes run the other way round.
      fillRule: "nonzero",
    };
  }
}
