() => {
    // Draw the film of every .viewer on the page through its window, and zoom and move it, on one
    // stage or on several that show the same film. The browser does all of this, so that the server
    // sends a film once and keeps nothing of it.
    const MAX_ZOOM = 12, WHITE = 65535;
    const films = new WeakMap();
    const tool = (viewer, name) => viewer.querySelector(`[data-tool="${name}"]`);
    const clamp = (value, low, high) => Math.min(high, Math.max(low, value));

    const start = async (viewer) => {
        viewer.dataset.ready = "";
        const stages = [...viewer.querySelectorAll(".stage")];
        const film = { viewer, stages, zoom: 1, x: 0, y: 0, inverted: false };
        films.set(viewer, film);
        const source = viewer.querySelector("img.source");
        await source.decode();
        const unchanged = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
        const bitmap = await createImageBitmap(source, unchanged);
        const [canvas, ...copies] = stages.map((stage) => stage.querySelector("canvas"));
        for (const each of [canvas, ...copies])
            [each.width, each.height] = [bitmap.width, bitmap.height];
        film.copies = copies.map((copy) => copy.getContext("2d"));
        film.context = canvas.getContext("2d", { willReadFrequently: true });
        film.context.drawImage(bitmap, 0, 0);
        const picture = film.context.getImageData(0, 0, bitmap.width, bitmap.height);
        film.values = readValues(picture.data, Number(source.dataset.bits));
        film.picture = picture;
        source.remove();
        choosePreset(film);
        viewer.dataset.drawn = "";
        window.bonefx.focusIfHeld(stages[0]);
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
        for (const copy of film.copies) copy.drawImage(film.context.canvas, 0, 0);
    };
    const paintSoon = (film) => {
        if (film.paintPending) return;
        film.paintPending = true;
        requestAnimationFrame(() => { film.paintPending = false; paint(film); });
    };

    const choosePreset = (film) => {
        const chosen = tool(film.viewer, "preset").selectedOptions[0];
        if (chosen.dataset.low === undefined) return;
        const low = Number(chosen.dataset.low), high = Number(chosen.dataset.high);
        setWindow(film, (low + high) / 2, high - low, false);
    };
    // Level and width are fractions of the film's range; the sliders show them in per cent.
    const setWindow = (film, level, width, custom = true) => {
        film.level = clamp(level, -0.25, 1.25);
        film.width = custom ? clamp(width, 0.01, 2) : width;
        tool(film.viewer, "level").value = 100 * film.level;
        tool(film.viewer, "width").value = 100 * film.width;
        if (custom) tool(film.viewer, "preset").value = "own";
        paintSoon(film);
    };

    const applyTransform = (film) => {
        const stage = film.stages[0];  // all stages have the same size
        const margin = (film.zoom - 1) / 2;
        film.x = clamp(film.x, -margin * stage.clientWidth, margin * stage.clientWidth);
        film.y = clamp(film.y, -margin * stage.clientHeight, margin * stage.clientHeight);
        for (const each of film.stages) {
            const sheet = each.querySelector(".sheet");
            sheet.style.transform = `translate(${film.x}px, ${film.y}px) scale(${film.zoom})`;
            sheet.style.setProperty("--zoom", film.zoom);  // lines keep their width on the screen
            each.classList.toggle("near", film.zoom > 1);
        }
    };
    // Zoom by a factor around the point (x, y), measured from the middle of the stage.
    const zoom = (film, factor, x = 0, y = 0) => {
        const before = film.zoom;
        film.zoom = clamp(before * factor, 1, MAX_ZOOM);
        film.x = x - ((x - film.x) * film.zoom) / before;
        film.y = y - ((y - film.y) * film.zoom) / before;
        applyTransform(film);
    };
    const move = (film, x, y) => { film.x += x; film.y += y; applyTransform(film); };

    window.bonefx.viewer = {
        choosePreset, move, paintSoon, setWindow, tool, zoom,
        filmOf: (event) => films.get(event.target.closest?.(".viewer")),
    };
    window.bonefx.onPageChange(() =>
        document.querySelectorAll(".viewer:not([data-ready]):has(.stage)").forEach(start));
}
