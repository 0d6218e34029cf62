// From film to film of the worklist, in the order of its table, by buttons or from the film by keys.
const part = (place) => element.querySelector(place);
const button = (name) => part(`[data-walk=${name}]`);
let at = props.value;
let waits = false;  // for the server to name the film that was asked for

const rows = () => {
    const table = document.querySelector(`#list table[data-list="${at.list}"]`);
    return table ? [...table.tBodies[0].rows] : [];
};
const draw = () => {
    const all = rows();
    const here = all.findIndex((row) => row.dataset.place === String(at.place));
    part(".walk").hidden = here < 0;
    if (here < 0) return;
    const running = !document.querySelector("#list progress").hidden;
    const told = `Film ${here + 1} of ${all.length}${running ? " so far" : ""}`;
    if (part("[role=status]").textContent !== told) part("[role=status]").textContent = told;
    // no name until the server has cleared the film before: none stands under another's name
    part("small").textContent = part("small").title = waits ? "" : all[here].dataset.film;
    button("previous").ariaDisabled = here === 0;
    button("next").ariaDisabled = here === all.length - 1;
};
const go = (by) => {
    const all = rows();
    const to = all[all.findIndex((row) => row.dataset.place === String(at.place)) + by];
    if (!to) return;
    const step = new CustomEvent("walk", { bubbles: true, detail: {} });
    to.dispatchEvent(step);  // the table numbers what it opens
    at = { ...at, place: Number(to.dataset.place), opening: step.detail.opening };
    waits = true;
    draw();
};
const walks = {
    previous: () => go(-1),
    next: () => go(1),
    list: () => document.querySelector('[role=tab][data-tab-id="worklist"]').click(),
};
const keys = { p: walks.previous, n: walks.next, l: walks.list };

element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-walk]");
    if (pressed && pressed.ariaDisabled !== "true") walks[pressed.dataset.walk]();
});
document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || part(".walk").hidden) return;
    const walk = keys[event.key.toLowerCase()];
    const onFilm = event.target.closest("#single .stage") || document.documentElement.matches(".film-held");
    if (!walk || !element.checkVisibility() || !(onFilm || element.contains(event.target))) return;
    event.preventDefault();
    walk();
});
document.addEventListener("rows", draw);
watch("value", () => {
    // keys were faster than the server, or a film came late
    if (waits && props.value.list === at.list && props.value.opening < at.opening) return;
    waits = false;
    at = props.value;
    draw();
    if (at.list && !element.contains(document.activeElement)) document.dispatchEvent(new Event("hold-film"));
});
draw();
