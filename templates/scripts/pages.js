/* Small comforts; every page works without them. */
const summary = document.querySelector("[data-focus]");
if (summary) summary.focus();

const menus = document.querySelectorAll("details.d-menu");
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus) {
    if (!menu.open) continue;
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
document.addEventListener("click", (event) => {
  for (const menu of menus) if (!menu.contains(event.target)) menu.open = false;
});
