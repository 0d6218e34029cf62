() => {
    // Connect the viewer's toolbar and keys: window presets, sliders, zoom, map, contour, curtain.
    const STEP = 1.25, MOVE_PX = 40;
    const { choosePreset, filmOf, move, paintSoon, setWindow, tool, zoom } = window.bonefx.viewer;

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
        fit: (film) => zoom(film, 0),
        full: toggleFullScreen,
    };
    const keys = {
        "+": buttons.in, "=": buttons.in, "-": buttons.out, 0: buttons.fit, i: buttons.invert,
        m: buttons.map, c: buttons.contour, f: toggleFullScreen,
        ArrowLeft: (film) => move(film, MOVE_PX, 0), ArrowRight: (film) => move(film, -MOVE_PX, 0),
        ArrowUp: (film) => move(film, 0, MOVE_PX), ArrowDown: (film) => move(film, 0, -MOVE_PX),
    };

    document.addEventListener("input", (event) => {
        const film = filmOf(event), apply = inputs[event.target.dataset?.tool];
        if (film && apply) apply(film);
    });
    document.addEventListener("click", (event) => {
        const film = filmOf(event), button = event.target.closest?.("button[data-tool]");
        if (film && button) buttons[button.dataset.tool](film);
    });
    document.addEventListener("keydown", (event) => {
        // Caps Lock must not disable the letters.
        const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
        const film = filmOf(event), act = keys[key];
        if (!film || !act || !event.target.matches(".stage")) return;
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        act(film);
    });
}
