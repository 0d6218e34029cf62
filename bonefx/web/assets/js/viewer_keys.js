() => {
    // The keys of the viewer. They work wherever the focus is, unless the focused element uses the key
    // itself or the user wants them on the film alone (WCAG 2.2, 2.1.4 Character Key Shortcuts).
    const MOVE_PX = 40, CURSOR_PX = 10;
    const TEXT_INPUTS = "textarea, [contenteditable], select, " +
        "input:not([type=range], [type=radio], [type=checkbox], [type=file], [type=button])";
    const { viewer, onPageChange, visible } = window.bonefx;
    const { buttons, filmOf, modes, move, removeLastMeasurement, setMode, shownFilm, toFilm, toPage } = viewer;
    const dialog = () => document.querySelector("#keys");
    const onFilmAlone = () => dialog()?.querySelector("input").checked;

    // Whether a key that was pressed is meant for the film. Args: the event; whether its target belongs
    // to the film or to its tools.
    const takesKey = (event, onFilm) => {
        if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return false;
        if (document.querySelector("dialog[open]") || event.target.closest(TEXT_INPUTS)) return false;
        return Boolean(onFilm) || !onFilmAlone();
    };

    // With a tool that needs a place, the arrow keys move a cross or the magnifier, not the film.
    const moveCursor = (film, x, y, event) => {
        const stage = film.crosshair?.stage ?? film.stages[0], box = stage.getBoundingClientRect();
        const middle = { x: box.x + box.width / 2, y: box.y + box.height / 2 };
        const from = film.crosshair ? toPage(film, stage, film.crosshair) : middle;
        const step = event.shiftKey ? 1 : CURSOR_PX;
        film.crosshair = { stage, ...toFilm(film, stage, from.x + step * x, from.y + step * y) };
        modes[film.mode].hover(film, film.crosshair);
        viewer.changed(film);
    };
    const arrow = (x, y) => (film, event) => {
        if (modes[film.mode]?.hover) moveCursor(film, x, y, event);
        else move(film, -MOVE_PX * x, -MOVE_PX * y);
    };
    const setPoint = (film, event) => {
        const mode = modes[film.mode];
        if (!mode?.up) return false;
        if (!film.crosshair) moveCursor(film, 0, 0, event);
        const at = film.crosshair;
        mode.down(film, at);
        mode.up(film, at);
        film.crosshair = at;
        viewer.changed(film);
        return true;
    };
    const cancel = (film) => {
        if (film.draft) removeLastMeasurement(film);
        else if (film.mode) setMode(film, null);
        else return false;
        return true;
    };
    const holdLens = (film) => {
        film.holdsLens = true;
        modes.magnifier.begin(film);
    };
    const releaseLens = () => {
        const film = shownFilm();
        if (!film?.holdsLens) return;
        film.holdsLens = false;
        if (film.mode !== "magnifier") modes.magnifier.end(film);
    };

    const repeated = { "+": buttons.in, "=": buttons.in, "-": buttons.out };
    const once = {
        0: buttons.reset, 1: buttons.exact, i: buttons.invert, m: buttons.map, c: buttons.contour,
        f: buttons.full, w: buttons.window, d: buttons.length, a: buttons.angle, z: holdLens,
    };
    const inViewer = {  // the page scrolls by some of these, and other controls use them
        ArrowLeft: arrow(-1, 0), ArrowRight: arrow(1, 0), ArrowUp: arrow(0, -1), ArrowDown: arrow(0, 1),
        Escape: cancel, Delete: removeLastMeasurement, Backspace: removeLastMeasurement,
    };
    const onStage = { Enter: setPoint, " ": setPoint };
    const actionFor = (event) => {
        // Caps Lock must not disable the letters.
        const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        if (key === "1" && visible("#own")) return null;  // an answer; see read_first.js
        if (once[key]) return event.repeat ? () => {} : once[key];
        if (repeated[key]) return repeated[key];
        if (event.target.matches(".stage") && onStage[key]) return onStage[key];
        return filmOf(event) && !event.target.matches("input") ? inViewer[key] : null;
    };
    document.addEventListener("keydown", (event) => {
        const onFilm = filmOf(event), film = onFilm ?? shownFilm();
        if (!takesKey(event, onFilm)) return;
        if (event.key === "?") showKeys();
        const act = film?.layers.length ? actionFor(event) : null;
        if (act && act(film, event) !== false) event.preventDefault();
    });
    document.addEventListener("keyup", (event) => { if (event.key.toLowerCase() === "z") releaseLens(); });
    addEventListener("blur", releaseLens);

    // The list of keys and gestures. The browser closes it by Escape and returns the focus.
    const showKeys = () => dialog()?.showModal();
    document.addEventListener("click", (event) => {
        if (event.target === dialog() || event.target.closest?.("#keys .close")) dialog().close();
    });

    // In full screen the film covers the verdict, so the film shows it, as long as it holds.
    const showVerdict = () => {
        const film = shownFilm(), place = film?.viewer.querySelector(".verdict-on-film");
        if (!place) return;
        const parts = [...document.querySelectorAll("#verdict h2, #verdict .probability b")];
        const shown = document.fullscreenElement === film.viewer ? parts : [];
        const words = shown.map((part) => part.textContent.trim()).join(" \u00b7 ");
        if (place.textContent !== words) place.textContent = words;
    };
    document.addEventListener("fullscreenchange", showVerdict);
    onPageChange(showVerdict);
    Object.assign(window.bonefx, { showKeys, takesKey });
}
