// Previous and next film of the worklist, in the order of its table, by buttons or by keys.
const find = (selector) => element.querySelector(selector);
const button = (name) => find(`[data-navigate=${name}]`);
let position = props.value;
let waiting = false;  // for the server's answer to the last step

const rows = () => {
    const table = document.querySelector(`#list table[data-list="${position.list}"]`);
    return table ? [...table.tBodies[0].rows] : [];
};
const currentIndex = (all) => all.findIndex((row) => row.dataset.place === String(position.place));
const draw = () => {
    const all = rows(), index = currentIndex(all);
    find(".film-navigation").hidden = index < 0;
    if (index < 0) return;
    const running = !document.querySelector("#list progress").hidden;
    const text = `Film ${index + 1} of ${all.length}${running ? " so far" : ""}`;
    const status = find("[role=status]");
    if (status.textContent !== text) status.textContent = text;
    // No name until the server has cleared the previous film, which would stand under this name.
    find("small").textContent = find("small").title = waiting ? "" : all[index].dataset.film;
    button("previous").ariaDisabled = index === 0;
    button("next").ariaDisabled = index === all.length - 1;
};
const step = (offset) => {
    const all = rows(), row = all[currentIndex(all) + offset];
    if (!row) return;
    const event = new CustomEvent("film-navigation", { bubbles: true, detail: {} });
    row.dispatchEvent(event);  // worklist_rows.js opens the film and numbers the opening
    position = { ...position, place: Number(row.dataset.place), opening: event.detail.opening };
    waiting = true;
    draw();
};
const actions = {
    previous: () => step(-1),
    next: () => step(1),
    list: () => document.querySelector('[role=tab][data-tab-id="worklist"]').click(),
};
const keys = { p: actions.previous, n: actions.next, l: actions.list };

element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-navigate]");
    if (pressed && pressed.ariaDisabled !== "true") actions[pressed.dataset.navigate]();
});
document.addEventListener("keydown", (event) => {
    const act = keys[event.key.toLowerCase()];
    if (!act || find(".film-navigation").hidden || !element.checkVisibility()) return;
    const onFilm = event.target.closest("#single .stage") || document.documentElement.matches(".film-held");
    if (!window.bonefx.takesKey(event, onFilm || element.contains(event.target))) return;
    event.preventDefault();
    act();
});
document.addEventListener("rows", draw);
document.addEventListener("open-row-again", () => {
    if (currentIndex(rows()) < 0) actions.list();  // another list is there: its films can be chosen
    else step(0);
});
watch("value", () => {
    // An answer to an earlier step: the user has gone on since. It may come after that of the last step.
    if (props.value.list === position.list && props.value.opening < position.opening) return;
    waiting = false;
    position = props.value;
    draw();
    if (position.list && !element.contains(document.activeElement)) document.dispatchEvent(new Event("hold-film"));
});
draw();
