() => {
    // Connect the viewer's toolbar: window presets, sliders, zoom, map, contour, curtain, and the tools
    // that take the drags on the film: level and width, magnifier, length, angle.
    const STEP = 1.25;
    const { viewer } = window.bonefx;
    const { choosePreset, filmOf, fit, modes, paintSoon, setWindow, showExact, tool, zoom } = viewer;

    const toggle = (film, name) => {
        const button = tool(film.viewer, name);
        if (button.disabled) return;
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        film.viewer.classList.toggle(`with-${name}`, on);
        if (name === "invert") { film.inverted = on; paintSoon(film); }
    };
    const toggleFullScreen = (film) => {
        if (document.fullscreenElement) document.exitFullscreen();
        else film.viewer.requestFullscreen();
    };
    const drawCurtain = (film) => {
        const share = tool(film.viewer, "curtain").value;
        film.viewer.style.setProperty("--curtain", `${share}%`);
        film.viewer.classList.toggle("with-curtain", share > 0);
    };
    // Choose the tool that takes the drags, or none; choosing it again puts it away.
    const setMode = (film, name) => {
        const before = film.mode;
        film.mode = name === before ? null : name;
        modes[before]?.end?.(film);
        for (const each of Object.keys(modes))
            tool(film.viewer, each).setAttribute("aria-pressed", each === film.mode);
        film.viewer.dataset.mode = film.mode ?? "";
        modes[film.mode]?.begin?.(film);
        if (film.mode) document.dispatchEvent(new Event("film-tool"));  // to film_crop.js
    };
    // Measurements stay, and the map as it is shown: both belong to the film, not to the view of it.
    const reset = (film) => {
        tool(film.viewer, "preset").selectedIndex = 0;
        choosePreset(film);
        if (film.inverted) toggle(film, "invert");
        tool(film.viewer, "curtain").value = 0;
        drawCurtain(film);
        fit(film);
    };

    const inputs = {
        preset: choosePreset,
        level: (film) => setWindow(film, tool(film.viewer, "level").value / 100, film.width),
        width: (film) => setWindow(film, film.level, tool(film.viewer, "width").value / 100),
        opacity: (film) =>
            film.viewer.style.setProperty("--map", tool(film.viewer, "opacity").value / 100),
        curtain: drawCurtain,
    };
    const buttons = {
        invert: (film) => toggle(film, "invert"),
        map: (film) => toggle(film, "map"),
        contour: (film) => toggle(film, "contour"),
        in: (film) => zoom(film, STEP),
        out: (film) => zoom(film, 1 / STEP),
        fit, reset,
        exact: showExact,
        full: toggleFullScreen,
        keys: () => window.bonefx.showKeys(),
    };
    for (const name of Object.keys(modes)) buttons[name] = (film) => setMode(film, name);

    document.addEventListener("input", (event) => {
        const film = filmOf(event), apply = inputs[event.target.dataset?.tool];
        if (film && apply) apply(film);
    });
    document.addEventListener("click", (event) => {
        const film = filmOf(event), button = event.target.closest?.("button[data-tool]");
        if (film?.layers.length && button) buttons[button.dataset.tool](film);
        const shown = viewer.shownFilm();
        if (event.target.closest?.("#crop") && shown?.mode) setMode(shown, null);
    });
    Object.assign(viewer, { buttons, setMode });
}
