/** The import of grids in the API. */
import { jobsAt } from "jt/jobs";

const jobs = jobsAt("imports");

export const { show, upload } = jobs;
export const preview = (id) => jobs.part(id, "preview");
export const repair = (id, gapWidth, nest) => jobs.step(id, "repair", { gap_width_m: gapWidth, nest });
export const load = (id, name, policy) => jobs.step(id, "load", { name, policy });
export const cancel = (id) => jobs.step(id, "cancel");
