// The rows of the worklist: draw them with the heads of their cases, sort and filter them in the page,
// select them, open one by mouse or Enter, and move by arrow keys.
const find = (selector) => element.querySelector(selector);
const body = find("tbody");
let number = 0;  // sequence number of the state that is shown
let list = 0;  // key of the list that is shown
let order = { key: "urgency", falling: false };
let opened = null;  // place of the film that was opened last
let openings = 0;
let running = false;
let message = "";
const drawn = new Map();  // HTML and element of each row, by its place or "case" and number
const seen = new Set(), selected = new Set();  // places
const filter = new Set();  // verdicts; empty for all

const isBlind = () => document.documentElement.matches(".reads-first");
const films = () => [...body.querySelectorAll("tr[data-place]")];
const filmsByCase = () => {
    const found = new Map();
    for (const row of films()) {
        if (!found.has(row.dataset.case)) found.set(row.dataset.case, []);
        found.get(row.dataset.case).push(row);
    }
    return found;
};
const filmsOf = (head) => filmsByCase().get(head.dataset.head);
const heads = () => [...body.querySelectorAll("tr[data-head]")];
const keyOf = (row) => row.dataset.place ?? `case ${row.dataset.head}`;
const announceChange = () => document.dispatchEvent(new Event("rows"));  // to film_navigation.js
const plural = (count) => `${count} ${count === 1 ? "film" : "films"}`;

const following = (row) => {  // place of the film that Next would open; 0 for none
    const shown = films().filter((one) => !one.hidden || one === row);
    return Number(shown[shown.indexOf(row) + 1]?.dataset.place ?? 0);
};
const open = (row, by_navigation) => {
    opened = row.dataset.place;
    seen.add(opened);
    mark();
    openings += 1;
    trigger('select', { index: Number(opened), number, by_navigation, opening: openings, following: following(row) });
};

// A filter, like the order by urgency or probability, would tell verdicts to a reader who answers first.
const isShown = (row) => isBlind() || !filter.size || filter.has(row.dataset.verdict);
const sortKey = () => isBlind() && order.key !== "film" ? "place" : order.key;
const compare = (one, other) => {
    const key = sortKey(), [a, b] = [one.dataset[key], other.dataset[key]];
    const first = key === "film" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
    return (order.falling ? -first : first) || one.dataset.place - other.dataset.place;
};
const showOrder = () => {
    for (const head of element.querySelectorAll("th[data-key]")) {
        const chosen = head.dataset.key === sortKey();
        head.setAttribute("aria-sort", !chosen ? "none" : order.falling ? "descending" : "ascending");
    }
};

// A row that is replaced or moved loses the focus: give it back to the same control.
const keepFocus = (change) => {
    const active = document.activeElement, row = active?.closest("tbody tr");
    const key = row && body.contains(row) ? keyOf(row) : null;
    change();
    if (key === null || document.activeElement === active) return;
    drawn.get(key)?.row.querySelector(active.localName).focus({ preventScroll: true });
};
const rowOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
};
const put = (key, html) => {
    const before = drawn.get(key);
    if (before?.html === html) return;
    const row = rowOf(html);
    if (before) before.row.replaceWith(row);
    else body.append(row);
    drawn.set(key, { html, row });
};
// A case stands where the first of its films stands in the order, and its films follow their head.
const arrange = () => {
    const sorted = new Map(), headOf = new Map(heads().map((head) => [head.dataset.head, head]));
    for (const row of films().sort(compare)) {
        const key = row.dataset.case ? `case ${row.dataset.case}` : keyOf(row);
        if (!sorted.has(key)) sorted.set(key, headOf.has(row.dataset.case) ? [headOf.get(row.dataset.case)] : []);
        sorted.get(key).push(row);
    }
    let at = body.firstElementChild;  // only rows that are elsewhere are moved
    for (const row of [...sorted.values()].flat()) {
        if (row === at) at = at.nextElementSibling;
        else body.insertBefore(row, at);
    }
};
const markRow = (row, rows) => {  // rows: the films that it stands for
    const every = (places) => rows.every((film) => places.has(film.dataset.place));
    row.ariaCurrent = row.dataset.place === opened && opened ? "true" : null;
    row.classList.toggle("is-seen", every(seen));
    row.hidden = !rows.some(isShown);
    const box = row.querySelector("input");
    box.checked = every(selected);
    box.indeterminate = !box.checked && rows.some((film) => selected.has(film.dataset.place));
};
const mark = () => {
    const all = films(), hidden = all.filter((row) => !isShown(row));
    for (const row of hidden) selected.delete(row.dataset.place);  // what is not visible is not changed
    for (const row of all) markRow(row, [row]);
    const ofCase = filmsByCase();
    for (const head of heads()) markRow(head, ofCase.get(head.dataset.head));
    for (const button of element.querySelectorAll("[data-filter]")) button.ariaPressed = filter.has(button.dataset.filter);
    find(".filtered").hidden = !hidden.length;
    find(".filtered span").textContent = hidden.length ? `${plural(hidden.length)} of ${all.length} hidden by the filter` : "";
    find(".selected").hidden = !selected.size;
    find(".selected span").textContent = selected.size ? `${plural(selected.size)} selected` : "";
    find("[data-action=join]").disabled = running || selected.size < 2;
    find("[data-action=split]").disabled = running;
    find(".case-limits").hidden = !heads().length;
};
const sort = () => {
    showOrder();
    keepFocus(arrange);
    mark();
    announceChange();
};

