() => {
    // The magnifier: a lens under the pointer that shows the film at 1:1, or at twice its size on the
    // screen where that is more. It shows the film alone, without map and measurements.
    const LENS_PX = 260, SHARE = 0.55, ABOVE = 0.75;  // of the lens, above a finger that would hide it
    const { viewer } = window.bonefx;
    const { clamp, followers, scaleOf, toFilm, toPage } = viewer;

    const lensScale = (film) => Math.max(1, 2 * scaleOf(film));
    const place = (film, { stage, x, y, touch }) => {
        const lens = stage.querySelector(".lens"), box = stage.getBoundingClientRect();
        const side = Math.round(Math.min(LENS_PX, SHARE * box.width, SHARE * box.height));
        const middle = toPage(film, stage, { x, y }), half = side / 2;
        const pixels = Math.round(side * devicePixelRatio);
        if (lens.width !== pixels) lens.width = lens.height = pixels;
        lens.style.width = lens.style.height = `${side}px`;
        const left = middle.x - box.x - half, top = middle.y - box.y - half - (touch ? ABOVE * side : 0);
        lens.style.left = `${clamp(left, 0, box.width - side)}px`;
        lens.style.top = `${clamp(top, 0, box.height - side)}px`;
        lens.hidden = false;
        return lens;
    };
    const drawLens = (film) => {
        if (!film.lensAt || !film.layers.length) return;
        const lens = place(film, film.lensAt), { x, y } = film.lensAt, scale = lensScale(film);
        const context = lens.getContext("2d"), half = lens.width / 2;
        context.setTransform(1, 0, 0, 1, 0, 0);
        context.clearRect(0, 0, lens.width, lens.height);
        context.imageSmoothingEnabled = scale !== 1;
        context.setTransform(scale, 0, 0, scale, Math.round(half - scale * x), Math.round(half - scale * y));
        for (const { canvases, left, top, width, height } of film.layers)
            context.drawImage(canvases[0], left, top, width, height);
    };
    const look = (film, at) => {
        const reach = (LENS_PX * devicePixelRatio) / lensScale(film);
        film.lensAt = at;
        film.lensBox = { left: at.x - reach, top: at.y - reach, right: at.x + reach, bottom: at.y + reach };
        viewer.changed(film);
    };
    const close = (film) => {
        film.lensAt = film.lensBox = null;
        for (const stage of film.stages) stage.querySelector(".lens").hidden = true;
        viewer.changed(film);
    };
    // Where the pointer was last, or the middle of the stage.
    const lookAtPointer = (film) => {
        const stage = film.pointer?.stage ?? film.stages[0], box = stage.getBoundingClientRect();
        const { pageX, pageY } = film.pointer ?? { pageX: box.x + box.width / 2, pageY: box.y + box.height / 2 };
        look(film, { stage, ...toFilm(film, stage, pageX, pageY) });
    };
    followers.push(drawLens);
    viewer.modes = {
        magnifier: { down: look, move: look, hover: look, begin: lookAtPointer, end: close },
    };
}
