// The rows of the worklist: sort them in the page, open one by mouse or Enter, move by arrow keys.
const find = (selector) => element.querySelector(selector);
const body = find("tbody");
let number = 0;  // sequence number of the state that is shown
let order = { key: "urgency", falling: false };
let opened = null;  // place of the film that was opened last
let openings = 0;
let drawn = [];  // the HTML of each row, in the order of the list

const markOpened = () => {
    for (const row of body.rows) row.ariaCurrent = row.dataset.place === opened ? "true" : null;
};
const open = (row, by_navigation) => {
    opened = row.dataset.place;
    markOpened();
    openings += 1;
    trigger('select', { index: Number(opened), number, by_navigation, opening: openings });
};
const announceChange = () => document.dispatchEvent(new Event("rows"));  // to film_navigation.js

// The order by urgency or probability would tell the verdicts to a reader who answers first.
const sortKey = () => {
    const blind = document.documentElement.matches(".reads-first");
    return blind && order.key !== "film" ? "place" : order.key;
};
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
const rowOf = (html) => {
    const template = document.createElement("template");
    template.innerHTML = html;
    return template.content.firstElementChild;
};
const replaceRow = (html) => {  // the second model has read its film; the order stays
    const row = rowOf(html);
    const before = body.querySelector(`[data-place="${row.dataset.place}"]`);
    const focused = before.contains(document.activeElement);
    before.replaceWith(row);
    if (focused) row.querySelector("button").focus({ preventScroll: true });
};
const sort = () => {
    showOrder();
    body.append(...[...body.rows].sort(compare));
    announceChange();
};
const insertRow = (html) => {
    const row = rowOf(html);
    body.insertBefore(row, [...body.rows].find((other) => compare(row, other) < 0) || null);
};
const draw = () => {
    const value = props.value;
    if (!value || value.number < number) return;  // stale: a later state is shown already
    if (value.rows === null) {  // the list is gone
        find("[role=status]").innerHTML = value.message_html;
        find("progress").hidden = true;
        find(".running").textContent = "";
        announceChange();
        return;
    }
    if (value.number > number || value.rows.length < body.rows.length) {
        body.replaceChildren();
        drawn = [];
    }
    if (find("table").dataset.list !== String(value.list)) opened = null;
    find("table").dataset.list = value.list;
    number = value.number;
    drawn.forEach((html, index) => { if (html !== value.rows[index]) replaceRow(value.rows[index]); });
    value.rows.slice(drawn.length).forEach(insertRow);
    drawn = [...value.rows];
    if (opened) markOpened();
    find("table").hidden = value.rows.length === 0;
    find("progress").hidden = value.running === "";
    find("progress").value = value.done;
    find(".running").textContent = value.running;
    const status = find("[role=status]");
    if (status.innerHTML !== value.message_html) status.innerHTML = value.message_html;
    announceChange();
};
element.addEventListener("click", (event) => {
    const head = event.target.closest("th[data-key]");
    const row = event.target.closest("tbody tr");
    if (head) {
        const key = head.dataset.key;
        order = { key, falling: key === order.key ? !order.falling : key === "probability" };
        sort();
    } else if (row) open(row, false);
});
element.addEventListener("film-navigation", (event) => {
    open(event.target, true);
    event.detail.opening = openings;
});
element.addEventListener("keydown", (event) => {
    const row = event.target.closest("tbody tr");
    const next = { ArrowDown: "nextElementSibling", ArrowUp: "previousElementSibling" }[event.key];
    if (!row || !next || !row[next]) return;
    event.preventDefault();
    row[next].querySelector("button").focus();
});
document.addEventListener("order", sort);
watch("value", draw);
showOrder();
draw();
