() => {
    // Zoom and move a film by wheel, drag and pinch; window it by dragging with the right mouse button
    // or with Shift, as common radiology viewers do.
    const STEP = 1.25, DRAG_PX = 500;  // a drag of DRAG_PX covers the film's whole range
    const { filmOf, move, setWindow, zoom } = window.bonefx.viewer;

    document.addEventListener("wheel", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage || !(event.ctrlKey || stage.contains(document.activeElement))) return;
        event.preventDefault();
        const box = stage.getBoundingClientRect();
        zoom(film, event.deltaY < 0 ? STEP : 1 / STEP,
            event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
    }, { passive: false });

    const pointers = new Map();
    const pinch = (film) => {
        const [a, b] = [...pointers.values()];
        const box = a.target.closest(".stage").getBoundingClientRect();
        return {
            distance: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
            x: (a.clientX + b.clientX) / 2 - box.x - box.width / 2,
            y: (a.clientY + b.clientY) / 2 - box.y - box.height / 2,
        };
    };
    document.addEventListener("pointerdown", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage) return;
        stage.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, event);
    });
    document.addEventListener("pointermove", (event) => {
        const film = filmOf(event), before = pointers.get(event.pointerId);
        if (!film || !before) return;
        const x = event.clientX - before.clientX, y = event.clientY - before.clientY;
        if (pointers.size === 2) {
            const earlier = pinch(film);
            pointers.set(event.pointerId, event);
            const now = pinch(film);
            zoom(film, now.distance / earlier.distance, now.x, now.y);
        } else if (event.buttons === 2 || event.shiftKey) {
            setWindow(film, film.level + y / DRAG_PX, film.width + x / DRAG_PX);
        } else move(film, x, y);
        pointers.set(event.pointerId, event);
    });
    for (const name of ["pointerup", "pointercancel"])
        document.addEventListener(name, (event) => pointers.delete(event.pointerId));
    document.addEventListener("contextmenu", (event) => {
        if (filmOf(event) && event.target.closest(".stage")) event.preventDefault();
    });
}
