(settings) => {
    // The film viewer: window and level, zoom, map, contour and curtain of every .viewer on the
    // page, on one stage or on several that show the same film. All of it happens here, so that no
    // film is sent twice and nothing of it is kept.
    const STEP = 1.25, FARTHEST = 12, WHITE = 65535;
    const films = new WeakMap();
    const part = (viewer, name) => viewer.querySelector(`[data-tool="${name}"]`);
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

    const start = async (viewer) => {
        viewer.dataset.ready = "";
        const stages = [...viewer.querySelectorAll(".stage")];
        const film = { viewer, stages, zoom: 1, x: 0, y: 0, inverted: false };
        films.set(viewer, film);
        const source = viewer.querySelector("img.source");
        await source.decode();
        const plain = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
        const bitmap = await createImageBitmap(source, plain);
        const [canvas, ...others] = stages.map((stage) => stage.querySelector("canvas"));
        for (const each of [canvas, ...others])
            [each.width, each.height] = [bitmap.width, bitmap.height];
        film.others = others.map((other) => other.getContext("2d"));
        film.context = canvas.getContext("2d", { willReadFrequently: true });
        film.context.drawImage(bitmap, 0, 0);
        const drawn = film.context.getImageData(0, 0, bitmap.width, bitmap.height);
        film.values = valuesOf(drawn.data, source.dataset.bits === "16");
        film.picture = drawn;
        source.remove();
        choosePreset(film);
        viewer.dataset.drawn = "";
        takeFocus(stages[0]);
    };

    // A film that takes the place of one that had the focus gets it too, so that the keys go on.
    const held = (on) => document.documentElement.classList.toggle("film-held", on);
    const takeFocus = (stage) => {
        const active = document.activeElement;
        const free = active === document.body || !active?.checkVisibility();
        if (free && document.documentElement.matches(".film-held")) stage.focus({ preventScroll: true });
    };
    document.addEventListener("hold-film", () => held(true));
    document.addEventListener("focusin", (event) => held(Boolean(event.target.closest(".stage"))));
    document.addEventListener("pointerdown", (event) => {
        if (!event.target.closest?.(".stage")) held(false);
    });

    // Deep films come with the upper byte as red and the lower as green.
    const valuesOf = (bytes, deep) => {
        const values = new Uint16Array(bytes.length / 4);
        for (let i = 0; i < values.length; i++)
            values[i] = deep ? (bytes[4 * i] << 8) | bytes[4 * i + 1] : bytes[4 * i] * 257;
        return values;
    };

    const paint = (film) => {
        if (!film.values) return;
        const low = (film.level - film.width / 2) * WHITE, range = film.width * WHITE;
        const grey = new Uint32Array(WHITE + 1);
        for (let value = 0; value <= WHITE; value++) {
            let shown = Math.round(clamp((value - low) / range, 0, 1) * 255);
            if (film.inverted) shown = 255 - shown;
            grey[value] = 0xff000000 | (shown << 16) | (shown << 8) | shown;
        }
        const pixels = new Uint32Array(film.picture.data.buffer);
        for (let i = 0; i < pixels.length; i++) pixels[i] = grey[film.values[i]];
        film.context.putImageData(film.picture, 0, 0);
        for (const other of film.others) other.drawImage(film.context.canvas, 0, 0);
    };
    const paintSoon = (film) => {
        if (film.waiting) return;
        film.waiting = true;
        requestAnimationFrame(() => { film.waiting = false; paint(film); });
    };

    const choosePreset = (film) => {
        const chosen = part(film.viewer, "preset").selectedOptions[0];
        if (chosen.dataset.low === undefined) return;
        const low = Number(chosen.dataset.low), high = Number(chosen.dataset.high);
        setWindow(film, (low + high) / 2, high - low, false);
    };
    // Level and width are parts of the film's range; the sliders show them in per cent, rounded.
    const setWindow = (film, level, width, own = true) => {
        film.level = clamp(level, -0.25, 1.25);
        film.width = own ? clamp(width, 0.01, 2) : width;
        part(film.viewer, "level").value = 100 * film.level;
        part(film.viewer, "width").value = 100 * film.width;
        if (own) part(film.viewer, "preset").value = "own";
        paintSoon(film);
    };

    const place = (film) => {
        const stage = film.stages[0];  // all are of one size
        const reach = (film.zoom - 1) / 2;
        film.x = clamp(film.x, -reach * stage.clientWidth, reach * stage.clientWidth);
        film.y = clamp(film.y, -reach * stage.clientHeight, reach * stage.clientHeight);
        for (const each of film.stages) {
            each.querySelector(".sheet").style.transform =
                `translate(${film.x}px, ${film.y}px) scale(${film.zoom})`;
            each.classList.toggle("near", film.zoom > 1);
        }
    };
    // Zoom by a factor, and keep what lies at (x, y) from the middle of the stage where it is.
    const zoom = (film, factor, x = 0, y = 0) => {
        const before = film.zoom;
        film.zoom = clamp(before * factor, 1, FARTHEST);
        film.x = x - ((x - film.x) * film.zoom) / before;
        film.y = y - ((y - film.y) * film.zoom) / before;
        place(film);
    };
    const move = (film, x, y) => { film.x += x; film.y += y; place(film); };

    const press = (film, name) => {
        const button = part(film.viewer, name);
        if (button.disabled) return;
        const on = button.getAttribute("aria-pressed") !== "true";
        button.setAttribute("aria-pressed", on);
        film.viewer.classList.toggle(`with-${name}`, on);
        if (name === "invert") { film.inverted = on; paintSoon(film); }
    };
    const whole = (film) => {
        if (document.fullscreenElement) document.exitFullscreen();
        else film.viewer.requestFullscreen();
    };
    const drawCurtain = (film) => {
        const share = part(film.viewer, "curtain").value;
        film.viewer.style.setProperty("--curtain", `${share}%`);
        film.viewer.classList.toggle("with-curtain", share > 0);
    };

    const tools = {
        preset: choosePreset,
        level: (film) => setWindow(film, part(film.viewer, "level").value / 100, film.width),
        width: (film) => setWindow(film, film.level, part(film.viewer, "width").value / 100),
        opacity: (film) =>
            film.viewer.style.setProperty("--map", part(film.viewer, "opacity").value / 100),
        curtain: drawCurtain,
    };
    const buttons = {
        invert: (film) => press(film, "invert"),
        map: (film) => press(film, "map"),
        contour: (film) => press(film, "contour"),
        in: (film) => zoom(film, STEP),
        out: (film) => zoom(film, 1 / STEP),
        fit: (film) => zoom(film, 0),
        full: whole,
    };
    const keys = {
        "+": buttons.in, "=": buttons.in, "-": buttons.out, 0: buttons.fit, i: buttons.invert,
        m: buttons.map, c: buttons.contour, f: whole,
        ArrowLeft: (film) => move(film, 40, 0), ArrowRight: (film) => move(film, -40, 0),
        ArrowUp: (film) => move(film, 0, 40), ArrowDown: (film) => move(film, 0, -40),
    };

    const filmOf = (event) => films.get(event.target.closest?.(".viewer"));
    document.addEventListener("input", (event) => {
        const film = filmOf(event), tool = tools[event.target.dataset?.tool];
        if (film && tool) tool(film);
    });
    document.addEventListener("click", (event) => {
        const film = filmOf(event), button = event.target.closest?.("button[data-tool]");
        if (film && button) buttons[button.dataset.tool](film);
    });
    document.addEventListener("keydown", (event) => {
        const film = filmOf(event), act = keys[event.key];
        if (!film || !act || !event.target.matches(".stage")) return;
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        act(film);
    });
    document.addEventListener("wheel", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage || !(event.ctrlKey || stage.contains(document.activeElement))) return;
        event.preventDefault();
        const box = stage.getBoundingClientRect();
        zoom(film, event.deltaY < 0 ? STEP : 1 / STEP,
            event.clientX - box.x - box.width / 2, event.clientY - box.y - box.height / 2);
    }, { passive: false });

    // Drag to move; with the right button, or with Shift, to window as reading rooms are used to.
    const touching = new Map();
    const fingers = (film) => {
        const [a, b] = [...touching.values()];
        const box = a.target.closest(".stage").getBoundingClientRect();
        return {
            apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY),
            x: (a.clientX + b.clientX) / 2 - box.x - box.width / 2,
            y: (a.clientY + b.clientY) / 2 - box.y - box.height / 2,
        };
    };
    document.addEventListener("pointerdown", (event) => {
        const film = filmOf(event), stage = event.target.closest?.(".stage");
        if (!film || !stage) return;
        stage.setPointerCapture(event.pointerId);
        touching.set(event.pointerId, event);
    });
    document.addEventListener("pointermove", (event) => {
        const film = filmOf(event), before = touching.get(event.pointerId);
        if (!film || !before) return;
        const x = event.clientX - before.clientX, y = event.clientY - before.clientY;
        if (touching.size === 2) {
            const was = fingers(film);
            touching.set(event.pointerId, event);
            const now = fingers(film);
            zoom(film, now.apart / was.apart, now.x, now.y);
        } else if (event.buttons === 2 || event.shiftKey) {
            setWindow(film, film.level + y / 500, film.width + x / 500);
        } else move(film, x, y);
        touching.set(event.pointerId, event);
    });
    for (const end of ["pointerup", "pointercancel"])
        document.addEventListener(end, (event) => touching.delete(event.pointerId));
    document.addEventListener("contextmenu", (event) => {
        if (filmOf(event) && event.target.closest(".stage")) event.preventDefault();
    });

    const startAll = () =>
        document.querySelectorAll(".viewer:not([data-ready]):has(.stage)").forEach(start);
    new MutationObserver(startAll).observe(document.body, { childList: true, subtree: true });
    startAll();
}
