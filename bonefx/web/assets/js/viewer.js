() => {
    // Draw the film of every .viewer on the page through its window, on one stage or on several that
    // show the same film. The browser does this, so that the server sends a film once. What the user
    // set belongs to one opening of one film: the next film starts clean.
    const WHITE = 65535;
    const { onPageChange } = window.bonefx;
    const films = new WeakMap();
    const onScreens = new Map();  // the last film of each screen, by the id of its block
    const tool = (viewer, name) => viewer.querySelector(`[data-tool="${name}"]`);
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));
    const numbers = (words) => (words ? words.split(" ").map(Number) : []);

    const newFilm = (viewer) => {
        const source = viewer.querySelector("img.source"), { dataset } = source;
        const { width, height } = viewer.querySelector(".stage svg").viewBox.baseVal;
        const [rowMm, columnMm] = numbers(dataset.spacing);
        return {
            viewer, source, size: { width, height }, stages: [...viewer.querySelectorAll(".stage")],
            bits: Number(dataset.bits), opening: dataset.opening, view: dataset.view,
            toShown: new DOMMatrix(numbers(dataset.matrix)),  // from the film as it was read
            pixel: rowMm ? { x: columnMm, y: rowMm } : { x: 1, y: 1 }, unit: dataset.unit,
            zoom: 1, x: 0, y: 0, inverted: false, layers: [], mode: null, measurements: [],
        };
    };
    const start = async (viewer) => {
        viewer.dataset.ready = "";
        const film = newFilm(viewer), { source, stages } = film;
        const before = replaceOnScreen(film);
        if (film.opening && before?.opening === film.opening) film.measurements = before.measurements;
        films.set(viewer, film);
        await source.decode();
        const bitmap = await toBitmap(source);
        source.remove();
        if (!viewer.isConnected) return;  // another film has come meanwhile
        film.source = null;
        film.layers = [newLayer(film, "pixels", bitmap)];
        choosePreset(film);
        keepSettings(film, before);
        window.bonefx.viewer.watchSize(film);
        viewer.dataset.drawn = "";
        window.bonefx.focusIfHeld(stages[0]);
    };
    // A film that is shown again, because another model has read it or the user has turned it, keeps
    // its measurements from the start; and its view, where it looks as before.
    const keepSettings = (film, before) => {
        if (!film.opening || before?.opening !== film.opening) return;
        if (before.view !== film.view || before.level === undefined) return;
        const { zoom, x, y, exact, inverted, level, width } = before;
        Object.assign(film, { zoom, x, y, exact, inverted });
        tool(film.viewer, "invert").setAttribute("aria-pressed", inverted);
        if (before.preset === "own") setWindow(film, level, width);
        else {
            tool(film.viewer, "preset").selectedIndex = before.preset;
            choosePreset(film);
        }
    };
    const screenOf = (viewer) => viewer.closest("#viewer, #compare-sides, .beside")?.id ?? "";
    // Put a film in the place of the last one of its screen, and return that one.
    const replaceOnScreen = (film) => {
        const before = onScreens.get(screenOf(film.viewer));
        onScreens.set(screenOf(film.viewer), film);
        return before;
    };
    // A film that has left the page keeps no pixels, only what keepSettings needs.
    const release = (film) => {
        if (film.viewer.isConnected || film.released) return;
        film.released = true;
        film.sizes?.disconnect();
        film.layers.forEach(dropLayer);
        film.viewer.replaceChildren();
        Object.assign(film, { layers: [], stages: [], source: null });
    };

    // A layer is a picture of the film or of a part of it, on a canvas of each stage.
    const toBitmap = (image) => createImageBitmap(
        image, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
    const newLayer = (film, name, bitmap, place = { left: 0, top: 0, ...film.size }) => {
        const canvases = film.stages.map((stage) => stage.querySelector(`canvas.${name}`));
        for (const canvas of canvases) {
            [canvas.width, canvas.height] = [bitmap.width, bitmap.height];
            for (const [edge, value] of Object.entries(place)) canvas.style[edge] = `${value}px`;
        }
        const [context, ...copies] = canvases.map((canvas, index) =>
            canvas.getContext("2d", { willReadFrequently: index === 0 }));
        context.drawImage(bitmap, 0, 0);
        const picture = context.getImageData(0, 0, bitmap.width, bitmap.height);
        bitmap.close();
        return { ...place, canvases, context, copies, picture, values: readValues(picture.data, film.bits) };
    };
    const dropLayer = (layer) => {
        for (const canvas of layer.canvases) canvas.width = canvas.height = 0;
    };

    // A deep film is sent as a colour PNG: its upper byte is red, its lower byte green. Of 12 bits
    // the lowest four are 0; they get the highest ones, so that white stays white.
    const readValues = (bytes, bits) => {
        const values = new Uint16Array(bytes.length / 4);
        for (let i = 0; i < values.length; i++) {
            const deep = (bytes[4 * i] << 8) | bytes[4 * i + 1];
            values[i] = bits === 8 ? bytes[4 * i] * 257 : bits === 12 ? deep | (deep >> 12) : deep;
        }
        return values;
    };

    const greyLevels = (film) => {
        const low = (film.level - film.width / 2) * WHITE, range = film.width * WHITE;
        const grey = new Uint32Array(WHITE + 1);
        for (let value = 0; value <= WHITE; value++) {
            let shown = Math.round(clamp((value - low) / range, 0, 1) * 255);
            if (film.inverted) shown = 255 - shown;
            grey[value] = 0xff000000 | (shown << 16) | (shown << 8) | shown;
        }
        return grey;
    };
    const paint = (film) => {
        const grey = greyLevels(film);
        for (const { values, picture, context, copies } of film.layers) {
            const pixels = new Uint32Array(picture.data.buffer);
            for (let i = 0; i < pixels.length; i++) pixels[i] = grey[values[i]];
            context.putImageData(picture, 0, 0);
            for (const copy of copies) copy.drawImage(context.canvas, 0, 0);
        }
        changed(film);
    };
    const paintSoon = (film) => {
        if (film.paintPending) return;
        film.paintPending = true;
        requestAnimationFrame(() => { film.paintPending = false; paint(film); });
    };
    // What other scripts draw beside the film follows its view and its window.
    const followers = [];
    const changed = (film) => {
        if (!film.released) followers.forEach((follow) => follow(film));
    };

    const choosePreset = (film) => {
        const preset = tool(film.viewer, "preset"), chosen = preset.selectedOptions[0];
        if (chosen.dataset.low === undefined) return;
        film.preset = preset.selectedIndex;
        const low = Number(chosen.dataset.low), high = Number(chosen.dataset.high);
        setWindow(film, (low + high) / 2, high - low, false);
    };
    // Level and width are fractions of the film's range; the sliders show them in per cent.
    const setWindow = (film, level, width, custom = true) => {
        film.level = clamp(level, -0.25, 1.25);
        film.width = custom ? clamp(width, 0.01, 2) : width;
        tool(film.viewer, "level").value = 100 * film.level;
        tool(film.viewer, "width").value = 100 * film.width;
        if (custom) tool(film.viewer, "preset").value = film.preset = "own";
        paintSoon(film);
    };

    // The film of the visible screen first, then those that hang beside it.
    const shownFilms = () => [...onScreens.values()].filter((film) => film.viewer.checkVisibility());

    window.bonefx.viewer = {
        changed, choosePreset, clamp, dropLayer, followers, newLayer, paintSoon, setWindow, toBitmap, tool,
        filmOf: (event) => films.get(event.target.closest?.(".viewer")),
        shownFilms,
        shownFilm: () => shownFilms()[0],
    };
    onPageChange(() => {
        onScreens.forEach(release);
        document.querySelectorAll(".viewer:not([data-ready]):has(.stage)").forEach(start);
    });
}
