() => {
    // Zoom and move a film by wheel, drag and pinch; window it by dragging with the right mouse button
    // or with Shift, as common radiology viewers do. A tool that is chosen takes the other drags.
    const STEP = 1.25, DRAG_PX = 500;  // a drag of DRAG_PX covers the film's whole range
    const LEFT = 0;
    const { viewer } = window.bonefx;
    const { dragHandle, filmOf, handleAt, modes, move, setWindow, toFilm, zoom } = viewer;

    document.addEventListener("wheel", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage || !(event.ctrlKey || stage.contains(document.activeElement))) return;
        event.preventDefault();
        const box = stage.getBoundingClientRect();
        zoom(film, event.deltaY < 0 ? STEP : 1 / STEP,
            event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
    }, { passive: false });

    const pointers = new Map();  // where each pressed pointer is, with the film and stage it began on
    const placeOf = ({ clientX, clientY }, { film, stage }) => ({ film, stage, clientX, clientY });
    const gestures = new Map();  // what the drag of each pointer does: { move(film, event, before), up, cancel }
    const pinch = (film) => {
        const [a, b] = [...pointers.values()];
        const box = a.stage.getBoundingClientRect();
        return {
            distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
            x: (a.clientX + b.clientX) / 2 - box.x - box.width / 2,
            y: (a.clientY + b.clientY) / 2 - box.y - box.height / 2,
        };
    };
    const pointOf = (film, event) => {
        const stage = event.target.closest(".stage");
        const touch = event.pointerType === "touch";
        return { stage, touch, ...toFilm(film, stage, event.clientX, event.clientY) };
    };
    const windowing = {
        move: (film, event, before) => setWindow(film,
            film.level + (event.clientY - before.clientY) / DRAG_PX,
            film.width + (event.clientX - before.clientX) / DRAG_PX),
    };
    const panning = {
        move: (film, event, before) =>
            move(film, event.clientX - before.clientX, event.clientY - before.clientY),
    };
    modes.window = windowing;
    const draggingHandle = (handle) => ({
        move: (film, event) => dragHandle(film, handle, pointOf(film, event)),
    });
    const usingMode = ({ move: follow, up, cancel }) => ({
        move: (film, event) => follow?.(film, pointOf(film, event)),
        up: (film, event) => up?.(film, pointOf(film, event)),
        cancel: (film) => cancel?.(film),
    });
    const gestureFor = (film, event) => {
        if (event.buttons === 2 || event.shiftKey || (film.mode === "window" && event.button === LEFT))
            return windowing;
        const handle = handleAt(event.target), mode = modes[film.mode];
        if (event.button !== LEFT) return panning;
        if (handle && film.measurements[handle.number]) return draggingHandle(handle);
        if (!mode) return panning;
        mode.down?.(film, pointOf(film, event));
        return usingMode(mode);
    };
    document.addEventListener("pointerdown", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage) return;
        const gesture = pointers.size === 0 ? gestureFor(film, event) : null;
        gestures.forEach((other) => { if (!gesture) other.cancel?.(film); });  // two fingers zoom
        if (gesture) gestures.set(event.pointerId, gesture);
        else gestures.clear();
        stage.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, placeOf(event, { film, stage }));
    });
    const hover = (film, event) => {
        const stage = event.target.closest?.(".stage");
        if (!film || !stage) return;
        film.pointer = { stage, pageX: event.clientX, pageY: event.clientY };
        const mode = film.holdsLens ? modes.magnifier : modes[film.mode];
        mode?.hover?.(film, pointOf(film, event));
    };
    document.addEventListener("pointermove", (event) => {
        const film = filmOf(event), before = pointers.get(event.pointerId);
        if (!before) hover(film, event);
        if (!film || before?.film !== film) return;  // no drag goes on with the next film
        if (pointers.size === 2) {
            const earlier = pinch(film);
            pointers.set(event.pointerId, placeOf(event, before));
            const now = pinch(film);
            zoom(film, now.distance / earlier.distance, now.x, now.y);
        } else gestures.get(event.pointerId)?.move(film, event, before);
        pointers.set(event.pointerId, placeOf(event, before));
    });
    const finish = (event) => {
        const gesture = gestures.get(event.pointerId), film = pointers.get(event.pointerId)?.film;
        if (event.type === "pointerup" && filmOf(event) === film) gesture?.up?.(film, event);
        else gesture?.cancel?.(film);
        pointers.delete(event.pointerId);
        gestures.delete(event.pointerId);
    };
    for (const name of ["pointerup", "pointercancel"]) document.addEventListener(name, finish);
    document.addEventListener("contextmenu", (event) => {
        if (filmOf(event) && event.target.closest(".stage")) event.preventDefault();
    });
}
