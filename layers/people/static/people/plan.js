/** The plan in force in the background of a small map, to see where one is. */
import { get } from "jt/api";
import { Topology } from "jt/topology";

const INNER = { stroke: "#7f9a9c", weight: 1 };
const OUTER = { stroke: "#16282a", weight: 2 };

/**
 * @param {import("jt/view").View} view
 * @param {number[]} levels those whose borders are drawn, as far as the plan has them
 * @returns {Promise<number|undefined>} its id, if there is one
 */
export async function drawPlan(view, levels) {
  const plan = (await get("plans")).find(({ in_force: inForce }) => inForce);
  if (!plan) return undefined;
  const topology = new Topology(await get(`plans/${plan.id}/topology`));
  for (const level of new Set(levels.map((one) => Math.min(one, topology.levels - 1)))) {
    const [outer, ...inner] = topology.borders(level);
    view.lines([{ arcs: inner.flat(), look: { ...INNER, weight: 1 / Math.max(level, 1) + 0.25 } }, { arcs: outer, look: OUTER }], "jt-borders");
  }
  view.fit(topology.bbox);
  return plan.id;
}
