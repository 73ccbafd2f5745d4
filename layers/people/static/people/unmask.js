/** The work telephone of a colleague outside the reader's subtree, in full: for a reason. */
import { unmasking } from "jt/unmask";

const place = document.getElementById("unmask");
place?.append(unmasking(`people/${place.dataset.person}`, [["work_phone", window.gettext("工作电话")]]));
