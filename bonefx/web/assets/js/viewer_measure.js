() => {
    // Measure lengths by two points and angles by three, in mm where the film's file gives a spacing.
    // Points are kept in pixels of the film as it was read, so that they stay on the bone when the
    // film is turned, mirrored or cropped; they are drawn and measured on the film as it is shown.
    const CLICK_PX = 6;  // a shorter drag is a click
    const SVG = "http://www.w3.org/2000/svg";
    const POINTS = { length: 2, angle: 3 };
    const { viewer } = window.bonefx;
    const { followers, toPage } = viewer;

    const moved = ({ x, y }, matrix) => {
        const point = new DOMPoint(x, y).matrixTransform(matrix);
        return { x: point.x, y: point.y };
    };
    const asRead = (film, point) => moved(point, film.toShown.inverse());
    const asShown = (film, { points }) => points.map((point) => moved(point, film.toShown));

    const vector = (film, from, to) =>
        ({ x: (to.x - from.x) * film.pixel.x, y: (to.y - from.y) * film.pixel.y });
    const lengthOf = (film, [from, to]) => {
        const { x, y } = vector(film, from, to), length = Math.hypot(x, y);
        return film.unit === "px" ? `${Math.round(length)} px` : `${length.toFixed(1)} ${film.unit}`;
    };
    const angleOf = (film, [one, corner, other]) => {
        const a = vector(film, corner, one), b = vector(film, corner, other);
        const degrees = Math.atan2(Math.abs(a.x * b.y - a.y * b.x), a.x * b.x + a.y * b.y) * 180 / Math.PI;
        return `${degrees.toFixed(1)}\u00b0`;
    };
    const textOf = (film, measurement) => {
        const points = asShown(film, measurement);
        if (points.length < POINTS[measurement.kind]) return "";
        return measurement.kind === "length" ? lengthOf(film, points) : angleOf(film, points);
    };

    const element = (name, attributes, text = "") => {
        const made = document.createElementNS(SVG, name);
        for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
        made.textContent = text;
        return made;
    };
    const shapesOf = (film, measurement, number) => {
        const points = asShown(film, measurement), place = points[measurement.kind === "angle" ? 1 : 0];
        const atRight = place.x > film.size.width / 2;
        const handles = points.map(({ x, y }, index) => element("circle", {
            class: "handle", cx: x, cy: y, "data-measurement": number, "data-point": index,
        }));
        const label = element("text", { x: place.x, y: place.y, class: atRight ? "left" : "right" },
            textOf(film, measurement));
        const line = { points: points.map(({ x, y }) => `${x},${y}`).join(" ") };
        return [
            element("polyline", { ...line, class: "under" }), element("polyline", line), ...handles, label,
        ];
    };
    const all = (film) => [...film.measurements, ...(film.draft ? [film.draft] : [])];
    const drawShapes = (film) => {
        for (const stage of film.stages) {
            const shapes = all(film).flatMap((each, number) => shapesOf(film, each, number));
            if (film.crosshair?.stage === stage)
                shapes.push(element("path", { class: "crosshair", d: crossAt(film, film.crosshair) }));
            stage.querySelector(".measurements").replaceChildren(...shapes);
        }
    };
    const crossAt = (film, { stage, x, y }) => {
        const arm = 12 / Number(stage.querySelector(".sheet").style.getPropertyValue("--zoom"));
        return `M${x - arm} ${y}h${2 * arm}M${x} ${y - arm}v${2 * arm}`;
    };

    // The same as a list below the film: for screen readers, and to delete one.
    const nameOf = (film, number) => {
        const { kind } = film.measurements[number];
        const among = film.measurements.slice(0, number + 1).filter((each) => each.kind === kind).length;
        return `${kind} ${among}`;
    };
    const itemOf = (film, measurement, number) => {
        const item = document.createElement("li"), button = document.createElement("button");
        const name = nameOf(film, number);
        item.textContent = `${name[0].toUpperCase()}${name.slice(1)}: ${textOf(film, measurement)} `;
        button.type = "button";
        button.textContent = "\u00d7";
        button.dataset.delete = number;
        button.ariaLabel = button.title = `Delete ${name}`;
        item.append(button);
        return item;
    };
    const drawList = (film) => {
        const list = film.viewer.querySelector(".measured-on-film");
        const items = film.measurements.map((each, number) => itemOf(film, each, number));
        if (list.textContent === items.map((item) => item.textContent).join("")) return;
        list.replaceChildren(...items);
        list.hidden = items.length === 0;
    };
    followers.push((film) => { drawShapes(film); drawList(film); });
    const redraw = (film) => viewer.changed(film);

    const remove = (film, number) => {
        film.measurements.splice(number, 1);
        redraw(film);
    };
    const removeLast = (film) => {
        if (film.draft) dropDraft(film);
        else if (film.measurements.length) remove(film, film.measurements.length - 1);
    };
    const dropDraft = (film) => { film.draft = null; redraw(film); };

    // Points are set by clicks, or by dragging from one to the next. The last point of the draft
    // follows the pointer until it is set.
    const setLast = (film, at) => { film.draft.points.splice(-1, 1, asRead(film, at)); };
    const isFar = (film, { stage }) => {
        const [from, to] = asShown(film, film.draft).slice(-2).map((point) => toPage(film, stage, point));
        return Math.hypot(to.x - from.x, to.y - from.y) >= CLICK_PX;
    };
    const fixLast = (film) => {
        const { kind, points } = film.draft;
        if (points.length === POINTS[kind]) {
            film.measurements.push(film.draft);
            film.draft = null;
        } else points.push(points.at(-1));
    };
    const down = (kind) => (film, at) => {
        film.crosshair = null;
        if (film.draft) setLast(film, at);
        else film.draft = { kind, points: [asRead(film, at), asRead(film, at)] };
        redraw(film);
    };
    const follow = (film, at) => {
        if (!film.draft) return;
        setLast(film, at);
        redraw(film);
    };
    const up = (film, at) => {
        if (!film.draft) return;
        setLast(film, at);
        if (isFar(film, at)) fixLast(film);
        redraw(film);
    };
    const end = (film) => { film.crosshair = null; dropDraft(film); };
    for (const kind of Object.keys(POINTS))
        viewer.modes[kind] = { down: down(kind), move: follow, hover: follow, up, end, cancel: dropDraft };

    // A point that is set can be dragged to another place, whatever tool is chosen.
    const handleAt = (target) => {
        const { measurement, point } = target.closest?.(".handle")?.dataset ?? {};
        return measurement === undefined ? null : { number: Number(measurement), point: Number(point) };
    };
    const dragHandle = (film, { number, point }, at) => {
        const measurement = film.measurements[number];
        if (measurement) measurement.points[point] = asRead(film, at);
        redraw(film);
    };
    document.addEventListener("click", (event) => {
        const film = viewer.filmOf(event), button = event.target.closest?.("[data-delete]");
        if (!film || !button) return;
        remove(film, Number(button.dataset.delete));
        film.stages[0].focus({ preventScroll: true });
    });
    Object.assign(viewer, { dragHandle, handleAt, removeLastMeasurement: removeLast });
}
