/** Prints the page with all that its trees hold: what is folded is opened for the paper, and folded again. */
const folded = [];

addEventListener("beforeprint", () => {
  folded.push(...document.querySelectorAll(".tree details:not([open])"));
  for (const part of folded) part.open = true;
});
addEventListener("afterprint", () => {
  for (const part of folded.splice(0)) part.open = false;
});

document.getElementById("print").addEventListener("click", () => window.print());
if (new URLSearchParams(location.search).has("print")) window.print();
