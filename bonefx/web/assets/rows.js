// The worklist's rows: kept sorted in the page, opened by mouse or Enter, walked by arrow keys.
const part = (place) => element.querySelector(place);
const body = part("tbody");
let number = 0;
let order = { key: "urgency", falling: false };
let opened = null;  // place of the film that was opened last
let openings = 0;

const mark = () => {
    for (const row of body.rows) row.ariaCurrent = row.dataset.place === opened ? "true" : null;
};
const open = (row, walked) => {
    opened = row.dataset.place;
    mark();
    openings += 1;
    trigger('select', { index: Number(opened), number, walked, opening: openings });
};
const tell = () => document.dispatchEvent(new Event("rows"));  // to whoever walks from film to film

const compare = (one, other) => {
    const [a, b] = [one.dataset[order.key], other.dataset[order.key]];
    const first = order.key === "film" ? a.localeCompare(b, undefined, { numeric: true }) : a - b;
    return (order.falling ? -first : first) || one.dataset.place - other.dataset.place;
};
const showOrder = () => {
    for (const head of element.querySelectorAll("th[data-key]")) {
        const chosen = head.dataset.key === order.key;
        head.setAttribute("aria-sort", !chosen ? "none" : order.falling ? "descending" : "ascending");
    }
};
const insert = (html) => {
    const made = document.createElement("template");
    made.innerHTML = html;
    const row = made.content.firstElementChild;
    body.insertBefore(row, [...body.rows].find((other) => compare(row, other) < 0) || null);
};
const draw = () => {
    const value = props.value;
    if (!value || value.number < number) return;  // late word of a list that is gone
    if (value.number > number || value.rows.length < body.rows.length) body.replaceChildren();
    if (part("table").dataset.list !== String(value.list)) opened = null;
    part("table").dataset.list = value.list;
    number = value.number;
    value.rows.slice(body.rows.length).forEach(insert);
    if (opened) mark();
    part("table").hidden = value.rows.length === 0;
    part("progress").hidden = value.running === "";
    part("progress").value = value.done;
    part(".running").textContent = value.running;
    if (part("[role=status]").innerHTML !== value.told) part("[role=status]").innerHTML = value.told;
    tell();
};
element.addEventListener("click", (event) => {
    const head = event.target.closest("th[data-key]");
    const row = event.target.closest("tbody tr");
    if (head) {
        const key = head.dataset.key;
        order = { key, falling: key === order.key ? !order.falling : key === "probability" };
        showOrder();
        body.append(...[...body.rows].sort(compare));
        tell();
    } else if (row) open(row, false);
});
element.addEventListener("walk", (event) => {
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
watch("value", draw);
showOrder();
draw();
