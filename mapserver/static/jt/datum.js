/**
 * GCJ-02, the datum of some Chinese web maps, and back. It lies 40–680 m off CGCS2000 (and WGS 84, the same numbers
 * here). The offset is the one that has been public since 2010; gis/datum.py is its twin, and a test compares them.
 *
 * @typedef {[number, number]} LonLat
 */

const SEMI_MAJOR = 6378245;
const ECCENTRICITY_SQUARED = 0.00669342162296594323;
const { abs, cos, PI, sin, sqrt } = Math;

/** The box outside which web maps leave WGS 84 as it is. */
const isInChina = ([lon, lat]) => lon >= 72.004 && lon <= 137.8347 && lat >= 0.8293 && lat <= 55.8271;

/** @param {LonLat} lonLat @returns {LonLat} */
function offset([lon, lat]) {
  const x = lon - 105;
  const y = lat - 35;
  const root = sqrt(abs(x));
  const short = ((20 * sin(6 * PI * x) + 20 * sin(2 * PI * x)) * 2) / 3;
  let east = 300 + x + 2 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + short;
  east += ((20 * sin(PI * x) + 40 * sin((PI / 3) * x)) * 2) / 3;
  east += ((150 * sin((PI / 12) * x) + 300 * sin((PI / 30) * x)) * 2) / 3;
  let north = -100 + 2 * x + 3 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + short;
  north += ((20 * sin(PI * y) + 40 * sin((PI / 3) * y)) * 2) / 3;
  north += ((160 * sin((PI / 12) * y) + 320 * sin((PI / 30) * y)) * 2) / 3;
  const latitude = (lat * PI) / 180;
  const w = 1 - ECCENTRICITY_SQUARED * sin(latitude) ** 2;
  const meridian = (SEMI_MAJOR * (1 - ECCENTRICITY_SQUARED)) / (w * sqrt(w));
  const parallel = (SEMI_MAJOR / sqrt(w)) * cos(latitude);
  return [((east / parallel) * 180) / PI, ((north / meridian) * 180) / PI];
}

/** @param {LonLat} lonLat @returns {LonLat} */
function toGcj02(lonLat) {
  if (!isInChina(lonLat)) return lonLat;
  const [dx, dy] = offset(lonLat);
  return [lonLat[0] + dx, lonLat[1] + dy];
}

/** Fixed-point inverse, to 1e-10 degree: the offset changes so slowly that each step gains two digits or more. */
function fromGcj02(lonLat) {
  let answer = lonLat;
  for (let step = 0; step < 10; step += 1) {
    const [dx, dy] = offset(answer);
    const error = [answer[0] + dx - lonLat[0], answer[1] + dy - lonLat[1]];
    answer = [answer[0] - error[0], answer[1] - error[1]];
    if (abs(error[0]) < 1e-10 && abs(error[1]) < 1e-10) break;
  }
  return isInChina(answer) ? answer : lonLat;
}

const same = (lonLat) => lonLat;

/** CGCS2000 → the datum that a base map is drawn in. @param {string} datum */
export const fromCgcs2000 = (datum) => (datum === "gcj02" ? toGcj02 : same);

/** Where somebody pointed on that base map → CGCS2000. @param {string} datum */
export const toCgcs2000 = (datum) => (datum === "gcj02" ? fromGcj02 : same);
