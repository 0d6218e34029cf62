// Previous and next film or case of the worklist, in the order of its table, by buttons or by keys; and the
// films of the case on screen. The rows of the table say all that is shown here.
const find = (selector) => element.querySelector(selector);
const button = (name) => find(`[data-navigate=${name}]`);
let position = props.value;
let waiting = false;  // for the server's answer to the last step
let drawnStrip = "";

const isCurrent = (row) => row.dataset.place === String(position.place);
const rowsOf = (list) => {
    const table = document.querySelector(`#list table[data-list="${list}"]`);
    return table ? [...table.tBodies[0].querySelectorAll("tr[data-place]")] : [];
};
const allRows = () => rowsOf(position.list);
const rows = () => allRows().filter((row) => !row.hidden || isCurrent(row));  // the filter hides some
const currentIndex = (all) => all.findIndex(isCurrent);
const caseOf = (row) => row.dataset.case ?? `film ${row.dataset.place}`;

const strip = (row) => {  // one film of the case, as a button
    const item = document.createElement("li"), open = document.createElement("button");
    const picture = row.querySelector("img")?.cloneNode(), view = document.createElement("span");
    view.textContent = row.dataset.view || `Number ${row.dataset.place}`;
    const called = document.createElement("span");
    called.className = `called ${row.dataset.verdict}`;
    called.textContent = row.querySelector(".words").textContent;
    open.type = "button";
    open.dataset.place = row.dataset.place;
    open.append(...[picture, view, called].filter(Boolean));
    item.append(open);
    return item;
};
const drawStrip = (current) => {
    const head = current?.closest("tbody").querySelector(`tr[data-head="${current.dataset.case}"]`);
    find(".case-strip").hidden = !head;
    if (!head) return;
    const films = allRows().filter((row) => caseOf(row) === caseOf(current));
    const items = films.map(strip), html = items.map((item) => item.innerHTML).join("");
    if (html !== drawnStrip) find(".case-strip ul").replaceChildren(...items);  // else a button may have the focus
    drawnStrip = html;
    for (const open of element.querySelectorAll(".case-strip li button")) open.ariaCurrent = String(open.dataset.place === current.dataset.place);
    const verdict = find(".case-strip p .called");
    verdict.className = `called ${head.dataset.verdict}`;
    verdict.textContent = head.querySelector(".words").textContent;
    find(".film-of-case").textContent = `(film ${films.indexOf(current) + 1} of ${films.length})`;
};
const draw = () => {
    const all = rows(), index = currentIndex(all);
    find(".film-navigation").hidden = index < 0;
    drawStrip(all[index]);
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
const open = (row) => {
    if (!row) return;
    const event = new CustomEvent("film-navigation", { bubbles: true, detail: {} });
    row.dispatchEvent(event);  // worklist_rows.js opens the film and numbers the opening
    position = { ...position, place: Number(row.dataset.place), opening: event.detail.opening };
    waiting = true;
    draw();
};
const step = (offset) => {
    const all = rows();
    open(all[currentIndex(all) + offset]);
};
const stepCase = (offset) => {  // to the first film of the next case, or of the one before
    const all = rows(), at = currentIndex(all);
    const onTheWay = offset > 0 ? all.slice(at + 1) : all.slice(0, at).reverse();
    const other = onTheWay.find((row) => caseOf(row) !== caseOf(all[at]));
    open(other && all.find((row) => caseOf(row) === caseOf(other)));
};
const move = (offset, event) => (event.shiftKey ? stepCase : step)(offset);
const actions = {
    previous: (event) => move(-1, event),
    next: (event) => move(1, event),
    list: () => document.querySelector('[role=tab][data-tab-id="worklist"]').click(),
};
const hang = () => document.querySelector("#side-by-side input").click();
const keys = { p: actions.previous, n: actions.next, l: actions.list, b: hang };

element.addEventListener("click", (event) => {
    const pressed = event.target.closest("[data-navigate]"), film = event.target.closest(".case-strip li button");
    if (film) open(allRows().find((row) => row.dataset.place === film.dataset.place));
    else if (pressed && pressed.ariaDisabled !== "true") actions[pressed.dataset.navigate](event);
});
document.addEventListener("keydown", (event) => {
    const act = keys[event.key.toLowerCase()];
    if (!act || find(".film-navigation").hidden || !element.checkVisibility()) return;
    const onFilm = event.target.closest("#single .stage") || document.documentElement.matches(".film-held");
    if (!window.bonefx.takesKey(event, onFilm || element.contains(event.target))) return;
    event.preventDefault();
    act(event);
});
document.addEventListener("rows", draw);
document.addEventListener("open-film", ({ detail: { list, place } }) => {  // by Back or Forward of the browser
    const row = rowsOf(list).find((one) => one.dataset.place === String(place));
    if (!row) return;  // another list is there
    position = { ...position, list };
    open(row);
});
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
    const { list, place, by_navigation } = position, film = list ? { list, place } : null;
    const detail = { film, fromTable: Boolean(film) && !by_navigation };
    document.dispatchEvent(new CustomEvent("film-opened", { detail }));  // to address.js
    if (position.list && !element.contains(document.activeElement)) document.dispatchEvent(new Event("hold-film"));
});
draw();
