() => {
    // Zoom and move a film; lay it out when its stage changes its size; show it pixel by pixel.
    const MAX_ZOOM = 12, STEPS = 2;  // a large film can be enlarged to STEPS screen pixels a pixel
    const BOX_ROOM = 4;  // a box that is shown near takes this part of the stage
    const { viewer } = window.bonefx;
    const { changed, clamp, followers } = viewer;

    // Pixels of the page for one pixel of the film, when the whole film fits its stage.
    const fitOf = (film, stage = film.stages[0]) => Math.min(
        stage.clientWidth / film.size.width, stage.clientHeight / film.size.height);
    // Pixels of the page, and of the screen, for one pixel of the film.
    const pageScale = (film, stage = film.stages[0]) =>
        film.exact ? 1 / devicePixelRatio : film.zoom * fitOf(film, stage);
    const scaleOf = (film) => pageScale(film) * devicePixelRatio;
    const exactZoom = (film) => 1 / (fitOf(film) * devicePixelRatio);

    // Film pixels that are exactly one screen pixel must begin where screen pixels begin.
    const onGrid = (film, offset, from, stageSize, filmSize) => {
        const half = stageSize / 2 - (pageScale(film) * filmSize) / 2;
        return Math.round((from + half + offset) * devicePixelRatio) / devicePixelRatio - from - half;
    };
    const layOut = (film) => {
        const stage = film.stages[0], { width, height } = film.size;
        if (!stage.clientWidth) return;  // on a tab that is not shown
        const room = Math.max(0, film.zoom - 1) / 2;
        film.x = clamp(film.x, -room * stage.clientWidth, room * stage.clientWidth);
        film.y = clamp(film.y, -room * stage.clientHeight, room * stage.clientHeight);
        if (film.exact) {
            const box = stage.getBoundingClientRect();
            film.x = onGrid(film, film.x, box.x, stage.clientWidth, width);
            film.y = onGrid(film, film.y, box.y, stage.clientHeight, height);
        }
        for (const each of film.stages) {
            const sheet = each.querySelector(".sheet"), scale = pageScale(film, each);
            // At 1:1 without a product of scales, which would be nearly 1 and blur the film.
            const zoom = film.exact ? 1 : film.zoom, inner = scale / zoom;
            const left = (each.clientWidth - inner * width) / 2;
            const top = (each.clientHeight - inner * height) / 2;
            each.querySelector(".picture").style.transform =
                `translate(${left}px, ${top}px) scale(${inner})`;
            // Not 50 %: the stage may be a fraction of a pixel higher than its clientHeight.
            sheet.style.transformOrigin = `${each.clientWidth / 2}px ${each.clientHeight / 2}px`;
            sheet.style.transform = `translate(${film.x}px, ${film.y}px) scale(${zoom})`;
            sheet.style.setProperty("--zoom", scale);  // lines keep their width on the screen
            each.classList.toggle("near", film.zoom > 1);
            each.classList.toggle("exact", Boolean(film.exact));
        }
        changed(film);
    };
    // Zoom to a factor of the fitted size; the point (x, y), from the middle of the stage, stays.
    const zoomTo = (film, factor, x = 0, y = 0) => {
        const before = film.zoom;
        film.zoom = factor;
        film.exact = false;
        film.x = x - ((x - film.x) * film.zoom) / before;
        film.y = y - ((y - film.y) * film.zoom) / before;
        layOut(film);
    };
    const mostZoom = (film) => Math.max(MAX_ZOOM, STEPS * exactZoom(film));
    const zoom = (film, factor, x = 0, y = 0) => {
        zoomTo(film, clamp(film.zoom * factor, Math.min(1, film.zoom), mostZoom(film)), x, y);
    };
    // Show a box of the film, in its pixels, in the middle, with its surroundings.
    const showBox = (film, { left, top, right, bottom }) => {
        const { clientWidth, clientHeight } = film.stages[0], { width, height } = film.size;
        const wanted = Math.min(clientWidth / (right - left), clientHeight / (bottom - top)) / BOX_ROOM;
        zoomTo(film, clamp(wanted / fitOf(film), 1, mostZoom(film)));
        film.x = pageScale(film) * (width / 2 - (left + right) / 2);
        film.y = pageScale(film) * (height / 2 - (top + bottom) / 2);
        layOut(film);
    };
    const fit = (film) => {
        Object.assign(film, { x: 0, y: 0, zoom: 1, exact: false });
        layOut(film);
    };
    const showExact = (film) => {
        zoomTo(film, exactZoom(film));
        film.exact = true;
        layOut(film);
    };
    const move = (film, x, y) => { film.x += x; film.y += y; layOut(film); };
    const watchSize = (film) => {
        film.sizes = new ResizeObserver(() => {
            if (film.exact) film.zoom = exactZoom(film);
            layOut(film);
        });
        film.stages.forEach((stage) => film.sizes.observe(stage));
        layOut(film);
    };

    // Points: on the page, as events give them, and in pixels of the film as it is shown.
    const originOf = (film, stage) => {
        const box = stage.getBoundingClientRect(), { width, height } = film.size;
        const scale = pageScale(film, stage);
        return {
            scale,
            x: box.x + stage.clientWidth / 2 + film.x - (scale * width) / 2,
            y: box.y + stage.clientHeight / 2 + film.y - (scale * height) / 2,
        };
    };
    const toFilm = (film, stage, pageX, pageY) => {
        const { scale, x, y } = originOf(film, stage);
        return { x: (pageX - x) / scale, y: (pageY - y) / scale };
    };
    const toPage = (film, stage, point) => {
        const { scale, x, y } = originOf(film, stage);
        return { x: x + scale * point.x, y: y + scale * point.y };
    };

    followers.push((film) => {
        const window = `L ${film.level?.toFixed(2)} W ${film.width?.toFixed(2)}`;
        for (const stage of film.stages)
            stage.querySelector(".readout").textContent =
                `${window} \u00b7 ${Math.round(100 * scaleOf(film))} %`;
    });
    Object.assign(viewer, { fit, layOut, move, scaleOf, showBox, showExact, toFilm, toPage, watchSize, zoom });
}