const forgetList = () => {
    opened = null;
    for (const places of [seen, selected, filter]) places.clear();
};
const drawRows = (value) => {
    const html = new Map(value.rows.map((row, index) => [String(index + 1), row]));
    for (const one of value.cases) if (one.html) html.set(`case ${one.number}`, one.html);
    for (const [key, { row }] of drawn) {
        if (html.has(key)) continue;
        row.remove();
        drawn.delete(key);
    }
    for (const [key, row] of html) put(key, row);
    const caseOf = new Map(value.cases.flatMap((one) => one.places.map((place) => [String(place), one.number])));
    for (const row of films()) {
        const found = caseOf.get(row.dataset.place);
        if (found) row.dataset.case = found;
        else delete row.dataset.case;
    }
    arrange();
};
const showMessage = (html) => {
    if (html !== message) find("[role=status]").innerHTML = message = html;
    const counted = [...element.querySelectorAll("[data-filter]")].map((button) => button.dataset.filter);
    if (!counted.length) return;  // while films are read
    for (const verdict of filter) if (!counted.includes(verdict)) filter.delete(verdict);
};
const draw = () => {
    const value = props.value;
    if (!value || value.number < number) return;  // stale: a later state is shown already
    running = value.running !== "";
    find("progress").hidden = !running;
    find("progress").value = value.done;
    find(".running").textContent = value.running;
    showMessage(value.message_html);
    if (value.rows !== null) {  // null: the list is gone
        if (value.list !== list) forgetList();
        find("table").dataset.list = list = value.list;
        number = value.number;
        find("table").hidden = value.rows.length === 0;
        keepFocus(() => drawRows(value));
    }
    mark();
    announceChange();
};

const choose = (places, on) => {
    for (const place of places) if (on) selected.add(place); else selected.delete(place);
    mark();
};
const sendCases = (action) => {
    trigger('submit', { action, number, places: [...selected].map(Number) });
    choose([...selected], false);
};
const actions = {
    join: () => sendCases("join"),
    split: () => sendCases("split"),
    clear: () => choose([...selected], false),
    "show-all": () => { filter.clear(); mark(); announceChange(); },
};
const toggleFilter = (verdict) => {
    if (!filter.delete(verdict)) filter.add(verdict);
    mark();
    announceChange();
};
element.addEventListener("click", (event) => {
    const head = event.target.closest("th[data-key]"), row = event.target.closest("tbody tr");
    const { action, filter: verdict } = event.target.closest("button")?.dataset ?? {};
    if (head) {
        const key = head.dataset.key;
        order = { key, falling: key === order.key ? !order.falling : key === "probability" };
        sort();
    } else if (action) actions[action]();
    else if (verdict) toggleFilter(verdict);
    else if (row && !event.target.closest("label")) {
        open(row.dataset.head ? filmsOf(row).find((film) => !film.hidden) : row, false);
    }
});
element.addEventListener("change", (event) => {
    const row = event.target.closest("tbody tr");
    const rows = row.dataset.head ? filmsOf(row).filter((film) => !film.hidden) : [row];
    choose(rows.map((film) => film.dataset.place), event.target.checked);
});
element.addEventListener("film-navigation", (event) => {
    open(event.target, true);
    event.detail.opening = openings;
});
element.addEventListener("keydown", (event) => {
    const side = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    let row = side && event.target.closest("tbody tr")?.[side];
    while (row?.hidden) row = row[side];
    if (!row) return;
    event.preventDefault();
    row.querySelector(event.target.localName).focus();
});
document.addEventListener("order", sort);
watch("value", draw);
showOrder();
draw();
